// What is wrong with an argument, as a text for the model: what was wrong, what would be right.
//
// A cold path: texts are strings of their own. A caller's text goes into one only through
// excerpt().
#pragma once

#include <cstdint>
#include <expected>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "rpc/excerpt.h"

namespace fluxgate::tools {

struct InputError {
    std::string text;
    // It names something that the catalog does not have: a newer catalog may.
    bool may_be_news = false;
};

template <class T>
using Checked = std::expected<T, InputError>;

[[nodiscard]] std::string concat(std::initializer_list<std::string_view> parts);

[[nodiscard]] inline std::unexpected<InputError> input_error(
    std::initializer_list<std::string_view> parts) {
    return std::unexpected(InputError{.text = concat(parts)});
}

using rpc::excerpt;
using rpc::quoted_excerpt;

// U+0000 would end the text in libpq: refused before it.
inline constexpr std::string_view nul_refused = "NUL character is not allowed";
[[nodiscard]] inline bool has_nul(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

}  // namespace fluxgate::tools
