// The Date field's value, formatted once a second. One per core; single-threaded.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

#include "loop/clock.h"

namespace fluxgate::http {

class DateCache {
public:
    // "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7); valid until the next call.
    [[nodiscard]] std::string_view at(loop::WallTime now);

private:
    static constexpr size_t date_bytes = 29;
    int64_t second_ = std::numeric_limits<int64_t>::min();  // the one that text_ shows
    std::array<char, date_bytes> text_{};
};

}  // namespace fluxgate::http
