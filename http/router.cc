#include "http/router.h"

#include <algorithm>
#include <array>
#include <utility>

#include "loop/check.h"

namespace fluxgate::http {
namespace {

// The order in which Allow lists them.
constexpr std::array allow_order{Method::post,  Method::get, Method::head,   Method::put,
                                 Method::patch, Method::del, Method::options};

template <class Serves>
std::string allow_text(Serves serves) {
    std::string text;
    for (const Method method : allow_order) {
        if (method != Method::options && !serves(method)) continue;
        if (!text.empty()) text.append(", ");
        text.append(to_string(method));
    }
    return text;
}

bool answers(const Route& route, Method method) {
    return route.method == method || (route.method == Method::get && method == Method::head);
}

}  // namespace

Route Router::make_options_route() {
    Route route;
    route.method = Method::options;
    route.name = "options";
    return route;
}

void Router::add(Route route) {
    FLUX_CHECK(!route.path.empty() && route.path.front() == '/');
    FLUX_CHECK(route.handler != nullptr);
    auto path = std::ranges::find(paths_, route.path, &Path::path);
    if (path == paths_.end()) path = paths_.insert(path, Path{route.path, {}, {}});
    path->routes.push_back(std::move(route));
    path->allow = allow_text([&](Method method) {
        return std::ranges::any_of(path->routes,
                                   [&](const Route& one) { return answers(one, method); });
    });
    allow_all_ = allow_text([&](Method method) {
        return std::ranges::any_of(paths_, [&](const Path& each) {
            return std::ranges::any_of(each.routes,
                                       [&](const Route& one) { return answers(one, method); });
        });
    });
}

void Router::set_options_filters(std::vector<Filter*> filters) {
    options_route_.filters = std::move(filters);
}

Router::Match Router::match(Method method, std::string_view path) const {
    for (const Path& known : paths_) {
        if (known.path != path) continue;
        for (const Route& route : known.routes) {
            if (answers(route, method)) return {&route, true, known.allow};
        }
        if (method == Method::options) return {&options_route_, true, known.allow};
        return {nullptr, true, known.allow};
    }
    // CONNECT names no path; nothing here is a proxy.
    if (method == Method::connect) return {nullptr, true, allow_all_};
    if (method == Method::options && path == "*") return {&options_route_, true, allow_all_};
    return {};
}

}  // namespace fluxgate::http
