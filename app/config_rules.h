// What texts in the configuration may be. Each is a TextRule: null, or "must …".
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace fluxgate::app::rule {

const char* not_empty(std::string_view text);
const char* ssl_mode(std::string_view text);
const char* log_level(std::string_view text);
const char* base_path(std::string_view text);
const char* listen_address(std::string_view text);
const char* base_url(std::string_view text);
const char* optional_base_url(std::string_view text);
const char* origin(std::string_view text);     // https://app.example.com[:port]
const char* host(std::string_view text);       // name[:port]
const char* role_name(std::string_view text);  // 1 to 63 bytes

}  // namespace fluxgate::app::rule

namespace fluxgate::app {

// "https://mcp.example.com:8443/x" -> "mcp.example.com"; empty for what is no http(s) URL.
[[nodiscard]] std::string_view host_of_url(std::string_view url);

struct ListenAddress {
    std::string host;  // an IP address without brackets; "0.0.0.0" and "::" for all
    uint16_t port = 0;
    bool is_loopback = false;
};

// "127.0.0.1:8080", "[::1]:8080", "localhost:8080", ":8080" (everything: "::"). Names other than
// localhost are refused, for what they mean can change. The error is static text, "must …".
[[nodiscard]] std::expected<ListenAddress, const char*> parse_listen_address(std::string_view text);

}  // namespace fluxgate::app
