// "Did you mean …?" of the command line and the configuration: the nearest of a few known words.
// The distance is that of rpc/nearest; names that only begin alike are not near here, because
// every key begins with the name of its section.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace fluxgate::app {

inline constexpr size_t distance_max = 3;

// Insertions, deletions, substitutions and swaps of neighbours that lead from one to the other,
// whatever the case of letters; distance_max + 1 if there are more than distance_max.
[[nodiscard]] size_t edit_distance(std::string_view left, std::string_view right);

// The candidate with the smallest distance, if that is at most a third of the word (and
// distance_max); else empty. Of equals the first.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> candidates);

}  // namespace fluxgate::app
