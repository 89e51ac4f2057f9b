// The table of keys: which key sets which field, and what it may hold.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/config.h"

namespace fluxgate::app {

template <class T>
using FieldOf = T* (*)(Config& config);

using Field = std::variant<FieldOf<bool>, FieldOf<std::optional<bool>>, FieldOf<uint16_t>,
                           FieldOf<uint32_t>, FieldOf<uint64_t>, FieldOf<Milliseconds>,
                           FieldOf<std::string>, FieldOf<loop::Secret>,
                           FieldOf<std::filesystem::path>, FieldOf<std::vector<std::string>>>;

// Null if `text` will do, else what it should be: "must …". For a list, asked for each item.
using TextRule = const char* (*)(std::string_view text);

struct Key {
    std::string_view path;  // "mcp.rate_limit_per_min"
    Field field;
    // Inclusive. Integers as they are, durations in milliseconds.
    uint64_t min = 0;
    uint64_t max = UINT32_MAX;
    TextRule rule = nullptr;
};

[[nodiscard]] std::span<const Key> config_keys();
[[nodiscard]] const Key* find_key(std::string_view path);
// Is there a key below it ("mcp", "gateway.database")?
[[nodiscard]] bool is_section(std::string_view path);
// Unknown keys below `mcp` and `gateway` are errors; the other sections are Fluxbase's.
[[nodiscard]] bool is_strict(std::string_view path);
// FLUXBASE_MCP_RATE_LIMIT_PER_MIN
[[nodiscard]] std::string environment_name(std::string_view path);
// The known key or section that is most like `path`; empty if nothing is near.
[[nodiscard]] std::string_view nearest_key(std::string_view path);

// The value as an operator would write it; a secret only as "(set)".
[[nodiscard]] std::string render_value(const Key& key, const Config& config);

}  // namespace fluxgate::app
