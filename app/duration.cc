#include "app/duration.h"

#include <array>
#include <cstdint>

namespace fluxgate::app {
namespace {

struct Unit {
    std::string_view name;
    int64_t nanoseconds;
};
// Longer names first: "ms" before "m".
constexpr std::array units{
    Unit{"ns", 1},
    Unit{"us", 1'000},
    Unit{"\u00b5s", 1'000},  // µs
    Unit{"ms", 1'000'000},
    Unit{"s", 1'000'000'000},
    Unit{"m", 60'000'000'000},
    Unit{"h", 3'600'000'000'000},
    Unit{"d", 86'400'000'000'000},
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// One "12.5h" from the front of `text`; adds it to `total`. False: malformed or too large.
bool take_part(std::string_view& text, int64_t& total) {
    int64_t whole = 0;
    size_t at = 0;
    size_t digits = 0;
    for (; at < text.size() && is_digit(text[at]); ++at, ++digits) {
        if (__builtin_mul_overflow(whole, int64_t{10}, &whole)) return false;
        if (__builtin_add_overflow(whole, int64_t{text[at] - '0'}, &whole)) return false;
    }
    int64_t fraction = 0, scale = 1;
    if (at < text.size() && text[at] == '.') {
        for (++at; at < text.size() && is_digit(text[at]); ++at, ++digits) {
            if (scale >= 1'000'000'000) return false;
            fraction = fraction * 10 + (text[at] - '0');
            scale *= 10;
        }
    }
    if (digits == 0) return false;
    text.remove_prefix(at);
    for (const Unit& unit : units) {
        if (!text.starts_with(unit.name)) continue;
        // "5m" of "5ms" was taken by "ms" above; "5minutes" fails at the next part.
        text.remove_prefix(unit.name.size());
        int64_t value = 0;
        if (__builtin_mul_overflow(whole, unit.nanoseconds, &value)) return false;
        // A fraction has at most nine digits and a unit at most 8.64e13 ns: 128 bits are enough.
        const auto part =
            static_cast<int64_t>(static_cast<__int128>(fraction) * unit.nanoseconds / scale);
        if (__builtin_add_overflow(value, part, &value)) return false;
        return !__builtin_add_overflow(total, value, &total);
    }
    return false;
}

}  // namespace

std::expected<std::chrono::milliseconds, const char*> parse_duration(std::string_view text) {
    static constexpr const char* wanted =
        "is not a duration; write it with a unit, such as 500ms, 90s, 15m or 1h30m";
    if (text == "0") return std::chrono::milliseconds(0);
    if (text.empty()) return std::unexpected(wanted);
    if (text.front() == '-') return std::unexpected("is negative; write a duration such as 90s");
    int64_t total = 0;
    while (!text.empty())
        if (!take_part(text, total)) return std::unexpected(wanted);
    if (total % 1'000'000 != 0)
        return std::unexpected("is finer than a millisecond; write at least whole milliseconds");
    return std::chrono::milliseconds(total / 1'000'000);
}

std::string render_duration(std::chrono::milliseconds value) {
    const int64_t count = value.count();
    if (count == 0) return "0s";
    if (count % 3'600'000 == 0) return std::to_string(count / 3'600'000) + "h";
    if (count % 60'000 == 0) return std::to_string(count / 60'000) + "m";
    if (count % 1'000 == 0) return std::to_string(count / 1'000) + "s";
    return std::to_string(count) + "ms";
}

}  // namespace fluxgate::app
