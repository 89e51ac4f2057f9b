#include "app/routes.h"

namespace fluxgate::app {

using http::Method;

void add_routes(http::Router& router, const RouteTargets& to, const Config& config) {
    const std::string& base = config.mcp.base_path;
    const std::vector<http::Filter*> callers = {to.hosts, to.start_gate, to.bearer, to.rate_limit};
    const std::vector<http::Filter*> probes = {to.hosts};
    const size_t body_max = config.mcp.max_message_size;

    if (config.mcp.enabled) {
        // No redirect between the two spellings: clients would drop their credential on the way.
        for (const std::string& path : {base, base + "/"}) {
            router.add({path, Method::post, to.mcp, callers, body_max, "mcp"});
            router.add({path, Method::get, to.mcp_get, callers, 0, "mcp"});
            router.add({path, Method::del, to.mcp_delete, callers, 0, "mcp"});
        }
    }

    router.add({base + "/health", Method::get, to.health, {}, 0, "health"});
    router.add({"/livez", Method::get, to.live, {}, 0, "livez"});
    router.add({"/readyz", Method::get, to.ready, {}, 0, "readyz"});

    for (const std::string& path : {std::string("/.well-known/oauth-protected-resource"),
                                    "/.well-known/oauth-protected-resource" + base,
                                    std::string("/.well-known/oauth-authorization-server"),
                                    "/.well-known/oauth-authorization-server" + base,
                                    std::string("/.well-known/openid-configuration")}) {
        router.add({path, Method::get, to.no_oauth, probes, 0, "no_oauth"});
    }
    router.add({"/register", Method::post, to.no_oauth, probes, body_max, "no_oauth"});

    router.set_options_filters(probes);
}

}  // namespace fluxgate::app
