// A YAML file as a tree with line numbers. The only user of yaml-cpp; its exceptions end here.
//
// Bounded: 1 MiB, depth 32, 20,000 nodes after aliases are expanded (so no "billion laughs").
// Duplicate keys, a second document and anything that is not a tree of texts are errors. Keys are
// lower-cased, as Fluxbase does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::app {

inline constexpr size_t yaml_bytes_max = 1u << 20;
inline constexpr size_t yaml_depth_max = 32;
inline constexpr size_t yaml_nodes_max = 20'000;

struct YamlNode {
    enum class Kind : uint8_t { null, scalar, sequence, map };
    Kind kind = Kind::null;
    int line = 0;                    // 1-based
    std::string text;                // scalar
    std::vector<std::string> keys;   // map: names of `children`, in order
    std::vector<YamlNode> children;  // map and sequence
};

struct YamlError {
    int line = 0;  // 1-based; 0: the file as a whole
    std::string text;
};

// The root is a map, or null for an empty file.
[[nodiscard]] std::expected<YamlNode, YamlError> parse_yaml(std::string_view bytes);

}  // namespace fluxgate::app
