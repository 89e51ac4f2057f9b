// Rows -> JSON, in one pass, straight into its final form: no document in between, nothing escaped
// again.
//
//   int2 int4 int8 oid float4  the number with all its digits; NaN, Infinity and
//   float8 numeric             -Infinity as strings
//   boolean                    true, false
//   json jsonb                 as they are
//   timestamptz                "2024-01-15T10:00:00.123456Z" (RFC 3339)
//   timestamp                  "2024-01-15T10:00:00.123456": it has no offset
//   date time timetz           PostgreSQL's text ("2024-01-15", "10:00:00")
//   interval                   PostgreSQL's text; ISO 8601 ("P1DT2H") by the lanes' setting
//   infinity, years BC         PostgreSQL's text ("infinity", "0044-03-15 BC")
//   bytea                      base64, standard alphabet, padded
//   arrays                     arrays, nested as their dimensions
//   composites                 objects by field names
//   domains                    as their base type
//   vector halfvec             arrays of numbers
//   all others                 PostgreSQL's text: uuid, enum, inet, money, ranges, bit, xml, …
//   NULL                       null
// Keys stand in the order of the columns; no rows are [].
#pragma once

#include <span>
#include <string_view>

#include "loop/arena.h"
#include "loop/block_chain.h"
#include "pg/catalog.h"
#include "pg/result.h"
#include "rpc/json_writer.h"
#include "tools/row_shape.h"

namespace fluxgate::tools {

struct RowPlan {
    std::span<const FieldShape> columns;
};

// `name(i)` of column i is names[i], or the result's own where `names` is empty. Lives in the
// arena; `names` are copied.
[[nodiscard]] RowPlan make_row_plan(const pg::Catalog& catalog, const pg::Result& result,
                                    std::span<const std::string_view> names, loop::Arena* arena);

// Appends rows [first, last) as elements of an array, with commas between them, and in front unless
// `first` is 0; the brackets are the caller's. False, with `out` of no use, as soon as `out` is
// over `bytes_max`.
template <rpc::Escape level>
[[nodiscard]] bool append_rows(const RowPlan& plan, const pg::Result& result, int first, int last,
                               size_t bytes_max, loop::BlockChain& out);

extern template bool append_rows<rpc::Escape::once>(const RowPlan&, const pg::Result&, int, int,
                                                    size_t, loop::BlockChain&);
extern template bool append_rows<rpc::Escape::twice>(const RowPlan&, const pg::Result&, int, int,
                                                     size_t, loop::BlockChain&);

}  // namespace fluxgate::tools
