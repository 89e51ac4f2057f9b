#include "rpc/nearest.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "rpc/excerpt.h"

namespace fluxgate::rpc {
namespace {

constexpr size_t bound_max = 8;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool starts_with(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), text.begin(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

// Where `text` can be cut at `bytes` or before, without halving a character.
size_t cut_before(std::string_view text, size_t bytes) {
    if (bytes >= text.size()) return text.size();
    constexpr size_t continuation_bytes_max = 3;
    for (size_t back = 0; back <= continuation_bytes_max && back < bytes; ++back) {
        if ((static_cast<unsigned char>(text[bytes - back]) & 0xC0u) != 0x80u) return bytes - back;
    }
    return bytes;
}

// As excerpts of pieces that are too short to be cut.
std::string quoted_name(std::string_view name) {
    const size_t kept = cut_before(name, name_proposed_bytes_max);
    const bool is_cut = kept < name.size();
    name = name.substr(0, kept);
    std::string quoted = "\"";
    while (!name.empty()) {
        const size_t bytes = cut_before(name, excerpt_chars_max);
        const std::string piece = quoted_excerpt(name.substr(0, bytes));
        quoted.append(piece, 1, piece.size() - 2);
        name.remove_prefix(bytes);
    }
    return quoted + (is_cut ? "…\"" : "\"");
}

}  // namespace

size_t edit_distance(std::string_view left, std::string_view right, size_t bound) {
    bound = std::min(bound, bound_max);
    const size_t gap =
        left.size() > right.size() ? left.size() - right.size() : right.size() - left.size();
    if (gap > bound || left.size() > name_compared_bytes_max ||
        right.size() > name_compared_bytes_max) {
        return bound + 1;
    }
    // Three rows of the matrix: two back (for swaps), previous, current. Only the band |i - j| <=
    // bound is filled; outside of it the distance is over the bound anyway.
    using Row = std::array<uint8_t, name_compared_bytes_max + 1>;
    const auto over = static_cast<uint8_t>(bound + 1);
    std::array<Row, 3> rows;
    const size_t width = right.size() + 1;
    for (Row& row : rows) {
        std::fill_n(row.begin(), width, over);
    }
    for (size_t j = 0; j <= std::min(right.size(), bound); ++j) {
        rows[0][j] = static_cast<uint8_t>(j);
    }
    for (size_t i = 1; i <= left.size(); ++i) {
        const Row& before = rows[(i + 1) % 3];  // row i - 2
        const Row& previous = rows[(i + 2) % 3];
        Row& current = rows[i % 3];
        std::fill_n(current.begin(), width, over);
        if (i <= bound) {
            current[0] = static_cast<uint8_t>(i);
        }
        uint8_t least = current[0];
        const size_t first = i > bound ? i - bound : 1;
        const size_t last = std::min(right.size(), i + bound);
        for (size_t j = first; j <= last; ++j) {
            const char a = lower(left[i - 1]);
            const char b = lower(right[j - 1]);
            size_t best = previous[j - 1] + size_t{a != b};
            best = std::min({best, size_t{previous[j]} + 1, size_t{current[j - 1]} + 1});
            if (i > 1 && j > 1 && a == lower(right[j - 2]) && lower(left[i - 2]) == b) {
                best = std::min(best, size_t{before[j - 2]} + 1);
            }
            current[j] = static_cast<uint8_t>(std::min(best, size_t{over}));
            least = std::min(least, current[j]);
        }
        if (least >= over && i > 1) {
            return over;
        }
    }
    return rows[left.size() % 3][right.size()];
}

std::vector<std::string_view> nearest(std::string_view wanted,
                                      std::span<const std::string_view> names, size_t count_max) {
    struct Match {
        size_t distance;
        std::string_view name;
    };
    std::vector<Match> matches;
    if (wanted.empty()) {
        return {};
    }
    const size_t bound = std::clamp<size_t>(wanted.size() / 3, 1, 3);
    for (std::string_view name : names.first(std::min(names.size(), names_compared_max))) {
        size_t distance = edit_distance(wanted, name, bound);
        if (distance > bound && wanted.size() >= 3 && name.size() >= 3 &&
            (starts_with(name, wanted) || starts_with(wanted, name))) {
            distance = bound + 1;  // after all real misspellings
        } else if (distance > bound) {
            continue;
        }
        matches.push_back({distance, name});
    }
    std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
        return a.distance != b.distance ? a.distance < b.distance : a.name < b.name;
    });
    std::vector<std::string_view> found;
    for (const Match& match : std::span(matches).first(std::min(matches.size(), count_max))) {
        found.push_back(match.name);
    }
    return found;
}

std::string did_you_mean(std::string_view wanted, std::span<const std::string_view> names) {
    return proposal_of(nearest(wanted, names));
}

std::string proposal_of(std::span<const std::string_view> near) {
    std::string text;
    for (std::string_view name : near) {
        text += text.empty() ? "; did you mean " : " or ";
        text += quoted_name(name);
    }
    return text.empty() ? text : text + "?";
}

std::string list_names(std::span<const std::string_view> names) {
    const size_t listed = std::min(names.size(), names_listed_max);
    std::string text;
    for (std::string_view name : names.first(listed)) {
        text += text.empty() ? "" : ", ";
        text += excerpt(name);
    }
    if (listed < names.size()) {
        text += ", … (" + std::to_string(names.size() - listed) + " more)";
    }
    return text;
}

}  // namespace fluxgate::rpc
