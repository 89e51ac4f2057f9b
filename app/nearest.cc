#include "app/nearest.h"

#include <algorithm>

#include "rpc/nearest.h"

namespace fluxgate::app {

size_t edit_distance(std::string_view left, std::string_view right) {
    return rpc::edit_distance(left, right, distance_max);
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
    if (word.empty()) return {};
    size_t best_distance = std::clamp<size_t>(word.size() / 3, 1, distance_max) + 1;
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
