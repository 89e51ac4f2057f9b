// The closed table of the fifteen filter operators, and what their values may look like.
#pragma once

#include <cstdint>
#include <string_view>

#include "loop/arena.h"
#include "tools/input_error.h"

namespace fluxgate::tools {

enum class OperatorKind : uint8_t {
    compare,  // value is a parameter of the column's type
    pattern,  // LIKE and ILIKE: % and _ as they are, \ escapes
    list,     // (a,"b,c",d) -> one array parameter
    truth,    // null, not_null, true, false, unknown: no parameter
};

struct Operator {
    std::string_view name;
    std::string_view sql;   // PostgreSQL's operator: =, ~~ (LIKE), @>; empty for `truth`
    std::string_view tail;  // what comes before the value: " ANY(" for lists
    OperatorKind kind;
};

[[nodiscard]] const Operator* find_operator(std::string_view name);  // exact
// "; did you mean "neq"? Operators: eq, neq, …"
[[nodiscard]] std::string operator_hint(std::string_view name);

// `(a,"b,c",d)` -> the text of a PostgreSQL array, {"a","b,c","d"}, with `delimiter` between the
// elements. Parentheses are required. Elements: bare ones lose the spaces around them and have no
// quotes; quoted ones keep everything, with "" for a quote (\" and \\ are read too). An empty
// element must be "". The texts of the errors say only what is wrong with the list.
[[nodiscard]] Checked<std::string_view> array_from_list(std::string_view list, char delimiter,
                                                        loop::Arena* arena);

// Length, number of %, and the lone \ at the end that PostgreSQL would refuse while it runs.
[[nodiscard]] Checked<void> check_pattern(std::string_view pattern);

// What follows the column for `is` (negated for `isnot`): " IS NOT NULL". `needs_boolean` is set
// for true, false and unknown. Words in any case.
struct Truth {
    std::string_view sql;
    bool needs_boolean;
};
[[nodiscard]] Checked<Truth> truth_of(std::string_view word, bool negated);

}  // namespace fluxgate::tools
