#include "http/request_head.h"

#include <algorithm>
#include <array>

#include "http/text.h"

namespace fluxgate::http {
namespace {

struct KnownField {
    std::string_view name;  // lower case
    Field field;
};
// Sorted by length: field_of() looks at the few of one length only.
constexpr std::array known_fields{
    KnownField{"host", Field::host},
    KnownField{"range", Field::range},
    KnownField{"accept", Field::accept},
    KnownField{"expect", Field::expect},
    KnownField{"origin", Field::origin},
    KnownField{"upgrade", Field::upgrade},
    KnownField{"mcp-name", Field::mcp_name},
    KnownField{"if-range", Field::if_range},
    KnownField{"connection", Field::connection},
    KnownField{"mcp-method", Field::mcp_method},
    KnownField{"traceparent", Field::traceparent},
    KnownField{"content-type", Field::content_type},
    KnownField{"x-client-key", Field::x_client_key},
    KnownField{"authorization", Field::authorization},
    KnownField{"x-service-key", Field::x_service_key},
    KnownField{"last-event-id", Field::last_event_id},
    KnownField{"content-length", Field::content_length},
    KnownField{"mcp-session-id", Field::mcp_session_id},
    KnownField{"content-encoding", Field::content_encoding},
    KnownField{"transfer-encoding", Field::transfer_encoding},
    KnownField{"mcp-protocol-version", Field::mcp_protocol_version},
    KnownField{"access-control-request-method", Field::access_control_request_method},
    KnownField{"access-control-request-headers", Field::access_control_request_headers},
};
static_assert(known_fields.size() == static_cast<size_t>(Field::count));

constexpr size_t name_bytes_max = known_fields.back().name.size();
// first_of_length[n]: the first entry whose name has at least n bytes.
constexpr auto first_of_length = [] {
    std::array<uint8_t, name_bytes_max + 2> first{};
    for (size_t length = 0; length < first.size(); ++length) {
        size_t at = 0;
        while (at < known_fields.size() && known_fields[at].name.size() < length) {
            ++at;
        }
        first[length] = static_cast<uint8_t>(at);
    }
    return first;
}();

bool is_reg_name_char(char c) {
    return is_alpha(c) || is_digit(c) || std::string_view("-._~!$&'()*+;=").contains(c);
}

bool is_valid_host(std::string_view host) {
    if (host.empty()) return false;
    if (host.front() == '[') {
        // The address itself is compared with the allow-list later; here only its alphabet counts.
        if (host.size() < 4 || host.back() != ']') return false;
        const std::string_view inner = host.substr(1, host.size() - 2);
        return std::ranges::all_of(inner,
                                   [](char c) { return is_hex_digit(c) || c == ':' || c == '.'; });
    }
    return std::ranges::all_of(host, is_reg_name_char);
}

bool is_valid_port(std::string_view port) {
    if (port.size() > 5 || !std::ranges::all_of(port, is_digit)) return false;
    uint32_t number = 0;
    for (const char c : port) {
        number = number * 10 + static_cast<uint32_t>(c - '0');
    }
    return number <= 65535;  // an empty port is the default one (RFC 3986 3.2.3)
}

std::optional<Verdict> check_host(Request& request) {
    const uint8_t count = request.known_count[static_cast<size_t>(Field::host)];
    if (count > 1) return verdict::bad_request;
    if (count == 0) {
        // RFC 9112 3.2: required in 1.1, optional in 1.0.
        if (request.version_minor >= 1) return verdict::bad_request;
        return std::nullopt;
    }
    request.authority = request.get(Field::host);
    if (!is_valid_authority(request.authority)) return verdict::bad_request;
    return std::nullopt;
}

// RFC 9112 6.1: a coding that is not understood is 501; "chunked" must be the only and last one.
// What nobody could mean (an empty list element, a quoted string, chunked twice) is 400.
Verdict coding_fault(std::string_view value) {
    constexpr std::array<std::string_view, 5> codings{"gzip", "deflate", "compress", "x-gzip",
                                                      "x-compress"};
    bool other_coding = false;
    while (true) {
        const size_t comma = value.find(',');
        const std::string_view coding = trim(value.substr(0, comma));
        const bool known = std::ranges::any_of(
            codings, [&](std::string_view name) { return equal_ignoring_case(coding, name); });
        if (!known && !equal_ignoring_case(coding, "chunked")) return verdict::bad_request;
        other_coding = other_coding || known;
        if (comma == std::string_view::npos) break;
        value.remove_prefix(comma + 1);
    }
    return other_coding ? verdict::not_implemented : verdict::bad_request;
}

std::optional<Verdict> check_framing(const Request& request, HeadFacts& facts) {
    if (!request.has(Field::transfer_encoding)) {
        const uint8_t lengths = request.known_count[static_cast<size_t>(Field::content_length)];
        if (lengths > 1) return verdict::bad_request;
        return std::nullopt;
    }
    if (request.version_minor == 0 || request.has(Field::content_length) ||
        request.known_count[static_cast<size_t>(Field::transfer_encoding)] > 1) {
        return verdict::bad_request;
    }
    const std::string_view coding = request.get(Field::transfer_encoding);
    if (!equal_ignoring_case(coding, "chunked")) return coding_fault(coding);
    facts.chunked = true;
    return std::nullopt;
}

// Nothing is decoded or normalised: the route table compares raw bytes. Only a decoded NUL is
// refused here, because no route may ever see one.
bool has_encoded_nul(std::string_view path) {
    return path.contains("%00");
}

// RFC 9112 3.2.2: scheme "://" authority path. Overrides Host.
std::optional<Verdict> split_absolute(Request& request, std::string_view target,
                                      std::string_view& path) {
    const size_t colon = target.find("://");
    const std::string_view scheme = target.substr(0, colon);
    if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https")) {
        return verdict::bad_request;
    }
    const std::string_view rest = target.substr(colon + 3);
    const size_t end = rest.find_first_of("/?");
    request.authority = rest.substr(0, end);
    if (!is_valid_authority(request.authority)) return verdict::bad_request;
    path = end == std::string_view::npos ? std::string_view("/") : rest.substr(end);
    // "http://host?q" has an empty path, which is "/" (RFC 9110 4.2.3); the query keeps its place.
    return std::nullopt;
}

std::optional<Verdict> check_target(Request& request, std::string_view target) {
    if (request.method == Method::connect) {
        request.path = target;  // authority-form; no route can match it
        return std::nullopt;
    }
    std::string_view path = target;
    if (target == "*") {
        if (request.method != Method::options) return verdict::bad_request;
    } else if (target.front() != '/') {
        if (!target.contains("://")) return verdict::bad_request;
        if (auto fault = split_absolute(request, target, path)) return fault;
    }
    const size_t question = path.find('?');
    request.path = path.substr(0, question);
    if (request.path.empty()) request.path = "/";
    if (question != std::string_view::npos) request.query = path.substr(question + 1);
    if (has_encoded_nul(request.path)) return verdict::bad_request;
    return std::nullopt;
}

bool has_several_credentials(const Request& request) {
    const auto count = [&](Field field) { return request.known_count[static_cast<size_t>(field)]; };
    return count(Field::authorization) + count(Field::x_service_key) + count(Field::x_client_key) >
           1;
}

}  // namespace

Field field_of(std::string_view name) {
    if (name.size() > name_bytes_max) return Field::count;
    const size_t end = first_of_length[name.size() + 1];
    for (size_t at = first_of_length[name.size()]; at < end; ++at) {
        if (equal_ignoring_case(known_fields[at].name, name)) return known_fields[at].field;
    }
    return Field::count;
}

bool is_valid_authority(std::string_view text) {
    // The port is behind the last colon, unless that belongs to an IPv6 address.
    const size_t bracket = text.rfind(']');
    const size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon == std::string_view::npos) return is_valid_host(text);
    return is_valid_host(text.substr(0, colon)) && is_valid_port(text.substr(colon + 1));
}

std::optional<Verdict> check_head(Request& request, std::string_view target, HeadFacts& facts) {
    for (const HeaderField& field : request.fields) {
        const Field which = field_of(field.name);
        if (which == Field::count) continue;
        const auto index = static_cast<size_t>(which);
        if (request.known_count[index]++ == 0) request.known[index] = field.value;
    }
    if (auto fault = check_host(request)) return fault;
    if (auto fault = check_framing(request, facts)) return fault;
    if (auto fault = check_target(request, target)) return fault;
    if (has_several_credentials(request)) return verdict::ambiguous_credentials;
    if (request.has(Field::content_encoding)) return verdict::unsupported_media_type;
    // RFC 9110 10.1.1: a 1.0 client can not wait for 100, so its Expect is ignored.
    if (request.version_minor >= 1 && request.has(Field::expect)) {
        const bool is_one = request.known_count[static_cast<size_t>(Field::expect)] == 1;
        if (!is_one || !equal_ignoring_case(request.get(Field::expect), "100-continue")) {
            return verdict::expectation_failed;
        }
        facts.expects_continue = true;
    }
    return std::nullopt;
}

}  // namespace fluxgate::http
