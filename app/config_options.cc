#include "app/config_options.h"

#include <algorithm>

#include "app/config_check.h"
#include "app/config_rules.h"
#include "http/text.h"
#include "loop/check.h"

namespace fluxgate::app {
namespace {

// The bounds of the key table keep every duration below 2^32 ms, except those given in seconds
// here.
uint32_t to_ms(Milliseconds value) {
    return static_cast<uint32_t>(value.count());
}
uint32_t to_s(Milliseconds value) {
    return static_cast<uint32_t>(std::chrono::ceil<std::chrono::seconds>(value).count());
}

}  // namespace

pg::Options to_pool_options(const Config& config) {
    const GatewayDatabaseConfig& database = config.gateway.database;
    const EffectiveLogins logins = effective_logins(config);
    pg::Options options;
    options.host = config.database.host;
    options.port = config.database.port;
    options.database = config.database.database;
    options.ssl_mode = config.database.ssl_mode;
    options.user_login = {logins.user.user, logins.user.password};
    options.service_login = {logins.service.user, logins.service.password};
    options.auth_login = {logins.auth.user, logins.auth.password};
    options.pooler = database.pooler;
    options.fast_lanes = database.fast_lanes;
    options.slow_lanes = database.slow_lanes;
    options.write_lanes = database.write_lanes;
    options.fast_depth_max = database.fast_depth_max;
    options.write_depth_max = database.write_depth_max;
    options.fast_timeout_ms = to_ms(database.fast_timeout);
    options.statement_timeout_ms = to_ms(database.statement_timeout);
    options.queue_max = database.queue_max;
    options.queue_wait_max_ms = to_ms(database.queue_wait_max);
    options.connect_timeout_ms = to_ms(database.connect_timeout);
    options.statements_max = database.statements_max;
    options.recycle_after_s = to_s(database.recycle_after);
    return options;
}

http::Limits to_http_limits(const Config& config) {
    const GatewayLimitsConfig& own = config.gateway.limits;
    http::Limits limits;
    limits.body_bytes_max = config.mcp.max_message_size;
    // One body of the largest size is always welcome; a buffer that grows by doubling has twice
    // that.
    limits.bodies_bytes_max = std::max(limits.bodies_bytes_max, 2 * limits.body_bytes_max);
    limits.head_bytes_max = own.head_bytes_max;
    // A request target never needs more than the head that it stands in.
    limits.target_bytes_max = std::min<size_t>(limits.target_bytes_max, own.head_bytes_max);
    limits.head_timeout_ms = to_ms(own.head_timeout);
    limits.body_idle_timeout_ms = to_ms(own.body_idle_timeout);
    limits.write_idle_timeout_ms = to_ms(own.write_idle_timeout);
    limits.keep_alive_timeout_ms = to_ms(own.keep_alive_timeout);
    limits.requests_per_connection_max = own.requests_per_connection_max;
    limits.connections_per_address_max = own.connections_per_address_max;
    limits.drain_timeout_ms = to_ms(config.gateway.server.drain_timeout);
    return limits;
}

http::HostFilter::Options to_host_options(const Config& config) {
    const GatewayServerConfig& server = config.gateway.server;
    const auto address = parse_listen_address(server.address);
    FLUX_CHECK(address.has_value());  // checked when the configuration was loaded
    http::HostFilter::Options options;
    for (const std::string& host : server.allowed_hosts)
        options.hosts.emplace_back(http::without_port(host));
    const std::string_view public_host = host_of_url(config.public_base_url);
    if (!public_host.empty()) options.hosts.emplace_back(public_host);
    const bool is_wildcard = address->host == "::" || address->host == "0.0.0.0";
    if (!is_wildcard) {
        const bool is_v6 = address->host.contains(':');
        options.hosts.push_back(is_v6 ? "[" + address->host + "]" : address->host);
    }
    options.any_host = !address->is_loopback && server.allowed_hosts.empty();
    options.origins = server.allowed_origins;
    // Pages of the caller's own machine, as the Inspector is one.
    options.allow_loopback =
        address->is_loopback || !server.allowed_hosts.empty() || !server.allowed_origins.empty();
    return options;
}

oauth::KeyStoreOptions to_key_store_options(const Config& config) {
    oauth::KeyStoreOptions options;
    options.cache_ttl = std::chrono::ceil<std::chrono::seconds>(config.gateway.keys.cache_ttl);
    options.entries_max = config.gateway.keys.cache_max;
    options.rate_limit_per_min = config.mcp.rate_limit_per_min;
    options.allow_user_client_keys = config.allow_user_client_keys;
    return options;
}

uint32_t connections_per_loop(const Config& config) {
    const GatewayDatabaseConfig& database = config.gateway.database;
    static constexpr uint32_t caller_roles = 3;         // anon, authenticated, service_role
    static constexpr uint32_t gateway_connections = 4;  // one lane of each class, and LISTEN
    return caller_roles * (database.fast_lanes + database.slow_lanes + database.write_lanes) +
           gateway_connections;
}

LoopPlan plan_loops(const Config& config, uint32_t cores) {
    if (config.gateway.server.loops != 0) return {config.gateway.server.loops, false};
    const uint32_t affordable =
        std::max(1u, config.database.max_connections / connections_per_loop(config));
    const uint32_t wanted = std::max(1u, cores);
    return {std::min(wanted, affordable), affordable < wanted};
}

}  // namespace fluxgate::app
