#include "app/config_rules.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "http/text.h"

namespace fluxgate::app {
namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> choices) {
    return std::ranges::find(choices, text) != choices.end();
}

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool parse_port(std::string_view text, uint16_t* port) {
    const char* end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, *port);
    return code == std::errc() && stop == end;
}

// The bytes of a reg-name or an IP literal, with an optional port. No user, path, query or space.
bool is_authority(std::string_view text) {
    if (text.empty()) return false;
    std::string_view host = text;
    const size_t colon = text.rfind(':');
    const bool has_port = colon != std::string_view::npos && text.back() != ']';
    if (has_port) {
        uint16_t port = 0;
        if (!parse_port(text.substr(colon + 1), &port) || port == 0) return false;
        host = text.substr(0, colon);
    }
    if (host.starts_with('[') && host.ends_with(']')) {
        in6_addr address{};
        const std::string inner(host.substr(1, host.size() - 2));
        return inet_pton(AF_INET6, inner.c_str(), &address) == 1;
    }
    return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
        return is_alphanumeric(c) || c == '-' || c == '.' || c == '_';
    });
}

// "http://host", "https://host:1" -> what follows the scheme; empty if the scheme is neither.
std::string_view after_scheme(std::string_view url) {
    for (std::string_view scheme : {"http://", "https://"})
        if (url.starts_with(scheme)) return url.substr(scheme.size());
    return {};
}

}  // namespace

namespace rule {

const char* not_empty(std::string_view text) {
    return text.empty() ? "must not be empty" : nullptr;
}

const char* ssl_mode(std::string_view text) {
    const bool is_known =
        is_one_of(text, {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"});
    return is_known ? nullptr : "must be disable, allow, prefer, require, verify-ca or verify-full";
}

const char* log_level(std::string_view text) {
    return is_one_of(text, {"debug", "info", "warn", "error"})
               ? nullptr
               : "must be debug, info, warn or error";
}

const char* base_path(std::string_view text) {
    static constexpr const char* wanted =
        "must be a path like /mcp: a slash, then letters, digits, '-', '_' and single slashes, "
        "none at the end";
    if (text.size() < 2 || text.size() > 128 || text.front() != '/' || text.back() == '/')
        return wanted;
    if (text.contains("//")) return wanted;
    const bool is_plain = std::ranges::all_of(
        text, [](char c) { return is_alphanumeric(c) || c == '/' || c == '-' || c == '_'; });
    if (!is_plain) return wanted;
    return is_one_of(text, {"/livez", "/readyz"}) ? "must not be /livez or /readyz" : nullptr;
}

const char* listen_address(std::string_view text) {
    const auto address = parse_listen_address(text);
    return address ? nullptr : address.error();
}

const char* base_url(std::string_view text) {
    static constexpr const char* wanted =
        "must be a URL like https://api.example.com, without a slash at the end, user, query or "
        "fragment";
    const std::string_view rest = after_scheme(text);
    const size_t slash = rest.find('/');
    if (!is_authority(rest.substr(0, slash)) || text.ends_with('/')) return wanted;
    const bool is_visible = std::ranges::all_of(
        rest, [](char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#'; });
    return is_visible ? nullptr : wanted;
}

const char* optional_base_url(std::string_view text) {
    return text.empty() ? nullptr : base_url(text);
}

const char* origin(std::string_view text) {
    return is_authority(after_scheme(text))
               ? nullptr
               : "must be an origin like https://app.example.com or http://localhost:5173, "
                 "without a path";
}

const char* host(std::string_view text) {
    return is_authority(text) ? nullptr
                              : "must be a host like mcp.example.com or mcp.example.com:8443";
}

const char* role_name(std::string_view text) {
    // 63: PostgreSQL cuts longer names silently, and the cut one may be somebody else's.
    return text.empty() || text.size() > 63 ? "must be a role name of 1 to 63 bytes" : nullptr;
}

}  // namespace rule

std::string_view host_of_url(std::string_view url) {
    const std::string_view rest = after_scheme(url);
    return http::without_port(rest.substr(0, rest.find_first_of("/?#")));
}

std::expected<ListenAddress, const char*> parse_listen_address(std::string_view text) {
    static constexpr const char* wanted =
        "must be ADDRESS:PORT, like 127.0.0.1:8080, [::1]:8080 or :8080 (an IP address or "
        "localhost; a port from 1 to 65535)";
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::unexpected(wanted);
    ListenAddress address;
    // Not 0: each loop would listen on another port.
    if (!parse_port(text.substr(colon + 1), &address.port) || address.port == 0)
        return std::unexpected(wanted);
    std::string_view host = text.substr(0, colon);
    if (host.empty()) {
        address.host = "::";
        return address;
    }
    if (host == "localhost") host = "127.0.0.1";
    const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
    if (is_bracketed) host = host.substr(1, host.size() - 2);
    address.host = host;
    in_addr v4{};
    in6_addr v6{};
    if (!is_bracketed && inet_pton(AF_INET, address.host.c_str(), &v4) == 1) {
        address.is_loopback = (ntohl(v4.s_addr) >> 24) == 127;
        return address;
    }
    if (is_bracketed && inet_pton(AF_INET6, address.host.c_str(), &v6) == 1) {
        address.is_loopback = IN6_IS_ADDR_LOOPBACK(&v6);
        return address;
    }
    return std::unexpected(wanted);
}

}  // namespace fluxgate::app
