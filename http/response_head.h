// Writes the head of a Response: what http/connection adds to it, and what filters asked for.
#pragma once

#include <cstddef>
#include <string_view>

#include "http/response.h"
#include "loop/arena.h"

namespace fluxgate::http {

enum class BodyFraming : uint8_t {
    length,  // Content-Length (none for 204 and 304, RFC 9110 8.6)
    chunked,
    until_close,  // a body of unknown length for HTTP/1.0
};

struct HeadOptions {
    std::string_view date;
    std::string_view extra;       // "\r\nName: value" any number of times
    std::string_view connection;  // "", or "\r\nConnection: close" and the like
    BodyFraming framing = BodyFraming::length;
    size_t body_bytes = 0;
};

// The whole head with its empty line, in `arena`. Control characters in a value become spaces, so
// that no value can start another field.
[[nodiscard]] std::string_view write_head(loop::Arena& arena, const Response& response,
                                          const HeadOptions& options);

}  // namespace fluxgate::http
