// Which tables a caller is shown unasked, and how what it has typed is completed to one of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/principal.h"
#include "pg/catalog.h"

namespace fluxgate::tools {

// The tables and views that the role may read, by schema and name, without PostgreSQL's own.
[[nodiscard]] std::vector<const pg::Table*> shown_tables(const pg::Catalog& catalog,
                                                         http::Role role);

// Of the shown tables: what begins with `typed`, then what contains it, each in the order of the
// alphabet; case does not count. With nothing typed that is all.
[[nodiscard]] std::vector<std::string> complete_schema(const pg::Catalog& catalog, http::Role role,
                                                       std::string_view typed);
// Names without a schema; those of all schemas if `schema` is empty.
[[nodiscard]] std::vector<std::string> complete_table(const pg::Catalog& catalog, http::Role role,
                                                      std::string_view schema,
                                                      std::string_view typed);
// schema.table; the table's name alone may be typed too.
[[nodiscard]] std::vector<std::string> complete_full_name(const pg::Catalog& catalog,
                                                          http::Role role, std::string_view typed);

// The columns of one shown table (schema.table); of all of them if `table` is empty.
[[nodiscard]] std::vector<std::string> complete_column(const pg::Catalog& catalog, http::Role role,
                                                       std::string_view table,
                                                       std::string_view typed);

}  // namespace fluxgate::tools
