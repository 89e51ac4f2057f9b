// One JSON line per request.
//
// Strings are escaped byte by byte, so that nothing a peer sends can end a line or a value; the
// path is the route's name, never the raw target; no credential, query, parameter or body is in it.
// A line is at most 2,047 bytes: values are bounded, and an overlong one ends in "...". Writing
// never blocks: see loop/log.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/connection_context.h"

namespace fluxgate::http {

class AccessLog final : public RequestObserver {
public:
    using WriteLine = void (*)(std::string_view line);
    // `loop` outlives this. `write_line`: loop::log::write_line, or a test's.
    AccessLog(loop::Loop& loop, WriteLine write_line);
    explicit AccessLog(loop::Loop& loop);

    void request_finished(const RequestReport& report) override;

private:
    [[nodiscard]] std::string_view timestamp(loop::WallTime now);

    loop::Loop& loop_;
    WriteLine write_line_;
    int64_t second_ = INT64_MIN;        // the one that timestamp_ shows
    std::array<char, 25> timestamp_{};  // "2027-01-15T08:00:00.123Z" and a NUL
};

// The trace id of a W3C traceparent (version 00, 55 characters, lower-case hex, not all zero);
// empty otherwise.
[[nodiscard]] std::string_view trace_id_of(std::string_view traceparent);

}  // namespace fluxgate::http
