// An answer: status, a few header fields, a body in blocks. http/connection adds Date,
// Content-Length, Connection and X-Content-Type-Options.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "loop/block_chain.h"

namespace fluxgate::http {

struct Response {
    static constexpr size_t extra_fields_max = 8;
    struct Extra {
        std::string_view name;   // static text
        std::string_view value;  // lives until respond() returns; no CR or LF
    };

    uint16_t status = 200;
    std::string_view content_type = "application/json";  // empty: no body, no Content-Type
    loop::BlockChain body;
    std::array<Extra, extra_fields_max> extra{};
    size_t extra_count = 0;
    bool close = false;  // close the connection after it

    void add(std::string_view name, std::string_view value);
};

[[nodiscard]] std::string_view reason_phrase(uint16_t status);

// {"error":"<code>","message":"<text>"}: the form of every answer outside JSON-RPC. Both are static
// or already free of peer data; they are JSON-escaped all the same.
[[nodiscard]] Response error_response(uint16_t status, std::string_view code,
                                      std::string_view message);

// A whole answer as bytes, except for the Date, which is spliced in: health, prebuilt JSON-RPC
// results. Built once, sent with one copy and no allocation.
class PrebuiltResponse {
public:
    PrebuiltResponse(uint16_t status, std::string_view content_type, std::string_view body);
    [[nodiscard]] std::string_view before_date() const { return before_date_; }
    [[nodiscard]] std::string_view after_date() const { return after_date_; }
    [[nodiscard]] size_t body_bytes() const { return body_bytes_; }
    [[nodiscard]] uint16_t status() const { return status_; }

private:
    std::string before_date_;
    std::string after_date_;  // the remaining fields, the empty line and the body
    size_t body_bytes_;
    uint16_t status_;
};

}  // namespace fluxgate::http
