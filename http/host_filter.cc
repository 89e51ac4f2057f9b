#include "http/host_filter.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "http/request_head.h"
#include "http/text.h"

namespace fluxgate::http {
namespace {

constexpr std::array<std::string_view, 3> loopback_hosts{"localhost", "127.0.0.1", "[::1]"};

// Names, not "*": a wildcard does not cover Authorization. X-Service-Key stays out: a service key
// has no business in a browser.
constexpr std::string_view allowed_fields =
    "Content-Type, Accept, Authorization, X-Client-Key, MCP-Protocol-Version, Mcp-Session-Id, "
    "Mcp-Method, Mcp-Name, Last-Event-ID, traceparent";
constexpr std::string_view allowed_methods = "POST, GET, DELETE, OPTIONS";
constexpr std::string_view exposed_fields = "Mcp-Session-Id, WWW-Authenticate, Retry-After";
constexpr std::string_view preflight_seconds = "600";

// Arguments that a client repeats as fields (revision 2026-07-28). Only a tool's schema says which,
// so what is asked for is allowed by name; a browser that asks for more than this goes without.
constexpr std::string_view param_field_begin = "mcp-param-";
constexpr size_t param_fields_max = 32;
constexpr size_t param_field_bytes_max = 128;

bool is_loopback(std::string_view host) {
    return std::ranges::any_of(
        loopback_hosts, [&](std::string_view one) { return equal_ignoring_case(host, one); });
}

bool is_param_field(std::string_view name) {
    return name.size() > param_field_begin.size() && name.size() <= param_field_bytes_max &&
           equal_ignoring_case(name.substr(0, param_field_begin.size()), param_field_begin) &&
           std::ranges::all_of(name, is_token_char);
}

// `wanted` is Access-Control-Request-Headers. Nothing but tokens comes back from it.
std::string fields_for(std::string_view wanted) {
    std::string fields(allowed_fields);
    size_t params = 0;
    while (!wanted.empty() && params < param_fields_max) {
        const size_t comma = std::min(wanted.find(','), wanted.size());
        const std::string_view name = trim(wanted.substr(0, comma));
        wanted.remove_prefix(std::min(comma + 1, wanted.size()));
        if (!is_param_field(name)) continue;
        fields.append(", ").append(name);
        ++params;
    }
    return fields;
}

}  // namespace

HostFilter::HostFilter(Options options) : options_(std::move(options)) {
}

bool HostFilter::is_host_allowed(std::string_view authority) const {
    // HTTP/1.0 without Host: no browser sends that, so there is nothing to rebind.
    if (options_.any_host || authority.empty()) return true;
    const std::string_view host = without_port(authority);
    if (options_.allow_loopback && is_loopback(host)) return true;
    return std::ranges::any_of(
        options_.hosts, [&](const std::string& one) { return equal_ignoring_case(host, one); });
}

bool HostFilter::is_origin_allowed(std::string_view origin) const {
    if (std::ranges::any_of(options_.origins, [&](const std::string& one) {
            return equal_ignoring_case(origin, one);
        })) {
        return true;
    }
    if (!options_.allow_loopback) return false;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (origin.size() > scheme.size() &&
            equal_ignoring_case(origin.substr(0, scheme.size()), scheme)) {
            const std::string_view authority = origin.substr(scheme.size());
            return is_valid_authority(authority) && is_loopback(without_port(authority));
        }
    }
    return false;
}

Next HostFilter::on_head(Exchange& exchange) {
    const Request& request = exchange.request();
    const bool has_origin = request.has(Field::origin);
    if (has_origin && (request.known_count[static_cast<size_t>(Field::origin)] > 1 ||
                       !is_origin_allowed(request.get(Field::origin)))) {
        exchange.notes().remedy = "gateway.server.allowed_origins";
        exchange.respond(
            error_response(403, "origin_not_allowed", "this origin may not call this server"));
        return Next::answered;
    }
    if (!is_host_allowed(request.authority)) {
        exchange.notes().remedy = "gateway.server.allowed_hosts";
        exchange.respond(error_response(421, "misdirected_request",
                                        "this server does not answer for that host"));
        return Next::answered;
    }
    if (!has_origin) return Next::proceed;
    exchange.add_answer_field("Access-Control-Allow-Origin", request.get(Field::origin));
    exchange.add_answer_field("Vary", "Origin");
    if (request.method == Method::options && request.has(Field::access_control_request_method)) {
        return answer_preflight(exchange);
    }
    exchange.add_answer_field("Access-Control-Expose-Headers", exposed_fields);
    return Next::proceed;
}

Next HostFilter::answer_preflight(Exchange& exchange) const {
    const std::string fields =
        fields_for(exchange.request().get(Field::access_control_request_headers));
    Response response;
    response.status = 204;
    response.content_type = {};
    response.add("Access-Control-Allow-Methods", allowed_methods);
    response.add("Access-Control-Allow-Headers", fields);
    response.add("Access-Control-Max-Age", preflight_seconds);
    exchange.respond(std::move(response));
    return Next::answered;
}

}  // namespace fluxgate::http
