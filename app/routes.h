// The one page that lists every endpoint.
#pragma once

#include "app/config.h"
#include "http/router.h"

namespace fluxgate::app {

// What the routes lead to; all outlive the router.
struct RouteTargets {
    http::Handler* mcp;
    http::Handler* mcp_get;
    http::Handler* mcp_delete;
    http::Handler* health;
    http::Handler* live;
    http::Handler* ready;
    http::Handler* no_oauth;
    http::Filter* hosts;       // Host and Origin
    http::Filter* start_gate;  // 503 until the start-up check has passed
    http::Filter* bearer;      // who is asking
    http::Filter* rate_limit;  // how often
};

void add_routes(http::Router& router, const RouteTargets& targets, const Config& config);

}  // namespace fluxgate::app
