// The arguments of query_table -> one SELECT. Pure: no database, no suspension; what the golden
// tests and the fuzz target look at.
//
//   SELECT … FROM "schema"."table" WHERE … GROUP BY … ORDER BY … LIMIT 100 OFFSET $n
//
// The text depends on the table, the columns, the operators and the limit, never on a value. The
// limit is a literal on purpose: with `LIMIT $n` PostgreSQL can not estimate the rows, finds its
// generic plan too dear, and plans anew at every call. OFFSET is a parameter, and there only if it
// is above 0, or each page of a table would be a statement of its own.
#pragma once

#include <cstdint>

#include "http/principal.h"
#include "pg/catalog.h"
#include "rpc/json.h"
#include "tools/input_error.h"
#include "tools/select_list.h"
#include "tools/sql_text.h"

namespace fluxgate::tools {

struct TableQuery {
    const pg::Table* table = nullptr;  // of the catalog
    SelectList select;                 // in the arena of the SqlText
};

// `arguments` may be null (none were sent). An unknown argument is an error: a mistyped `filters`
// must not become a query without a filter.
[[nodiscard]] Checked<TableQuery> build_table_query(const rpc::Json* arguments,
                                                    const pg::Catalog& catalog, http::Role role,
                                                    SqlText& sql);

}  // namespace fluxgate::tools
