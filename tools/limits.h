// Every maximum of the tools, in one place. What is over one is an error that names the number;
// only `limit` is clamped, as Fluxbase does it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fluxgate::tools::limits {

// table, select, order
inline constexpr size_t table_name_bytes_max =
    256;  // two identifiers of 63 bytes, quoted, and a dot
inline constexpr size_t select_bytes_max = 16 * 1024;
inline constexpr size_t select_outputs_max = 512;   // PostgreSQL's own is 1,664
inline constexpr size_t identifier_bytes_max = 63;  // PostgreSQL would cut what is longer
inline constexpr size_t order_bytes_max = 4 * 1024;
inline constexpr size_t order_terms_max = 16;

// filter
inline constexpr size_t filter_conditions_max = 100;
inline constexpr size_t filter_depth_max = 4;  // the filter object itself is level 1
inline constexpr size_t filter_value_bytes_max = 64 * 1024;
inline constexpr size_t filter_list_max = 1000;  // elements of in.(…)
inline constexpr size_t like_bytes_max = 256;
inline constexpr size_t like_wildcards_max = 8;  // each % may cost a pass over the text

// rows
inline constexpr int64_t rows_default = 100;
inline constexpr int64_t rows_max = 1000;
inline constexpr size_t result_bytes_max = 16u << 20;  // of the answer, after escaping
inline constexpr size_t value_depth_max = 16;          // arrays and composites in each other

// prompts
inline constexpr size_t prompt_argument_bytes_max = 8 * 1024;
inline constexpr size_t prompt_tables_max = 200;  // named in one prompt
inline constexpr size_t prompt_hints_max = 30;    // candidates and findings in one prompt

}  // namespace fluxgate::tools::limits
