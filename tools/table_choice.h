// Which tables a caller is shown unasked, and how what it has typed is completed to one of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/principal.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "pg/catalog.h"

namespace fluxgate::tools {

// A loop over tables that looks at the columns of each: some 100 us.
inline constexpr size_t tables_per_turn = 200;

// The tables and views that the role may read, by schema and name, without PostgreSQL's own.
[[nodiscard]] std::vector<const pg::Table*> shown_tables(const pg::Catalog& catalog,
                                                         http::Role role);

// Of the shown tables: what begins with `typed`, then what contains it; case does not count. With
// nothing typed that is all. The first rpc::Calls::completions_max of each are in the order of the
// alphabet, no more are sent. With breaks, as there may be tens of thousands of names; what is
// passed must stay until the task has ended.
[[nodiscard]] std::vector<std::string> complete_schema(const pg::Catalog& catalog, http::Role role,
                                                       std::string_view typed);
using Completions = loop::Task<std::vector<std::string>>;
// Names without a schema; those of all schemas if `schema` is empty.
[[nodiscard]] Completions complete_table(loop::Loop* loop, const pg::Catalog* catalog,
                                         http::Role role, std::string_view schema,
                                         std::string_view typed);
// schema.table; the table's name alone may be typed too.
[[nodiscard]] Completions complete_full_name(loop::Loop* loop, const pg::Catalog* catalog,
                                             http::Role role, std::string_view typed);

// The columns of one shown table, named as prompts take it; of all of them if `table` is empty.
[[nodiscard]] Completions complete_column(loop::Loop* loop, const pg::Catalog* catalog,
                                          http::Role role, std::string_view table,
                                          std::string_view typed);

}  // namespace fluxgate::tools
