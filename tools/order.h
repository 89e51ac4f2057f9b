// The argument `order`: a comma list of what to sort by.
//
//   term := name [ ".asc" | ".desc" ] [ ".nullsfirst" | ".nullslast" ]
//         | name [ "asc" | "desc" ] [ "nulls" ( "first" | "last" ) ]
//
// A name is an output of `select` (an alias, a function's name), or else a column of the table;
// with an aggregate it must be an output. No expressions, no positions. Without nullsfirst or
// nullslast PostgreSQL's rule holds: NULL is larger than everything.
#pragma once

#include <string_view>

#include "http/principal.h"
#include "pg/catalog.h"
#include "tools/input_error.h"
#include "tools/select_list.h"
#include "tools/sql_text.h"

namespace fluxgate::tools {

// Writes " ORDER BY …" while it reads; after an error `sql` is of no use.
[[nodiscard]] Checked<void> write_order(std::string_view text, const pg::Table& table,
                                        http::Role role, const SelectList& select, SqlText& sql);

}  // namespace fluxgate::tools
