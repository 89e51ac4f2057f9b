// Durations as Go writes them: "1h30m", "3600s", "500ms", "1.5h".
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

namespace fluxgate::app {

// The error is static text that ends a sentence: "is not a duration; …". Negative values, values
// finer than a millisecond and values without a unit (except 0) are refused. `d` (24 h) is ours.
[[nodiscard]] std::expected<std::chrono::milliseconds, const char*> parse_duration(
    std::string_view text);

// In one unit, the largest that divides it: "1h", "90s", "250ms".
[[nodiscard]] std::string render_duration(std::chrono::milliseconds value);

}  // namespace fluxgate::app
