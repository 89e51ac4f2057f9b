// A table's definition as indented JSON: what the schema resources answer and prompts embed.
//
// Columns that the caller may not read are left out, and with them what would name them: keys,
// indexes, foreign keys to such columns or to a table that is hidden.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/principal.h"
#include "pg/catalog.h"
#include "tools/pretty_json.h"

namespace fluxgate::tools {

enum class TableDetail : uint8_t {
    summary,  // columns and keys
    full,     // positions and lengths of columns, indexes, row security too
};

void write_table(const pg::Catalog& catalog, const pg::Table& table, http::Role role,
                 TableDetail detail, PrettyJson& json);

// "table", "view", "materialized view", …
[[nodiscard]] std::string_view kind_name(pg::Table::Kind kind);
[[nodiscard]] std::string full_name(const pg::Table& table);  // schema.table
// The table's resource, percent-encoded.
[[nodiscard]] std::string uri_of(const pg::Table& table);
[[nodiscard]] std::string table_uri(std::string_view schema, std::string_view table);

inline constexpr std::string_view schema_uri = "fluxbase://schema/tables";
inline constexpr std::string_view table_uri_template = "fluxbase://schema/tables/{schema}/{table}";
inline constexpr std::string_view json_mime_type = "application/json";

}  // namespace fluxgate::tools
