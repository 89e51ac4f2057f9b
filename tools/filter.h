// The argument `filter` -> " WHERE …", with every value a parameter. Nothing is ever dropped: what
// is not understood is an error that names the column and says what would be right.
//
//   filter    := { column: condition, …, group, … }            all must hold
//   condition := "operator.value"
//              | [ "operator.value", … ]                       on one column: all must hold
//   group     := "or": [ filter, … ]  |  "and": [ filter, … ]
//
// A group is told from a column called or (and) by its value: an array of objects is a group,
// anything else is a condition on the column of that name. Conditions: at most 100 in all, groups 4
// levels deep.
//
// Parameters have no declared type: PostgreSQL infers the column's own from the plain operator
// beside it, for enums, domains, arrays and extension types too, and plain operators stay usable
// for indexes under RLS. Types of extensions bring operators of their own (citext's = ignores
// case), which are named with the type's schema. cs, cd and
// ov take a PostgreSQL literal: {a,b} for arrays, JSON for jsonb, [1,5) for ranges.
#pragma once

#include "http/principal.h"
#include "pg/catalog.h"
#include "rpc/json.h"
#include "tools/input_error.h"
#include "tools/sql_text.h"

namespace fluxgate::tools {

// Writes while it reads; after an error `sql` is of no use. An empty filter writes nothing. Values
// live in `filter` or the arena of `sql`.
[[nodiscard]] Checked<void> write_filter(const rpc::Json& filter, const pg::Catalog& catalog,
                                         const pg::Table& table, http::Role role, SqlText& sql);

}  // namespace fluxgate::tools
