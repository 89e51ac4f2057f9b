#include "app/config_options.h"

#include <array>

#include "tests/app/config_fixture.h"

namespace fluxgate::app {
namespace {

class ConfigOptions : public ConfigFixture {};

TEST_F(ConfigOptions, ChangeNothingWhereNothingIsConfigured) {
    const pg::Options plain;
    const pg::Options pool = to_pool_options(Config{});
    EXPECT_EQ(pool.host, plain.host);
    EXPECT_EQ(pool.fast_lanes, plain.fast_lanes);
    EXPECT_EQ(pool.slow_lanes, plain.slow_lanes);
    EXPECT_EQ(pool.write_lanes, plain.write_lanes);
    EXPECT_EQ(pool.fast_depth_max, plain.fast_depth_max);
    EXPECT_EQ(pool.write_depth_max, plain.write_depth_max);
    EXPECT_EQ(pool.fast_timeout_ms, plain.fast_timeout_ms);
    EXPECT_EQ(pool.statement_timeout_ms, plain.statement_timeout_ms);
    EXPECT_EQ(pool.queue_max, plain.queue_max);
    EXPECT_EQ(pool.queue_wait_max_ms, plain.queue_wait_max_ms);
    EXPECT_EQ(pool.connect_timeout_ms, plain.connect_timeout_ms);
    EXPECT_EQ(pool.statements_max, plain.statements_max);
    EXPECT_EQ(pool.recycle_after_s, plain.recycle_after_s);

    const http::Limits limits = to_http_limits(Config{});
    const http::Limits plain_limits;
    EXPECT_EQ(limits.body_bytes_max, plain_limits.body_bytes_max);
    EXPECT_EQ(limits.head_bytes_max, plain_limits.head_bytes_max);
    EXPECT_EQ(limits.target_bytes_max, plain_limits.target_bytes_max);
    EXPECT_EQ(limits.head_timeout_ms, plain_limits.head_timeout_ms);
    EXPECT_EQ(limits.body_idle_timeout_ms, plain_limits.body_idle_timeout_ms);
    EXPECT_EQ(limits.write_idle_timeout_ms, plain_limits.write_idle_timeout_ms);
    EXPECT_EQ(limits.keep_alive_timeout_ms, plain_limits.keep_alive_timeout_ms);
    EXPECT_EQ(limits.requests_per_connection_max, plain_limits.requests_per_connection_max);
    EXPECT_EQ(limits.connections_per_address_max, plain_limits.connections_per_address_max);
    EXPECT_EQ(limits.drain_timeout_ms, plain_limits.drain_timeout_ms);

    const oauth::KeyStoreOptions keys = to_key_store_options(Config{});
    EXPECT_EQ(keys.cache_ttl, oauth::KeyStoreOptions{}.cache_ttl);
    EXPECT_EQ(keys.entries_max, oauth::KeyStoreOptions{}.entries_max);
    EXPECT_EQ(keys.rate_limit_per_min, 100u);
}

TEST_F(ConfigOptions, CarryWhatIsConfigured) {
    const auto config = load(R"(
mcp: {max_message_size: 2048, rate_limit_per_min: 0}
database: {host: db, port: 1234, database: app, ssl_mode: verify-full}
auth: {allow_user_client_keys: false}
gateway:
  server: {drain_timeout: 5s}
  database:
    user_login: {user: u, password: p}
    pooler: true
    fast_lanes: 3
    fast_timeout: 100ms
    recycle_after: 90m
  limits: {head_bytes_max: 4096, keep_alive_timeout: 10s}
  keys: {cache_ttl: 5s, cache_max: 10}
)");
    ASSERT_TRUE(config) << config.error()[0];
    const pg::Options pool = to_pool_options(*config);
    EXPECT_EQ(pool.host, "db");
    EXPECT_EQ(pool.port, 1234);
    EXPECT_EQ(pool.database, "app");
    EXPECT_EQ(pool.ssl_mode, "verify-full");
    EXPECT_EQ(pool.user_login.user, "u");
    EXPECT_EQ(pool.user_login.password.reveal(), "p");
    EXPECT_EQ(pool.service_login.user, "fluxgate_service");
    EXPECT_TRUE(pool.pooler);
    EXPECT_EQ(pool.fast_lanes, 3u);
    EXPECT_EQ(pool.fast_timeout_ms, 100u);
    EXPECT_EQ(pool.recycle_after_s, 5400u);
    const http::Limits limits = to_http_limits(*config);
    EXPECT_EQ(limits.body_bytes_max, 2048u);
    EXPECT_EQ(limits.head_bytes_max, 4096u);
    EXPECT_EQ(limits.target_bytes_max, 4096u);
    EXPECT_EQ(limits.keep_alive_timeout_ms, 10'000u);
    EXPECT_EQ(limits.drain_timeout_ms, 5'000u);
    const oauth::KeyStoreOptions keys = to_key_store_options(*config);
    EXPECT_EQ(keys.cache_ttl, std::chrono::seconds(5));
    EXPECT_EQ(keys.entries_max, 10u);
    EXPECT_EQ(keys.rate_limit_per_min, 0u);
    EXPECT_EQ(keys.allow_user_client_keys, false);
}

TEST_F(ConfigOptions, PlanOneLoopPerCoreWithinTheBudget) {
    Config config;
    EXPECT_EQ(plan_loops(config, 2).loops, 2u);
    EXPECT_FALSE(plan_loops(config, 3).is_reduced);
    EXPECT_EQ(plan_loops(config, 16).loops, 3u);
    EXPECT_TRUE(plan_loops(config, 16).is_reduced);
    EXPECT_EQ(plan_loops(config, 0).loops, 1u);
    config.database.max_connections = 1;
    EXPECT_EQ(plan_loops(config, 16).loops, 1u);
    config.gateway.server.loops = 5;
    EXPECT_EQ(plan_loops(config, 2).loops, 5u);
}

}  // namespace
}  // namespace fluxgate::app
