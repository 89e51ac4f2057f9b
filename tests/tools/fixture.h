// What the tests of tools/ share: a small catalog, JSON arguments, hand-made results.
#pragma once

#include <libpq-fe.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loop/arena.h"
#include "loop/block_chain.h"
#include "pg/catalog.h"
#include "pg/result.h"
#include "rpc/json.h"
#include "rpc/json_reader.h"
#include "tests/rpc/read_json.h"
#include "tools/row_json.h"

namespace fluxgate::tools::test {

// OIDs of types of our own; the built-in ones are PostgreSQL's.
inline constexpr uint32_t mood_oid = 50001;     // enum
inline constexpr uint32_t age_oid = 50002;      // domain over integer
inline constexpr uint32_t point3_oid = 50003;   // composite (x int, label text, "we""ird" jsonb)
inline constexpr uint32_t point3s_oid = 50004;  // array of it
inline constexpr uint32_t vector_oid = 50005;   // extensions.vector
inline constexpr uint32_t line_oid = 50006;     // composite (name text, points point3[])
inline constexpr uint32_t ages_oid = 50007;     // array of the domain
inline constexpr uint32_t flag_oid = 50008;     // domain over boolean
inline constexpr uint32_t citext_oid = 50009;   // "My.Schema".citext

inline void add_types(pg::CatalogBuilder& builder) {
    using Kind = pg::Type::Kind;
    const auto add = [&builder](uint32_t oid, Kind kind, std::string name, uint32_t element = 0,
                                char delimiter = ',') {
        pg::Type type;
        type.oid = oid;
        type.kind = kind;
        type.name = std::move(name);
        type.element = element;
        type.delimiter = delimiter;
        builder.add_type(std::move(type));
    };
    add(16, Kind::base, "boolean");
    add(17, Kind::base, "bytea");
    add(20, Kind::base, "bigint");
    add(23, Kind::base, "integer");
    add(25, Kind::base, "text");
    add(114, Kind::base, "json");
    add(603, Kind::base, "box", 600, ';');
    add(701, Kind::base, "double precision");
    add(1082, Kind::base, "date");
    add(1114, Kind::base, "timestamp without time zone");
    add(1184, Kind::base, "timestamp with time zone");
    add(1700, Kind::base, "numeric");
    add(2950, Kind::base, "uuid");
    add(3802, Kind::base, "jsonb");
    add(3904, Kind::range, "int4range", 23);
    add(1000, Kind::array, "boolean[]", 16);
    add(1007, Kind::array, "integer[]", 23);
    add(1009, Kind::array, "text[]", 25);
    add(1020, Kind::array, "box[]", 603);
    add(1185, Kind::array, "timestamp with time zone[]", 1184);
    add(3807, Kind::array, "jsonb[]", 3802);
    add(mood_oid, Kind::enumeration, "mood");
    add(age_oid, Kind::domain, "age", 23);
    add(ages_oid, Kind::array, "age[]", age_oid);
    add(flag_oid, Kind::domain, "flag", 16);
    add(vector_oid, Kind::base, "extensions.vector");
    add(citext_oid, Kind::base, "\"My.Schema\".citext");
    add(point3s_oid, Kind::array, "point3[]", point3_oid);
    pg::Type point;
    point.oid = point3_oid;
    point.kind = Kind::composite;
    point.name = "point3";
    point.fields = {{"x", 23}, {"label", 25}, {"we\"ird", 3802}};
    builder.add_type(std::move(point));
    pg::Type line;
    line.oid = line_oid;
    line.kind = Kind::composite;
    line.name = "line";
    line.fields = {{"name", 25}, {"points", point3s_oid}};
    builder.add_type(std::move(line));
}

inline pg::Table make_table(std::string schema, std::string name,
                            std::initializer_list<std::pair<const char*, uint32_t>> columns) {
    pg::Table table;
    table.schema = std::move(schema);
    table.name = std::move(name);
    table.selectable_by = 0b111;
    for (const auto& [column, type] : columns) {
        pg::Column made;
        made.name = column;
        made.type = type;
        table.columns.push_back(std::move(made));
    }
    return table;
}

// notes as in tests/data/pg-filter, things with one column of each sort, and tables to hide.
inline pg::CatalogPtr make_catalog() {
    pg::CatalogBuilder builder;
    add_types(builder);
    builder.add_table(make_table("public", "notes",
                                 {{"id", 20},
                                  {"owner", 25},
                                  {"body", 25},
                                  {"n", 23},
                                  {"ok", 16},
                                  {"j", 3802},
                                  {"u", 2950},
                                  {"d", 1082}}));
    builder.add_table(make_table("public", "things",
                                 {{"id", 20},
                                  {"tags", 1009},
                                  {"mood", mood_oid},
                                  {"flag", flag_oid},
                                  {"box", 603},
                                  {"embedding", vector_oid},
                                  {"citizen", citext_oid},
                                  {"or", 25},
                                  {"and", 25},
                                  {"count", 23},
                                  {"distinct", 23},
                                  {"we\"ird", 25},
                                  {"Größe", 23},
                                  {"a.b", 23}}));
    builder.add_table(make_table("sales", "orders", {{"id", 20}, {"email", 25}}));
    builder.add_table(make_table("public", "dotted.name", {{"id", 20}}));
    builder.add_table(make_table("auth", "users", {{"id", 2950}}));
    builder.add_table(make_table("pg_toast", "t", {{"id", 20}}));
    pg::Table secret = make_table("public", "notices", {{"id", 20}});
    secret.selectable_by = 0b100;  // service_role alone
    builder.add_table(std::move(secret));
    return builder.build(1);
}

class JsonArguments {
public:
    // Null if it is not JSON. The reader sees it as a member, where one name may stand twice.
    const rpc::Json* parse(std::string_view text) {
        return fluxgate::test::read_json_member(reader_, text, arena_);
    }
    loop::Arena& arena() { return arena_; }

private:
    loop::Arena arena_;
    rpc::JsonReader reader_{10u << 20};
};

struct ResultColumn {
    const char* name;
    uint32_t type;
};
using Cell = std::optional<std::string>;

inline pg::Result make_result(std::vector<ResultColumn> columns,
                              const std::vector<std::vector<Cell>>& rows) {
    PGresult* result = PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK);
    std::vector<PGresAttDesc> attributes;
    for (const ResultColumn& column : columns) {
        PGresAttDesc attribute{};
        attribute.name = const_cast<char*>(column.name);
        attribute.typid = column.type;
        attribute.typlen = -1;
        attribute.atttypmod = -1;
        attributes.push_back(attribute);
    }
    PQsetResultAttrs(result, static_cast<int>(attributes.size()), attributes.data());
    for (size_t row = 0; row < rows.size(); ++row) {
        for (size_t column = 0; column < columns.size(); ++column) {
            const Cell& cell = rows[row][column];
            PQsetvalue(result, static_cast<int>(row), static_cast<int>(column),
                       cell ? const_cast<char*>(cell->data()) : nullptr,
                       cell ? static_cast<int>(cell->size()) : -1);
        }
    }
    return pg::Result(result);
}

inline std::string flatten(const loop::BlockChain& chain) {
    std::string text;
    chain.for_each([&text](std::string_view piece) { text += piece; });
    return text;
}

// The rows as a JSON array at that level.
template <rpc::Escape level>
std::string render(const pg::Catalog& catalog, const pg::Result& result,
                   std::span<const std::string_view> names = {},
                   size_t bytes_max = size_t{1} << 30) {
    loop::Arena arena;
    loop::BlockChain out;
    const RowPlan plan = make_row_plan(catalog, result, names, &arena);
    out.append('[');
    if (!append_rows<level>(plan, result, 0, result.rows(), bytes_max, out)) {
        return "too large";
    }
    out.append(']');
    return flatten(out);
}

}  // namespace fluxgate::tools::test
