#include "http/date_cache.h"

#include <chrono>

namespace fluxgate::http {
namespace {

constexpr std::string_view day_names = "SunMonTueWedThuFriSat";
constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";

char* put(char* out, std::string_view text) {
    for (const char c : text) {
        *out++ = c;
    }
    return out;
}

char* put_digits(char* out, uint64_t number, int digits) {
    for (int i = digits - 1; i >= 0; --i) {
        out[i] = static_cast<char>('0' + number % 10);
        number /= 10;
    }
    return out + digits;
}

}  // namespace

std::string_view DateCache::at(loop::WallTime now) {
    using std::chrono::days;
    using std::chrono::seconds;
    const auto second = std::chrono::floor<seconds>(now);
    const int64_t count = second.time_since_epoch().count();
    if (count == second_) return {text_.data(), text_.size()};
    second_ = count;

    const auto midnight = std::chrono::floor<days>(second);
    const std::chrono::year_month_day date(midnight);
    const std::chrono::hh_mm_ss time(second - midnight);
    const unsigned weekday = std::chrono::weekday(midnight).c_encoding();
    const auto number = [](auto value) { return static_cast<uint64_t>(value); };
    char* out = text_.data();
    out = put(out, day_names.substr(weekday * 3, 3));
    out = put(out, ", ");
    out = put_digits(out, static_cast<unsigned>(date.day()), 2);
    out = put(out, " ");
    out = put(out, month_names.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3));
    out = put(out, " ");
    out = put_digits(out, number(static_cast<int>(date.year())), 4);
    out = put(out, " ");
    out = put_digits(out, number(time.hours().count()), 2);
    out = put(out, ":");
    out = put_digits(out, number(time.minutes().count()), 2);
    out = put(out, ":");
    out = put_digits(out, number(time.seconds().count()), 2);
    put(out, " GMT");
    return {text_.data(), text_.size()};
}

}  // namespace fluxgate::http
