// A parsed request head and body. All views point into the exchange's arena and live until its
// answer has been sent; they may cross a suspension.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "loop/clock.h"
#include "loop/peer_address.h"

namespace fluxgate::http {

enum class Method : uint8_t { get, head, post, put, del, options, patch, trace, connect, other };
[[nodiscard]] std::string_view to_string(Method method);

// The fields that the gateway reads itself are found once, by the parser.
enum class Field : uint8_t {
    host,
    content_type,
    content_length,
    transfer_encoding,
    content_encoding,
    connection,
    expect,
    upgrade,
    accept,
    origin,
    authorization,
    x_service_key,
    x_client_key,
    mcp_protocol_version,
    mcp_session_id,
    mcp_method,
    mcp_name,
    last_event_id,
    traceparent,
    range,
    if_range,
    access_control_request_method,
    access_control_request_headers,
    count
};

struct HeaderField {
    std::string_view name;   // as sent
    std::string_view value;  // without surrounding white space
};

struct Request {
    Method method = Method::other;
    uint8_t version_minor = 1;   // HTTP/1.x
    bool keep_alive = true;      // what the peer asked for
    std::string_view path;       // raw, not decoded; compared byte for byte
    std::string_view query;      // behind '?', raw
    std::string_view authority;  // Host, or the authority of an absolute-form target
    std::span<const HeaderField> fields;
    std::array<std::string_view, static_cast<size_t>(Field::count)>
        known;                                                             // empty data() if absent
    std::array<uint8_t, static_cast<size_t>(Field::count)> known_count{};  // how often it was sent
    // Whole, contiguous, followed by loop::Stream::receive_padding_bytes readable zero bytes.
    std::string_view body;
    loop::PeerAddress peer;
    loop::Instant received;  // when its first byte was there

    [[nodiscard]] bool has(Field field) const {
        return known_count[static_cast<size_t>(field)] > 0;
    }
    // The first one's value; empty if absent.
    [[nodiscard]] std::string_view get(Field field) const {
        return known[static_cast<size_t>(field)];
    }
    // Any other field, case-insensitive; nullptr data() if absent. Linear.
    [[nodiscard]] std::string_view find(std::string_view name) const;
};

}  // namespace fluxgate::http
