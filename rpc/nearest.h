// "did you mean": the names nearest to one that does not exist.
//
// Bounded work: a band of the distance matrix, and no more than names_compared_max names.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::rpc {

inline constexpr size_t names_compared_max = 2000;
inline constexpr size_t names_listed_max = 30;
inline constexpr size_t name_compared_bytes_max = 256;  // nothing is near to what is longer

// Insertions, deletions, substitutions and swaps of neighbours that lead from `left` to `right`;
// case of ASCII letters does not count. `bound` + 1 if there are more than `bound` (<= 8).
[[nodiscard]] size_t edit_distance(std::string_view left, std::string_view right, size_t bound);

// The best first, at most `count_max`; none where nothing is near. A name that begins with what is
// wanted, or the other way round, counts as near.
[[nodiscard]] std::vector<std::string_view> nearest(std::string_view wanted,
                                                    std::span<const std::string_view> names,
                                                    size_t count_max = 3);

inline constexpr size_t name_proposed_bytes_max = 256;

// `; did you mean "a" or "b"?`, or nothing. Names are whole, up to name_proposed_bytes_max: one
// that is cut could not be used.
[[nodiscard]] std::string did_you_mean(std::string_view wanted,
                                       std::span<const std::string_view> names);
// The same of names that were chosen already.
[[nodiscard]] std::string proposal_of(std::span<const std::string_view> near);

// "a, b, c, … (12 more)", names as excerpts.
[[nodiscard]] std::string list_names(std::span<const std::string_view> names);

}  // namespace fluxgate::rpc
