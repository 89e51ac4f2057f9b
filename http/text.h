// Small text helpers of the HTTP grammar: ASCII case, white space, tokens, numbers, JSON escapes.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fluxgate::http {

[[nodiscard]] constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
[[nodiscard]] constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
[[nodiscard]] constexpr bool is_hex_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
// RFC 9110 5.6.2.
[[nodiscard]] constexpr bool is_token_char(char c) {
    constexpr auto table = [] {
        std::array<bool, 256> tokens{};
        for (unsigned char byte = 0; byte < 128; ++byte) {
            const char one = static_cast<char>(byte);
            tokens[byte] =
                is_digit(one) || is_alpha(one) || std::string_view("!#$%&'*+-.^_`|~").contains(one);
        }
        return tokens;
    }();
    return table[static_cast<unsigned char>(c)];
}

// ASCII only, as RFC 9110 means it.
[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view left, std::string_view right) {
    if (left.size() != right.size()) return false;
    for (size_t i = 0; i < left.size(); ++i) {
        if (to_lower(left[i]) != to_lower(right[i])) return false;
    }
    return true;
}

// Without SP and HTAB at both ends (OWS, RFC 9110 5.6.3).
[[nodiscard]] constexpr std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

// "gw.test:8443" -> "gw.test", "[::1]:80" -> "[::1]". Of a valid authority.
[[nodiscard]] constexpr std::string_view without_port(std::string_view authority) {
    const size_t bracket = authority.rfind(']');
    const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    return authority.substr(0, colon);
}

// A number as decimal text, on the stack.
class Decimal {
public:
    explicit Decimal(uint64_t number) {
        size_ = static_cast<size_t>(
            std::to_chars(bytes_.data(), bytes_.data() + bytes_.size(), number).ptr -
            bytes_.data());
    }
    [[nodiscard]] std::string_view text() const { return {bytes_.data(), size_}; }

private:
    std::array<char, 20> bytes_;
    size_t size_;
};

// Appends `text` as the inside of a JSON string. Every byte that is not printable ASCII becomes
// \u00XX: the result is valid whatever a peer sent, and shows raw bytes as they were.
template <class Out>
void append_json_escaped(Out& out, std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    size_t from = 0;  // of the bytes that need no escape and are not yet appended
    for (size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        const auto byte = static_cast<unsigned char>(c);
        const bool is_quoted = c == '"' || c == '\\';
        if (!is_quoted && byte >= 0x20 && byte < 0x7f) continue;
        out.append(text.substr(from, at - from));
        from = at + 1;
        if (is_quoted) {
            const std::array<char, 2> escape{'\\', c};
            out.append(std::string_view(escape.data(), escape.size()));
        } else {
            const std::array<char, 6> escape{'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
            out.append(std::string_view(escape.data(), escape.size()));
        }
    }
    out.append(text.substr(from));
}

}  // namespace fluxgate::http
