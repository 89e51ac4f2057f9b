// Everything an operator can set: Fluxbase's own keys with their names, defaults and FLUXBASE_*
// variables, and ours under `gateway:`. docs/configuration.md is the same list for people; a test
// holds them together.
//
// Command line over environment over file over default. All mistakes are reported at once, each
// with its place and with what would be right. Start reading at config_keys.cc, the table of keys.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loop/secret.h"

namespace fluxgate::app {

using Milliseconds = std::chrono::milliseconds;

struct OauthConfig {
    bool enabled = true;
    bool dcr_enabled = true;
    Milliseconds token_expiry = std::chrono::hours(1);
    Milliseconds refresh_token_expiry = std::chrono::hours(168);
    std::vector<std::string> allowed_redirect_uris;
};

struct McpConfig {
    bool enabled = false;
    std::string base_path = "/mcp";
    Milliseconds session_timeout = std::chrono::hours(24);
    uint64_t max_message_size = 10'485'760;  // bytes
    uint32_t rate_limit_per_min = 100;       // per client, for the process; 0: no limit
    std::vector<std::string> allowed_tools;  // empty: all
    std::vector<std::string> allowed_resources;
    OauthConfig oauth;
    // Fluxbase's custom tools. Accepted, because they stand in files that exist.
    std::string tools_dir = "/app/mcp-tools";
    bool auto_load_on_boot = true;
};

struct DatabaseConfig {
    std::string host = "localhost";
    uint16_t port = 5432;
    std::string user = "postgres";
    loop::Secret password{"postgres"};
    std::string database = "fluxbase";
    std::string ssl_mode = "disable";
    std::string admin_user;  // empty: user and password
    loop::Secret admin_password;
    uint32_t max_connections = 50;  // all loops and lanes together
};

struct LoginConfig {
    std::string user;
    loop::Secret password;  // after loading: also what stood in password_file
    std::filesystem::path password_file;
};

struct GatewayServerConfig {
    std::string address = "127.0.0.1:8080";
    bool allow_plain_http = false;
    std::vector<std::string> allowed_hosts;
    std::vector<std::string> allowed_origins;
    uint32_t loops = 0;  // 0: one per core, as far as database.max_connections reaches
    Milliseconds drain_delay{0};
    Milliseconds drain_timeout = std::chrono::seconds(30);
};

struct GatewayDatabaseConfig {
    LoginConfig user_login{.user = "fluxgate_user", .password = {}, .password_file = {}};
    LoginConfig service_login{.user = "fluxgate_service", .password = {}, .password_file = {}};
    LoginConfig auth_login{.user = "fluxgate_auth", .password = {}, .password_file = {}};
    bool allow_shared_login = false;
    bool pooler = false;
    uint32_t fast_lanes = 2;
    uint32_t slow_lanes = 1;
    uint32_t write_lanes = 1;
    uint32_t fast_depth_max = 16;
    uint32_t write_depth_max = 4;
    Milliseconds fast_timeout{150};
    Milliseconds statement_timeout = std::chrono::seconds(30);
    uint32_t queue_max = 1024;
    Milliseconds queue_wait_max = std::chrono::seconds(2);
    Milliseconds connect_timeout = std::chrono::seconds(5);
    uint32_t statements_max = 256;
    Milliseconds recycle_after = std::chrono::hours(1);
    Milliseconds schema_refresh = std::chrono::minutes(1);
};

struct GatewayKeysConfig {
    Milliseconds cache_ttl = std::chrono::minutes(1);
    uint32_t cache_max = 10'000;     // credentials per core
    uint32_t failures_per_min = 20;  // per address
    // Of session ids, cursors, request states; app/signing_key.h. After loading: also what stood in
    // the file.
    loop::Secret signing_key;
    std::filesystem::path signing_key_file;
};

struct GatewayLimitsConfig {
    uint64_t head_bytes_max = 16'384;
    Milliseconds head_timeout = std::chrono::seconds(10);
    Milliseconds body_idle_timeout = std::chrono::seconds(30);
    Milliseconds write_idle_timeout = std::chrono::seconds(30);
    Milliseconds keep_alive_timeout = std::chrono::seconds(75);
    uint32_t requests_per_connection_max = 10'000;
    uint32_t connections_per_address_max = 256;
};

struct GatewayLogConfig {
    std::string level = "info";
    bool access_log = true;
};

struct GatewayConfig {
    GatewayServerConfig server;
    GatewayDatabaseConfig database;
    GatewayKeysConfig keys;
    GatewayLimitsConfig limits;
    GatewayLogConfig log;
};

// Where a value comes from.
struct Origin {
    enum class Layer : uint8_t { file, environment, command_line };
    Layer layer = Layer::file;
    std::string place;  // "fluxbase.yaml:12", "FLUXBASE_MCP_ENABLED", "--loops"
};

struct Config {
    McpConfig mcp;
    DatabaseConfig database;
    std::string server_address = ":8080";  // Fluxbase's own, not ours
    std::string base_url = "http://localhost:8080";
    std::string public_base_url;
    std::optional<bool> allow_user_client_keys;  // auth.…; nothing: app.settings decides
    loop::Secret jwt_secret;                     // auth.…: where there is no signing_key
    GatewayConfig gateway;
    bool conformance = false;  // --conformance; see conformance_fixtures.h

    std::filesystem::path file;                          // empty: there was none
    std::map<std::string, Origin, std::less<>> origins;  // by key, of what is not a default
    std::vector<std::string> notes;  // for the operator; nothing that stops a start

    [[nodiscard]] bool is_set(std::string_view key) const { return origins.contains(key); }
};

using Environment = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] Environment process_environment();

// Lines for the operator, one mistake each: "fluxbase.yaml:12: mcp.enabled: 'maybe' is not …".
using ConfigErrors = std::vector<std::string>;

struct LoadRequest {
    std::optional<std::filesystem::path> file;  // --config; must exist
    std::vector<std::filesystem::path> search;  // else the first of these that exists, or none
    Environment environment;
    std::optional<uint16_t> port;     // --port
    std::optional<uint32_t> loops;    // --loops
    bool read_password_files = true;  // and the key's; bootstrap writes them, so it does not
};

// Fluxbase's order: ./fluxbase.yaml, ./config/…, /etc/fluxbase/…
[[nodiscard]] std::vector<std::filesystem::path> default_search();

// Reads, binds and checks each value and each pair of values that must fit; does not connect.
[[nodiscard]] std::expected<Config, ConfigErrors> load_config(const LoadRequest& request);

// What serving needs beyond that: three different logins, no plain HTTP on a public address, enough
// connections. Empty: it can start.
[[nodiscard]] ConfigErrors check_for_serving(const Config& config);

}  // namespace fluxgate::app
