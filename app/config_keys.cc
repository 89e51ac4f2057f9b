#include "app/config_keys.h"

#include <algorithm>
#include <array>

#include "app/config_rules.h"
#include "app/duration.h"
#include "app/nearest.h"

namespace fluxgate::app {
namespace {

constexpr uint64_t second = 1'000;  // milliseconds
constexpr uint64_t minute = 60 * second;
constexpr uint64_t hour = 60 * minute;
constexpr uint64_t day = 24 * hour;
constexpr uint64_t year = 365 * day;

// Inclusive bounds of a number or, in milliseconds, of a duration.
struct Range {
    uint64_t min;
    uint64_t max;
};

template <class Access>
Key key(std::string_view path, Access access, Range range) {
    return {path, access, range.min, range.max, nullptr};
}
template <class Access>
Key key(std::string_view path, Access access, TextRule rule = nullptr) {
    return {path, access, 0, UINT32_MAX, rule};
}

std::vector<Key> fluxbase_keys() {
    return {
        key(
            "base_url", [](Config& c) { return &c.base_url; }, rule::base_url),
        key(
            "public_base_url", [](Config& c) { return &c.public_base_url; },
            rule::optional_base_url),
        key("auth.allow_user_client_keys", [](Config& c) { return &c.allow_user_client_keys; }),
        key("auth.jwt_secret", [](Config& c) { return &c.jwt_secret; }),
        key("server.address", [](Config& c) { return &c.server_address; }),
        key(
            "database.host", [](Config& c) { return &c.database.host; }, rule::not_empty),
        key("database.port", [](Config& c) { return &c.database.port; }, {1, UINT16_MAX}),
        key(
            "database.user", [](Config& c) { return &c.database.user; }, rule::role_name),
        key("database.password", [](Config& c) { return &c.database.password; }),
        key(
            "database.database", [](Config& c) { return &c.database.database; }, rule::not_empty),
        key(
            "database.ssl_mode", [](Config& c) { return &c.database.ssl_mode; }, rule::ssl_mode),
        key("database.admin_user", [](Config& c) { return &c.database.admin_user; }),
        key("database.admin_password", [](Config& c) { return &c.database.admin_password; }),
        key("database.max_connections", [](Config& c) { return &c.database.max_connections; },
            {1, 100'000}),
        key("mcp.enabled", [](Config& c) { return &c.mcp.enabled; }),
        key(
            "mcp.base_path", [](Config& c) { return &c.mcp.base_path; }, rule::base_path),
        key("mcp.session_timeout", [](Config& c) { return &c.mcp.session_timeout; },
            {second, year}),
        key("mcp.max_message_size", [](Config& c) { return &c.mcp.max_message_size; },
            {1024, 1 << 30}),
        key("mcp.rate_limit_per_min", [](Config& c) { return &c.mcp.rate_limit_per_min; },
            {0, 60'000'000}),
        key(
            "mcp.allowed_tools", [](Config& c) { return &c.mcp.allowed_tools; }, rule::not_empty),
        key(
            "mcp.allowed_resources", [](Config& c) { return &c.mcp.allowed_resources; },
            rule::not_empty),
        key("mcp.tools_dir", [](Config& c) { return &c.mcp.tools_dir; }),
        key("mcp.auto_load_on_boot", [](Config& c) { return &c.mcp.auto_load_on_boot; }),
        key("mcp.oauth.enabled", [](Config& c) { return &c.mcp.oauth.enabled; }),
        key("mcp.oauth.dcr_enabled", [](Config& c) { return &c.mcp.oauth.dcr_enabled; }),
        key("mcp.oauth.token_expiry", [](Config& c) { return &c.mcp.oauth.token_expiry; },
            {second, year}),
        key("mcp.oauth.refresh_token_expiry",
            [](Config& c) { return &c.mcp.oauth.refresh_token_expiry; }, {second, year}),
        key(
            "mcp.oauth.allowed_redirect_uris",
            [](Config& c) { return &c.mcp.oauth.allowed_redirect_uris; }, rule::not_empty),
    };
}

std::vector<Key> login_keys() {
    return {
        key(
            "gateway.database.user_login.user",
            [](Config& c) { return &c.gateway.database.user_login.user; }, rule::role_name),
        key("gateway.database.user_login.password",
            [](Config& c) { return &c.gateway.database.user_login.password; }),
        key("gateway.database.user_login.password_file",
            [](Config& c) { return &c.gateway.database.user_login.password_file; }),
        key(
            "gateway.database.service_login.user",
            [](Config& c) { return &c.gateway.database.service_login.user; }, rule::role_name),
        key("gateway.database.service_login.password",
            [](Config& c) { return &c.gateway.database.service_login.password; }),
        key("gateway.database.service_login.password_file",
            [](Config& c) { return &c.gateway.database.service_login.password_file; }),
        key(
            "gateway.database.auth_login.user",
            [](Config& c) { return &c.gateway.database.auth_login.user; }, rule::role_name),
        key("gateway.database.auth_login.password",
            [](Config& c) { return &c.gateway.database.auth_login.password; }),
        key("gateway.database.auth_login.password_file",
            [](Config& c) { return &c.gateway.database.auth_login.password_file; }),
    };
}

std::vector<Key> gateway_database_keys() {
    return {
        key("gateway.database.allow_shared_login",
            [](Config& c) { return &c.gateway.database.allow_shared_login; }),
        key("gateway.database.pooler", [](Config& c) { return &c.gateway.database.pooler; }),
        key("gateway.database.fast_lanes", [](Config& c) { return &c.gateway.database.fast_lanes; },
            {1, 64}),
        key("gateway.database.slow_lanes", [](Config& c) { return &c.gateway.database.slow_lanes; },
            {1, 64}),
        key("gateway.database.write_lanes",
            [](Config& c) { return &c.gateway.database.write_lanes; }, {1, 64}),
        key("gateway.database.fast_depth_max",
            [](Config& c) { return &c.gateway.database.fast_depth_max; }, {1, 256}),
        key("gateway.database.write_depth_max",
            [](Config& c) { return &c.gateway.database.write_depth_max; }, {1, 256}),
        key("gateway.database.fast_timeout",
            [](Config& c) { return &c.gateway.database.fast_timeout; }, {10, minute}),
        key("gateway.database.statement_timeout",
            [](Config& c) { return &c.gateway.database.statement_timeout; }, {10, hour}),
        key("gateway.database.queue_max", [](Config& c) { return &c.gateway.database.queue_max; },
            {1, 1'000'000}),
        key("gateway.database.queue_wait_max",
            [](Config& c) { return &c.gateway.database.queue_wait_max; }, {10, minute}),
        key("gateway.database.connect_timeout",
            [](Config& c) { return &c.gateway.database.connect_timeout; }, {100, minute}),
        key("gateway.database.statements_max",
            [](Config& c) { return &c.gateway.database.statements_max; }, {16, 10'000}),
        key("gateway.database.recycle_after",
            [](Config& c) { return &c.gateway.database.recycle_after; }, {second, day}),
        key("gateway.database.schema_refresh",
            [](Config& c) { return &c.gateway.database.schema_refresh; }, {second, day}),
    };
}

std::vector<Key> gateway_keys() {
    return {
        key(
            "gateway.server.address", [](Config& c) { return &c.gateway.server.address; },
            rule::listen_address),
        key("gateway.server.allow_plain_http",
            [](Config& c) { return &c.gateway.server.allow_plain_http; }),
        key(
            "gateway.server.allowed_hosts",
            [](Config& c) { return &c.gateway.server.allowed_hosts; }, rule::host),
        key(
            "gateway.server.allowed_origins",
            [](Config& c) { return &c.gateway.server.allowed_origins; }, rule::origin),
        key("gateway.server.loops", [](Config& c) { return &c.gateway.server.loops; }, {0, 1024}),
        key("gateway.server.drain_delay", [](Config& c) { return &c.gateway.server.drain_delay; },
            {0, 5 * minute}),
        key("gateway.server.drain_timeout",
            [](Config& c) { return &c.gateway.server.drain_timeout; }, {100, 5 * minute}),
        key("gateway.keys.cache_ttl", [](Config& c) { return &c.gateway.keys.cache_ttl; },
            {second, hour}),
        key("gateway.keys.cache_max", [](Config& c) { return &c.gateway.keys.cache_max; },
            {1, 10'000'000}),
        key("gateway.keys.failures_per_min",
            [](Config& c) { return &c.gateway.keys.failures_per_min; }, {1, 1'000'000}),
        key("gateway.keys.signing_key", [](Config& c) { return &c.gateway.keys.signing_key; }),
        key("gateway.keys.signing_key_file",
            [](Config& c) { return &c.gateway.keys.signing_key_file; }),
        key("gateway.limits.head_bytes_max",
            [](Config& c) { return &c.gateway.limits.head_bytes_max; }, {1024, UINT16_MAX}),
        key("gateway.limits.head_timeout", [](Config& c) { return &c.gateway.limits.head_timeout; },
            {100, 10 * minute}),
        key("gateway.limits.body_idle_timeout",
            [](Config& c) { return &c.gateway.limits.body_idle_timeout; }, {100, 10 * minute}),
        key("gateway.limits.write_idle_timeout",
            [](Config& c) { return &c.gateway.limits.write_idle_timeout; }, {100, 10 * minute}),
        key("gateway.limits.keep_alive_timeout",
            [](Config& c) { return &c.gateway.limits.keep_alive_timeout; }, {100, hour}),
        key("gateway.limits.requests_per_connection_max",
            [](Config& c) { return &c.gateway.limits.requests_per_connection_max; },
            {1, UINT32_MAX}),
        key("gateway.limits.connections_per_address_max",
            [](Config& c) { return &c.gateway.limits.connections_per_address_max; },
            {1, 1'000'000}),
        key(
            "gateway.log.level", [](Config& c) { return &c.gateway.log.level; }, rule::log_level),
        key("gateway.log.access_log", [](Config& c) { return &c.gateway.log.access_log; }),
    };
}

std::vector<Key> all_keys() {
    std::vector<Key> keys = fluxbase_keys();
    for (const auto& part : {gateway_keys(), login_keys(), gateway_database_keys()})
        keys.insert(keys.end(), part.begin(), part.end());
    return keys;
}

std::string_view leaf(std::string_view path) {
    return path.substr(path.rfind('.') + 1);
}

std::string render(bool value) {
    return value ? "true" : "false";
}
std::string render(std::optional<bool> value) {
    return value ? render(*value) : "unset";
}
std::string render(uint16_t value) {
    return std::to_string(value);
}
std::string render(uint32_t value) {
    return std::to_string(value);
}
std::string render(uint64_t value) {
    return std::to_string(value);
}
std::string render(Milliseconds value) {
    return render_duration(value);
}
std::string render(const std::string& value) {
    return value.empty() ? "\"\"" : value;
}
std::string render(const loop::Secret& value) {
    return value.empty() ? "\"\"" : "(set)";
}
std::string render(const std::filesystem::path& value) {
    return render(value.string());
}
std::string render(const std::vector<std::string>& values) {
    std::string text = "[";
    for (const std::string& value : values) {
        if (text.size() > 1) text += ", ";
        text += value;
    }
    return text + "]";
}

}  // namespace

std::span<const Key> config_keys() {
    static const std::vector<Key> keys = all_keys();
    return keys;
}

const Key* find_key(std::string_view path) {
    for (const Key& key : config_keys())
        if (key.path == path) return &key;
    return nullptr;
}

bool is_section(std::string_view path) {
    return std::ranges::any_of(config_keys(), [path](const Key& key) {
        return key.path.size() > path.size() && key.path.starts_with(path) &&
               key.path[path.size()] == '.';
    });
}

bool is_strict(std::string_view path) {
    const std::string_view root = path.substr(0, path.find('.'));
    return root == "mcp" || root == "gateway";
}

std::string environment_name(std::string_view path) {
    std::string name = "FLUXBASE_";
    for (char c : path) {
        if (c == '.') c = '_';
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        name += c;
    }
    return name;
}

std::string_view nearest_key(std::string_view path) {
    std::vector<std::string_view> candidates;
    for (const Key& key : config_keys()) {
        // The right key in the wrong section ("gateway.loops") is nearer than any misspelling.
        if (leaf(key.path) == leaf(path) && is_strict(key.path) == is_strict(path)) return key.path;
        candidates.push_back(key.path);
        for (size_t dot = key.path.find('.'); dot != std::string_view::npos;
             dot = key.path.find('.', dot + 1))
            candidates.push_back(key.path.substr(0, dot));
    }
    return nearest(path, candidates);
}

std::string render_value(const Key& key, const Config& config) {
    // Accessors take a mutable Config, for they serve the loader; nothing is changed here.
    return std::visit([&](auto access) { return render(*access(const_cast<Config&>(config))); },
                      key.field);
}

}  // namespace fluxgate::app
