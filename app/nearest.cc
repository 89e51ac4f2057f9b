#include "app/nearest.h"

#include <algorithm>
#include <vector>

namespace fluxgate::app {

size_t edit_distance(std::string_view left, std::string_view right) {
    // Three rows of the matrix: a swap looks two rows back.
    std::vector<size_t> before(right.size() + 1), above(right.size() + 1), row(right.size() + 1);
    for (size_t j = 0; j <= right.size(); ++j)
        above[j] = j;
    for (size_t i = 1; i <= left.size(); ++i) {
        row[0] = i;
        for (size_t j = 1; j <= right.size(); ++j) {
            const size_t change = left[i - 1] == right[j - 1] ? 0 : 1;
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
            const bool is_swap =
                i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if (is_swap) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, above);
        std::swap(above, row);
    }
    return above[right.size()];
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
    static constexpr size_t word_bytes_max = 128;  // nothing known is as long
    static constexpr size_t distance_max = 3;
    if (word.empty() || word.size() > word_bytes_max) return {};
    size_t best_distance = std::min(distance_max, std::max<size_t>(1, word.size() / 3)) + 1;
    std::string_view best;
    for (const std::string_view candidate : candidates) {
        const size_t distance = edit_distance(word, candidate);
        if (distance >= best_distance) continue;
        best_distance = distance;
        best = candidate;
    }
    return best;
}

}  // namespace fluxgate::app
