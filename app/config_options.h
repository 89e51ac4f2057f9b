// From the configuration to the Options of the folders below. One function a folder's struct.
#pragma once

#include <cstdint>

#include "app/config.h"
#include "http/host_filter.h"
#include "http/limits.h"
#include "oauth/key_store.h"
#include "pg/pool.h"

namespace fluxgate::app {

[[nodiscard]] pg::Options to_pool_options(const Config& config);
[[nodiscard]] http::Limits to_http_limits(const Config& config);
// Localhost, allowed_hosts, the address listened on and the host of the public URL. A public
// address whose names nobody listed answers to any.
[[nodiscard]] http::HostFilter::Options to_host_options(const Config& config);
[[nodiscard]] oauth::KeyStoreOptions to_key_store_options(const Config& config);

// What one loop may open: the lanes of each role, and the gateway's own connections.
[[nodiscard]] uint32_t connections_per_loop(const Config& config);

struct LoopPlan {
    uint32_t loops = 1;
    bool is_reduced = false;  // fewer than cores, because database.max_connections is too small
};
// gateway.server.loops, or one per core as far as database.max_connections reaches; at least one.
[[nodiscard]] LoopPlan plan_loops(const Config& config, uint32_t cores);

}  // namespace fluxgate::app
