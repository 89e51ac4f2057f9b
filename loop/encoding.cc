// base64 and hex, declared in loop/crypto.h.
#include <array>
#include <cstring>

#include "loop/crypto.h"

namespace fluxgate::loop {
namespace {

constexpr std::string_view standard_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr uint8_t no_value = 0xff;

// Two characters for each 12 bits: half the look-ups of a table of 64.
using PairTable = std::array<std::array<char, 2>, 4096>;
constexpr PairTable make_pairs(std::string_view alphabet) {
    PairTable pairs{};
    for (size_t i = 0; i < pairs.size(); ++i) {
        pairs[i] = {alphabet[i >> 6], alphabet[i & 63]};
    }
    return pairs;
}

using ValueTable = std::array<uint8_t, 256>;
constexpr ValueTable make_values(std::string_view alphabet) {
    ValueTable values{};
    values.fill(no_value);
    for (size_t i = 0; i < alphabet.size(); ++i) {
        values[static_cast<uint8_t>(alphabet[i])] = static_cast<uint8_t>(i);
    }
    return values;
}
constexpr ValueTable make_hex_values() {
    ValueTable values = make_values(hex_digits);
    for (uint8_t i = 0; i < 6; ++i) {
        values[static_cast<size_t>('A') + i] = static_cast<uint8_t>(10 + i);
    }
    return values;
}

constexpr PairTable standard_pairs = make_pairs(standard_alphabet);
constexpr PairTable url_pairs = make_pairs(url_alphabet);
constexpr ValueTable standard_values = make_values(standard_alphabet);
constexpr ValueTable url_values = make_values(url_alphabet);
constexpr ValueTable hex_values = make_hex_values();

// Returns one past the last character written.
char* encode(const PairTable& pairs, Base64Padding padding, std::span<const uint8_t> bytes,
             char* out) {
    size_t i = 0;
    for (; i + 3 <= bytes.size(); i += 3) {
        const uint32_t group =
            uint32_t{bytes[i]} << 16 | uint32_t{bytes[i + 1]} << 8 | bytes[i + 2];
        std::memcpy(out, pairs[group >> 12].data(), 2);
        std::memcpy(out + 2, pairs[group & 0xfff].data(), 2);
        out += 4;
    }
    const size_t rest = bytes.size() - i;
    if (rest == 0) return out;
    const uint32_t second = rest == 2 ? uint32_t{bytes[i + 1]} : 0;
    const uint32_t group = uint32_t{bytes[i]} << 16 | second << 8;
    std::memcpy(out, pairs[group >> 12].data(), 2);
    out += 2;
    if (rest == 2) *out++ = pairs[group & 0xfff][0];
    if (padding == Base64Padding::padded) {
        for (size_t missing = rest; missing < 3; ++missing) {
            *out++ = '=';
        }
    }
    return out;
}

std::span<const uint8_t> as_bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::optional<std::string> decode(const ValueTable& values, Base64Padding padding,
                                  std::string_view text) {
    if (padding == Base64Padding::padded) {
        if (text.size() % 4 != 0) return std::nullopt;
        for (int i = 0; i < 2 && text.ends_with('='); ++i) {
            text.remove_suffix(1);
        }
    }
    const size_t rest = text.size() % 4;
    if (rest == 1) return std::nullopt;
    std::string decoded;
    decoded.reserve(text.size() / 4 * 3 + 2);
    uint32_t group = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const uint8_t value = values[static_cast<uint8_t>(text[i])];
        if (value == no_value) return std::nullopt;
        group = group << 6 | value;
        if (i % 4 != 3) continue;
        decoded.push_back(static_cast<char>(group >> 16 & 0xff));
        decoded.push_back(static_cast<char>(group >> 8 & 0xff));
        decoded.push_back(static_cast<char>(group & 0xff));
        group = 0;
    }
    // 2 characters carry 12 bits for one byte, 3 carry 18 for two: the rest must be zero.
    if (rest == 2) {
        if ((group & 0xf) != 0) return std::nullopt;
        decoded.push_back(static_cast<char>(group >> 4 & 0xff));
    } else if (rest == 3) {
        if ((group & 0x3) != 0) return std::nullopt;
        decoded.push_back(static_cast<char>(group >> 10 & 0xff));
        decoded.push_back(static_cast<char>(group >> 2 & 0xff));
    }
    return decoded;
}

}  // namespace

std::string base64url(std::span<const uint8_t> bytes, Base64Padding padding) {
    std::string text(base64_bytes(bytes.size()), '\0');
    const char* end = encode(url_pairs, padding, bytes, text.data());
    text.resize(static_cast<size_t>(end - text.data()));
    return text;
}

std::string base64url(std::string_view bytes, Base64Padding padding) {
    return base64url(as_bytes(bytes), padding);
}

std::optional<std::string> base64url_decode(std::string_view text, Base64Padding padding) {
    return decode(url_values, padding, text);
}

size_t base64_encode_into(std::span<const uint8_t> bytes, char* out) {
    const char* end = encode(standard_pairs, Base64Padding::padded, bytes, out);
    return static_cast<size_t>(end - out);
}

std::optional<std::string> base64_decode(std::string_view text) {
    return decode(standard_values, Base64Padding::padded, text);
}

std::string hex(std::span<const uint8_t> bytes) {
    std::string text;
    text.reserve(bytes.size() * 2);
    for (uint8_t byte : bytes) {
        text.push_back(hex_digits[byte >> 4]);
        text.push_back(hex_digits[byte & 0xf]);
    }
    return text;
}

std::optional<std::string> hex_decode(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string decoded;
    decoded.reserve(text.size() / 2);
    for (size_t i = 0; i < text.size(); i += 2) {
        const uint8_t high = hex_values[static_cast<uint8_t>(text[i])];
        const uint8_t low = hex_values[static_cast<uint8_t>(text[i + 1])];
        if (high == no_value || low == no_value) return std::nullopt;
        decoded.push_back(static_cast<char>(high << 4 | low));
    }
    return decoded;
}

}  // namespace fluxgate::loop
