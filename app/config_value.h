// One value: from text to a typed field, with a message that says what would be right.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config_keys.h"

namespace fluxgate::app {

// What a file or the environment says: one text, or (from a YAML sequence) a list of them.
struct RawValue {
    std::string text;
    std::vector<std::string> items;
    bool is_list = false;
    // What a relative path is relative to: the configuration file's folder; empty: the working
    // folder.
    std::filesystem::path base;
};

// Nothing on success; else the rest of a message that begins with the key: "'maybe' is not …". The
// field keeps its value then. Secrets are never repeated.
[[nodiscard]] std::optional<std::string> set_value(const Key& key, const RawValue& value,
                                                   Config& config);

// Quoted, printable and at most 60 bytes, for messages.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace fluxgate::app
