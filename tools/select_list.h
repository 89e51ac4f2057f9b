// The argument `select`: a closed grammar, resolved against one table.
//
//   select    := "*" | item { "," item }
//   item      := "*" | [ alias ":" ] output | output "as" alias
//   output    := column | function "(" [ "distinct" ] column ")" | "count" "(" "*" ")"
//   function  := count | sum | avg | min | max          column, alias := name | "quoted name"
//
// With a function in the list, its columns are what the rows are grouped by. Names are exact and
// case-sensitive; functions and keywords are not. Two outputs of one name are an error (one would
// be lost in the JSON object); without an alias a function's output is called as the function, as
// PostgreSQL does it.
//
// Aliases stay here: they become keys of the answer and never reach the SQL text.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "http/principal.h"
#include "loop/arena.h"
#include "pg/catalog.h"
#include "tools/input_error.h"
#include "tools/sql_text.h"

namespace fluxgate::tools {

enum class Aggregate : uint8_t { none, count, sum, avg, min, max };

struct SelectOutput {
    std::string_view name;               // the key in the answer; in the arena or the arguments
    const pg::Column* column = nullptr;  // null exactly for count(*)
    Aggregate aggregate = Aggregate::none;
    bool is_distinct = false;
};

struct SelectList {
    std::span<const SelectOutput> outputs;  // empty for "*" of a whole table
    bool has_aggregate = false;

    [[nodiscard]] bool is_star() const { return outputs.empty(); }
    // Counted from 1, as ORDER BY counts; 0 if there is none of that name.
    [[nodiscard]] size_t ordinal_of(std::string_view name) const;
};

// "*" is what the role may read: where that is not the whole table, its columns are outputs.
[[nodiscard]] Checked<SelectList> parse_select(std::string_view text, const pg::Table& table,
                                               http::Role role, loop::Arena* arena);
// SELECT …
void write_select(const SelectList& list, const pg::Catalog& catalog, SqlText& sql);
void write_group_by(const SelectList& list, SqlText& sql);  // nothing without an aggregate

}  // namespace fluxgate::tools
