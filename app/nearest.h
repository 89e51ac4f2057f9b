// "Did you mean …?": the nearest of a few known words.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace fluxgate::app {

// Insertions, deletions, substitutions and swaps of neighbours that lead from one to the other.
[[nodiscard]] size_t edit_distance(std::string_view left, std::string_view right);

// The candidate with the smallest distance, if that is at most a third of the word (and 3); else
// empty. Of equals the first.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> candidates);

}  // namespace fluxgate::app
