#include "rpc/json.h"

#include <charconv>
#include <cstddef>

namespace fluxgate::rpc {

namespace {

// A number without fraction, exactly.
struct Whole {
    bool negative = false;
    uint64_t magnitude = 0;
};

constexpr int64_t exponent_max = 1'000'000'000;  // far beyond any that could fit; stops overflow

constexpr bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

// The exponent behind `e`, saturated.
int64_t read_exponent(std::string_view digits) {
    const bool negative = digits.front() == '-';
    if (negative || digits.front() == '+') digits.remove_prefix(1);
    int64_t exponent = 0;
    for (const char digit : digits) {
        exponent = exponent * 10 + (digit - '0');
        if (exponent > exponent_max) exponent = exponent_max;
    }
    return negative ? -exponent : exponent;
}

// `token` is a valid JSON number. Digits are shifted by the exponent instead of going through a
// double, which would lose the last ones of 9007199254740993.0.
std::optional<Whole> read_whole(std::string_view token) {
    Whole whole;
    if (token.front() == '-') {
        whole.negative = true;
        token.remove_prefix(1);
    }
    int64_t exponent = 0;
    if (const size_t mark = token.find_first_of("eE"); mark != std::string_view::npos) {
        exponent = read_exponent(token.substr(mark + 1));
        token = token.substr(0, mark);
    }
    if (const size_t dot = token.find('.'); dot != std::string_view::npos) {
        exponent -= static_cast<int64_t>(token.size() - dot - 1);
    }
    size_t end = token.size();  // drop the zeros at the end: 10.0 is 1 with exponent 1
    while (end > 0 && (token[end - 1] == '0' || token[end - 1] == '.')) {
        exponent += token[end - 1] == '0' ? 1 : 0;
        --end;
    }
    bool overflow = false;
    for (const char digit : token.substr(0, end)) {
        if (!is_digit(digit)) continue;
        overflow |= __builtin_mul_overflow(whole.magnitude, uint64_t{10}, &whole.magnitude);
        overflow |= __builtin_add_overflow(whole.magnitude, static_cast<uint64_t>(digit - '0'),
                                           &whole.magnitude);
        if (overflow) return std::nullopt;
    }
    if (whole.magnitude == 0) return whole;
    if (exponent < 0) return std::nullopt;  // a fraction is left
    for (; exponent > 0; --exponent) {
        if (__builtin_mul_overflow(whole.magnitude, uint64_t{10}, &whole.magnitude)) {
            return std::nullopt;
        }
    }
    return whole;
}

}  // namespace

const Json* Json::find(std::string_view name) const {
    if (kind != Kind::object) return nullptr;
    for (const Json* member = first; member != nullptr; member = member->next) {
        if (member->key == name) return member;
    }
    return nullptr;
}

std::optional<int64_t> Json::integer() const {
    if (kind != Kind::number) return std::nullopt;
    const std::optional<Whole> whole = read_whole(text);
    if (!whole) return std::nullopt;
    constexpr uint64_t limit = uint64_t{1} << 63;
    if (whole->magnitude > limit || (whole->magnitude == limit && !whole->negative)) {
        return std::nullopt;
    }
    // Negated as unsigned, so that -2^63 is no overflow.
    return static_cast<int64_t>(whole->negative ? 0 - whole->magnitude : whole->magnitude);
}

std::optional<uint64_t> Json::unsigned_integer() const {
    if (kind != Kind::number) return std::nullopt;
    const std::optional<Whole> whole = read_whole(text);
    if (!whole || (whole->negative && whole->magnitude != 0)) return std::nullopt;
    return whole->magnitude;
}

std::optional<double> Json::real() const {
    if (kind != Kind::number) return std::nullopt;
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stopped != end) return std::nullopt;
    return value;
}

std::string_view to_string(Json::Kind kind) {
    switch (kind) {
        case Json::Kind::null:
            return "null";
        case Json::Kind::boolean:
            return "boolean";
        case Json::Kind::number:
            return "number";
        case Json::Kind::string:
            return "string";
        case Json::Kind::array:
            return "array";
        case Json::Kind::object:
            return "object";
    }
    return "unknown";
}

}  // namespace fluxgate::rpc
