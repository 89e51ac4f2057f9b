// The table of routes: raw path, method -> handler and filters. Exact bytes, nothing is decoded or
// normalised; authentication hangs on the matched route, so no other spelling can borrow it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/exchange.h"

namespace fluxgate::http {

struct Route {
    std::string path;
    Method method = Method::get;
    Handler* handler = nullptr;    // outlives the router
    std::vector<Filter*> filters;  // in order; outlive the router
    size_t body_bytes_max = 0;     // 0: this route takes no body; Limits::body_bytes_max caps it
    std::string_view name;         // static, for logs and metrics ("mcp", "health")
};

class Router {
public:
    void add(Route route);  // a GET route answers HEAD too
    // OPTIONS is answered on every known path (204 with Allow), behind these filters only: a
    // preflight carries no credential. Call it before any request; a path may still have an OPTIONS
    // route.
    void set_options_filters(std::vector<Filter*> filters);

    struct Match {
        const Route* route = nullptr;  // null: see path_known
        bool path_known = false;       // 405 with `allow` instead of 404
        std::string_view allow;        // e.g. "GET, HEAD, OPTIONS"
        // For OPTIONS, `route` without a handler: answer 204 with `allow`. Also for "OPTIONS *".
    };
    // Views and pointers in it live until the next add().
    [[nodiscard]] Match match(Method method, std::string_view path) const;

private:
    [[nodiscard]] static Route make_options_route();
    struct Path {
        std::string path;
        std::string allow;
        std::vector<Route> routes;
    };
    std::vector<Path> paths_;  // a handful: linear search by length and bytes beats a hash
    Route options_route_ = make_options_route();
    std::string allow_all_;  // of all paths together, for "OPTIONS *"
};

}  // namespace fluxgate::http
