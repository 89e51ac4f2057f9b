#include "rpc/excerpt.h"

#include <cstdint>

namespace fluxgate::rpc {

namespace {

struct Character {
    uint32_t code = 0xFFFD;
    size_t bytes = 1;
};

// Lenient: a byte that is not UTF-8 is one U+FFFD.
Character decode(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) {
        return {first, 1};
    }
    const size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < bytes) {
        return {};
    }
    uint32_t code = first & (0x7Fu >> bytes);
    for (size_t i = 1; i < bytes; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0u) != 0x80u) {
            return {};
        }
        code = code << 6 | (next & 0x3Fu);
    }
    return {code, bytes};
}

// Invisible or misleading in a terminal or a chat window.
bool needs_escape(uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x200E || code == 0x200F ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xFEFF;
}

void append_escape(std::string& out, uint32_t code) {
    static constexpr std::string_view digits = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) {
        out += digits[code >> shift & 0xFu];
    }
}

std::string cut(std::string_view text, bool escape_quotes) {
    std::string out;
    size_t characters = 0;
    while (!text.empty()) {
        if (characters++ == excerpt_chars_max) {
            out += "…";
            break;
        }
        const Character character = decode(text);
        if (needs_escape(character.code)) {
            append_escape(out, character.code);
        } else if (character.code == 0xFFFD) {
            out += "\uFFFD";
        } else {
            if (escape_quotes && (character.code == '"' || character.code == '\\')) {
                out += '\\';
            }
            out += text.substr(0, character.bytes);
        }
        text.remove_prefix(character.bytes);
    }
    return out;
}

}  // namespace

std::string excerpt(std::string_view text) {
    return cut(text, false);
}

std::string quoted_excerpt(std::string_view text) {
    return '"' + cut(text, true) + '"';
}

}  // namespace fluxgate::rpc
