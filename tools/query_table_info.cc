// What tools/list says about query_table: written for a model that has seen nothing else.
#include "tools/query_table_info.h"

namespace fluxgate::tools {
namespace {

constexpr const char* description =
    "Read rows from a database table or view with column selection, filters, sorting, paging and "
    "aggregates. Row Level Security applies: you see the rows that this key may see. If you do not "
    "know a table or column name, guess: the error lists what there is.\n"
    "filter maps a column to \"operator.value\"; several columns must all match. Operators: eq, "
    "neq, gt, gte, lt, lte (eq.18), like, ilike (ilike.%smith%), in, nin (in.(red,green,\"a,b\")), "
    "is, isnot (is.null, is.not_null, is.true, is.false), cs contains (cs.{a,b} for arrays, "
    "cs.{\"k\":1} for jsonb), cd contained in, ov overlaps. Several conditions on one column: an "
    "array, [\"gte.10\",\"lt.20\"]. "
    "Alternatives: {\"or\":[{\"status\":\"eq.open\"},{\"due\":\"lt.2024-01-01\"}]}.\n"
    "select may rename (total:amount) and aggregate (status, count(*), sum(amount)): rows are then "
    "grouped by the plain columns. Name the columns that you need: a vector (embedding) or a "
    "document is large.\n"
    "Answers a JSON array of objects, [] if nothing matches. If exactly `limit` rows came, there "
    "may be more: ask again with offset.";

constexpr const char* input_schema =
    R"json({"type":"object","properties":{)json"
    R"json("table":{"type":"string","description":"Table or view: \"users\" (schema public) or \"schema.table\". Case-sensitive.","examples":["users","sales.orders"]},)json"
    R"json("select":{"type":"string","default":"*","description":"Comma-separated columns. \"alias:column\" or \"column as alias\" renames. Aggregates: count(*), count(c), count(distinct c), sum(c), avg(c), min(c), max(c); the other columns become GROUP BY. Odd names in double quotes.","examples":["id,email","status, count(*), total:sum(amount)"]},)json"
    R"json("filter":{"type":"object","description":"Column to \"operator.value\", or to an array of such conditions that must all hold. All members must hold. \"or\" and \"and\" take an array of filter objects. Values are always strings, numbers too: \"eq.18\".","additionalProperties":{"anyOf":[{"type":"string"},{"type":"array","minItems":1,"items":{"anyOf":[{"type":"string"},{"type":"object"}]}}]},"examples":[{"is_active":"eq.true","age":["gte.18","lt.65"]},{"name":"ilike.%ann%","deleted_at":"is.null"},{"status":"in.(open,waiting)"},{"or":[{"priority":"eq.high"},{"due":"lt.2024-06-01"}]}]},)json"
    R"json("order":{"type":"string","description":"Comma-separated \"column.asc\" or \"column.desc\", each with an optional \".nullsfirst\" or \".nullslast\". Aliases and aggregates of select can be sorted by too.","examples":["created_at.desc","priority.asc.nullslast,id"]},)json"
    R"json("limit":{"type":"integer","minimum":1,"default":100,"description":"Rows at most, 100 if you do not say. 1000 is the maximum; more is taken as 1000."},)json"
    R"json("offset":{"type":"integer","minimum":0,"default":0,"description":"Rows to skip; use it with order."})json"
    R"json(},"required":["table"],"additionalProperties":false})json";

constexpr const char* output_schema =
    R"json({"type":"object","properties":{"rows":{"type":"array","items":{"type":"object"}}},"required":["rows"]})json";

// Of clients that show one: the outline of a table, as SVG.
constexpr const char* icons =
    R"json([{"src":"data:image/svg+xml;base64,PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvM)json"
    R"json(jAwMC9zdmcnIHZpZXdCb3g9JzAgMCAyNCAyNCcgZmlsbD0nbm9uZScgc3Ryb2tlPScjMzM2NzkxJ)json"
    R"json(yBzdHJva2Utd2lkdGg9JzInPjxwYXRoIGQ9J00zIDRoMTh2MTZIM3pNMyAxMGgxOE05IDEwdjEwJ)json"
    R"json(y8+PC9zdmc+","mimeType":"image/svg+xml","sizes":["any"]}])json";

}  // namespace

rpc::ToolInfo query_table_info() {
    return {.name = "query_table",
            .title = "Query table",
            .description = description,
            .input_schema = input_schema,
            .output_schema = output_schema,
            .scopes = {"read:tables"},
            .icons = icons,
            .read_only = true,
            .destructive = false,
            .idempotent = true,
            .open_world = false};
}

}  // namespace fluxgate::tools
