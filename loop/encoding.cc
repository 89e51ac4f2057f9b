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
constexpr uint32_t value_max = 63;  // of one character of base64

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

uint8_t value_of(const ValueTable& values, char character) {
    return values[static_cast<uint8_t>(character)];
}

// How many bytes it has written; nothing if `text` is not base64, or `out` is too small.
std::optional<size_t> decode_into(const ValueTable& values, Base64Padding padding,
                                  std::string_view text, std::span<uint8_t> out) {
    if (padding == Base64Padding::padded) {
        if (text.size() % 4 != 0) return std::nullopt;
        for (int i = 0; i < 2 && text.ends_with('='); ++i) {
            text.remove_suffix(1);
        }
    }
    const size_t rest = text.size() % 4;
    const size_t whole = text.size() - rest;
    const size_t size = whole / 4 * 3 + (rest == 0 ? 0 : rest - 1);
    if (rest == 1 || out.size() < size) return std::nullopt;
    uint8_t* next = out.data();
    for (size_t i = 0; i < whole; i += 4) {
        const uint32_t a = value_of(values, text[i]);
        const uint32_t b = value_of(values, text[i + 1]);
        const uint32_t c = value_of(values, text[i + 2]);
        const uint32_t d = value_of(values, text[i + 3]);
        if ((a | b | c | d) > value_max) return std::nullopt;
        const uint32_t group = a << 18 | b << 12 | c << 6 | d;
        *next++ = static_cast<uint8_t>(group >> 16);
        *next++ = static_cast<uint8_t>(group >> 8);
        *next++ = static_cast<uint8_t>(group);
    }
    if (rest == 0) return size;
    // 2 characters carry 12 bits for one byte, 3 carry 18 for two: the unused ones must be zero.
    const uint32_t a = value_of(values, text[whole]);
    const uint32_t b = value_of(values, text[whole + 1]);
    const uint32_t c = rest == 3 ? value_of(values, text[whole + 2]) : 0;
    const uint32_t unused = rest == 3 ? c & 0x3 : b & 0xf;
    if ((a | b | c) > value_max || unused != 0) return std::nullopt;
    *next++ = static_cast<uint8_t>(a << 2 | b >> 4);
    if (rest == 3) *next++ = static_cast<uint8_t>(b << 4 | c >> 2);
    return size;
}

std::optional<std::string> decode(const ValueTable& values, Base64Padding padding,
                                  std::string_view text) {
    std::string decoded(text.size() / 4 * 3 + 2, '\0');
    const auto size = decode_into(values, padding, text,
                                  {reinterpret_cast<uint8_t*>(decoded.data()), decoded.size()});
    if (!size) return std::nullopt;
    decoded.resize(*size);
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

std::optional<size_t> base64url_decode_into(std::string_view text, Base64Padding padding,
                                            std::span<uint8_t> out) {
    return decode_into(url_values, padding, text, out);
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
