// A peer's text inside a message of ours: short, and nothing in it that a reader would misread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fluxgate::rpc {

inline constexpr size_t excerpt_chars_max = 64;

// At most excerpt_chars_max characters, then "…"; control characters, and what a
// reader could not see or would misread (bidirectional overrides), as \u00XX.
[[nodiscard]] std::string excerpt(std::string_view text);
// The same in double quotes, with quotes and backslashes escaped.
[[nodiscard]] std::string quoted_excerpt(std::string_view text);

}  // namespace fluxgate::rpc
