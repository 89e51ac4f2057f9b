// A text[] or uuid[] parameter in PostgreSQL's own notation.
#pragma once

#include <string>
#include <string_view>

namespace fluxgate::pg {

// {"a","b"}: each item in quotes, so that commas, braces, NULL and spaces in it mean nothing.
template <class Range>
[[nodiscard]] std::string array_literal(const Range& items) {
    std::string text = "{";
    for (const std::string_view item : items) {
        if (text.size() > 1) text += ',';
        text += '"';
        for (const char c : item) {
            if (c == '"' || c == '\\') text += '\\';
            text += c;
        }
        text += '"';
    }
    return text += '}';
}

}  // namespace fluxgate::pg
