#include "pg/catalog_loader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>
#include <utility>

#include "loop/turn_break.h"

namespace fluxgate::pg {
namespace {

constexpr size_t catalog_bytes_max = 256u << 20;  // of one statement's result
constexpr uint32_t catalog_timeout_ms = 30'000;
constexpr int rows_per_turn = 500;  // some 100 us
constexpr size_t tables_per_turn = 200;

// Which relations count: what a caller can name, and composite types (relkind c) for their fields.
#define FLUX_CALLERS_SCHEMAS \
    "n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp\\_%'"

// Range subtypes and the row types' relations come along, so one pass suffices. The name has its
// schema, whatever the search path (format_type would leave it out); those of pg_catalog are as SQL
// spells them.
constexpr std::string_view types_sql =
    "SELECT t.oid, CASE WHEN n.nspname = 'pg_catalog' THEN format_type(t.oid, NULL)"
    "      WHEN e.oid IS NULL THEN quote_ident(n.nspname) || '.' || quote_ident(t.typname)"
    "      ELSE quote_ident(n.nspname) || '.' || quote_ident(e.typname) || '[]' END, t.typtype,"
    " CASE WHEN t.typlen = -1 AND t.typelem <> 0 THEN t.typelem"
    "      WHEN t.typtype = 'd' THEN t.typbasetype"
    "      ELSE coalesce(r.rngsubtype, m.rngsubtype, 0) END,"
    " t.typdelim, t.typlen = -1 AND t.typelem <> 0, t.typrelid"
    " FROM pg_type t"
    " LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typlen = -1"
    " JOIN pg_namespace n ON n.oid = coalesce(e.typnamespace, t.typnamespace)"
    " LEFT JOIN pg_range r ON r.rngtypid = t.oid"
    " LEFT JOIN pg_range m ON m.rngmultitypid = t.oid";

constexpr std::string_view labels_sql =
    "SELECT enumtypid, enumlabel FROM pg_enum ORDER BY enumtypid, enumsortorder";

// Of each role that statements run as: this login's own, anon, authenticated, service_role. A role
// that does not exist gives NULL.
#define FLUX_ROLES                                         \
    " LEFT JOIN pg_roles a ON a.rolname = 'anon'"          \
    " LEFT JOIN pg_roles u ON u.rolname = 'authenticated'" \
    " LEFT JOIN pg_roles s ON s.rolname = 'service_role'"

// The last columns: which roles may read anything of it, and which all of it.
constexpr std::string_view tables_sql =
    "SELECT c.oid, c.relkind, n.nspname, c.relname, obj_description(c.oid, 'pg_class'),"
    " c.relrowsecurity,"
    " has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT'),"
    " has_schema_privilege(a.oid, n.oid, 'USAGE') AND has_any_column_privilege(a.oid, c.oid, "
    "'SELECT'),"
    " has_schema_privilege(u.oid, n.oid, 'USAGE') AND has_any_column_privilege(u.oid, c.oid, "
    "'SELECT'),"
    " has_schema_privilege(s.oid, n.oid, 'USAGE') AND has_any_column_privilege(s.oid, c.oid, "
    "'SELECT'),"
    " has_table_privilege(c.oid, 'SELECT'), has_table_privilege(a.oid, c.oid, 'SELECT'),"
    " has_table_privilege(u.oid, c.oid, 'SELECT'), has_table_privilege(s.oid, c.oid, 'SELECT')"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace" FLUX_ROLES
    " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND " FLUX_CALLERS_SCHEMAS;

constexpr std::string_view columns_sql =
    "SELECT t.attrelid, t.attname, t.atttypid, t.atttypmod, t.attnotnull,"
    " t.atthasdef AND t.attgenerated = '' OR t.attidentity <> '',"
    " t.attgenerated <> '' OR t.attidentity = 'a',"
    " pg_get_expr(d.adbin, d.adrelid), col_description(t.attrelid, t.attnum),"
    " CASE WHEN t.atttypmod >= 0 THEN format_type(t.atttypid, t.atttypmod) END"
    " FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_attrdef d ON d.adrelid = t.attrelid AND d.adnum = t.attnum"
    " WHERE t.attnum > 0 AND NOT t.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')"
    " AND " FLUX_CALLERS_SCHEMAS " ORDER BY t.attrelid, t.attnum";

// The columns that have grants of their own, which are few.
constexpr std::string_view column_grants_sql =
    "SELECT t.attrelid, t.attname, has_column_privilege(t.attrelid, t.attnum, 'SELECT'),"
    " has_column_privilege(a.oid, t.attrelid, t.attnum, 'SELECT'),"
    " has_column_privilege(u.oid, t.attrelid, t.attnum, 'SELECT'),"
    " has_column_privilege(s.oid, t.attrelid, t.attnum, 'SELECT')"
    " FROM pg_attribute t" FLUX_ROLES
    " WHERE t.attacl IS NOT NULL AND t.attnum > 0 AND NOT t.attisdropped";

// One row a column of each primary and foreign key, in the key's order.
constexpr std::string_view keys_sql =
    "SELECT k.conrelid, k.contype, k.conname, own.attname, fn.nspname, fc.relname,"
    " k.confdeltype, k.confupdtype, target.attname"
    " FROM pg_constraint k"
    " CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS pair(own, target, place)"
    " JOIN pg_attribute own ON own.attrelid = k.conrelid AND own.attnum = pair.own"
    " LEFT JOIN pg_class fc ON fc.oid = k.confrelid"
    " LEFT JOIN pg_namespace fn ON fn.oid = fc.relnamespace"
    " LEFT JOIN pg_attribute target ON target.attrelid = k.confrelid AND target.attnum = "
    "pair.target"
    " WHERE k.contype IN ('p', 'f') ORDER BY k.conrelid, k.conname, k.oid, pair.place";

// One row a column of each index, in the index's order, without what INCLUDE adds. The definition
// comes once: PostgreSQL has to write it anew each time.
constexpr std::string_view indexes_sql =
    "SELECT i.indrelid, c.relname, i.indisunique,"
    " CASE WHEN part.place = 1 THEN pg_get_indexdef(i.indexrelid) END,"
    " CASE WHEN part.number = 0 THEN pg_get_indexdef(i.indexrelid, part.place::int, true)"
    "      ELSE own.attname END"
    " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS part(number, place)"
    " LEFT JOIN pg_attribute own ON own.attrelid = i.indrelid AND own.attnum = part.number"
    " WHERE i.indisvalid AND part.place <= i.indnkeyatts AND " FLUX_CALLERS_SCHEMAS
    " ORDER BY i.indrelid, c.relname, part.place";

#undef FLUX_ROLES
#undef FLUX_CALLERS_SCHEMAS

// One row's fields in order; SQL NULL reads as "", 0 and false.
class RowReader {
public:
    RowReader(const Result& result, int row) : result_(result), row_(row) {}
    std::string_view text() { return result_.value(row_, column_++).value_or(""); }
    void skip(int columns) { column_ += columns; }
    std::string string() { return std::string(text()); }
    bool flag() { return text() == "t"; }
    char character() {
        const std::string_view value = text();
        return value.empty() ? '\0' : value.front();
    }
    template <class Integer = uint32_t>
    Integer number() {
        const std::string_view value = text();
        Integer parsed = 0;
        std::from_chars(value.data(), value.data() + value.size(), parsed);
        return parsed;
    }

private:
    const Result& result_;
    int row_;
    int column_ = 0;
};

// A part of a result: what is taken in one turn.
struct Rows {
    const Result& result;
    int first;
    int end;
};

template <class Visit>
void for_each_row(const Rows& rows, Visit visit) {
    for (int row = rows.first; row < rows.end; ++row)
        visit(RowReader(rows.result, row));
}

struct Draft {
    std::unordered_map<uint32_t, Table> tables;           // by oid
    std::unordered_map<uint32_t, Type> types;             // by oid
    std::unordered_map<uint32_t, uint32_t> type_of_rows;  // relation -> its row type
    // Relation -> bit per pg::Role: may it SELECT every column.
    std::unordered_map<uint32_t, uint8_t> wholly_selectable_by;
};

Type::Kind type_kind_of(char typtype, bool is_array) {
    if (is_array) return Type::Kind::array;
    switch (typtype) {
        case 'c':
            return Type::Kind::composite;
        case 'd':
            return Type::Kind::domain;
        case 'e':
            return Type::Kind::enumeration;
        case 'r':
            return Type::Kind::range;
        case 'm':
            return Type::Kind::multirange;
        case 'p':
            return Type::Kind::pseudo;
        default:
            return Type::Kind::base;
    }
}

Table::Kind table_kind_of(char relkind) {
    switch (relkind) {
        case 'p':
            return Table::Kind::partitioned;
        case 'v':
            return Table::Kind::view;
        case 'm':
            return Table::Kind::materialized_view;
        case 'f':
            return Table::Kind::foreign_table;
        default:
            return Table::Kind::table;
    }
}

ForeignKey::Action action_of(char code) {
    switch (code) {
        case 'r':
            return ForeignKey::Action::restrict;
        case 'c':
            return ForeignKey::Action::cascade;
        case 'n':
            return ForeignKey::Action::set_null;
        case 'd':
            return ForeignKey::Action::set_default;
        default:
            return ForeignKey::Action::no_action;
    }
}

// Four flags, one a role.
uint8_t role_bits(RowReader& row) {
    unsigned bits = 0;
    for (Role role : {Role::gateway, Role::anon, Role::authenticated, Role::service_role})
        bits |= row.flag() ? 1u << static_cast<unsigned>(role) : 0u;
    return static_cast<uint8_t>(bits);
}

// format_type leaves the schema out where the search path has it; a type's name never does.
std::string with_schema(std::string_view modified, const Type& type) {
    const size_t begin = modified.find('(');
    if (begin == std::string_view::npos || !type.name.contains('.')) return std::string(modified);
    std::string_view name = type.name;
    if (type.kind == Type::Kind::array) name.remove_suffix(2);  // its [] comes behind the modifier
    return std::string(name).append(modified.substr(begin));
}

void take_types(Draft& draft, const Rows& rows) {
    for_each_row(rows, [&](RowReader row) {
        Type type;
        type.oid = row.number();
        type.name = row.string();
        const char typtype = row.character();
        type.element = row.number();
        type.delimiter = row.character();
        type.kind = type_kind_of(typtype, row.flag());
        if (const uint32_t relation = row.number(); relation != 0)
            draft.type_of_rows.emplace(relation, type.oid);
        draft.types.emplace(type.oid, std::move(type));
    });
}

void take_labels(Draft& draft, const Rows& rows) {
    for_each_row(rows, [&](RowReader row) {
        auto type = draft.types.find(row.number());
        if (type != draft.types.end()) type->second.labels.push_back(row.string());
    });
}

void take_tables(Draft& draft, const Rows& rows) {
    for_each_row(rows, [&](RowReader row) {
        Table table;
        table.oid = row.number();
        table.kind = table_kind_of(row.character());
        table.schema = row.string();
        table.name = row.string();
        table.comment = row.string();
        table.row_security = row.flag();
        table.selectable_by = role_bits(row);
        draft.wholly_selectable_by.emplace(table.oid, role_bits(row));
        draft.tables.emplace(table.oid, std::move(table));
    });
}

void take_columns(Draft& draft, const Rows& rows) {
    for_each_row(rows, [&](RowReader row) {
        const uint32_t relation = row.number();
        Column column;
        column.name = row.string();
        column.type = row.number();
        column.modifier = row.number<int32_t>();
        column.not_null = row.flag();
        column.has_default = row.flag();
        column.is_generated = row.flag();
        column.default_expression = row.string();
        column.comment = row.string();
        if (auto type = draft.types.find(column.type); type != draft.types.end())
            column.modified_type = with_schema(row.text(), type->second);
        if (auto whole = draft.wholly_selectable_by.find(relation);
            whole != draft.wholly_selectable_by.end()) {
            column.selectable_by = whole->second;
        }
        if (auto owner = draft.type_of_rows.find(relation); owner != draft.type_of_rows.end()) {
            auto type = draft.types.find(owner->second);
            if (type != draft.types.end())
                type->second.fields.push_back(Type::Field{column.name, column.type});
        }
        auto table = draft.tables.find(relation);
        if (table != draft.tables.end()) table->second.columns.push_back(std::move(column));
    });
}

void take_column_grants(Draft& draft, const Rows& rows) {
    for_each_row(rows, [&](RowReader row) {
        auto table = draft.tables.find(row.number());
        if (table == draft.tables.end()) return;
        auto column = std::ranges::find(table->second.columns, row.text(), &Column::name);
        if (column != table->second.columns.end()) column->selectable_by = role_bits(row);
    });
}

void take_keys(Draft& draft, const Rows& rows) {
    for_each_row(rows, [&](RowReader row) {
        auto found = draft.tables.find(row.number());
        if (found == draft.tables.end()) return;
        Table& table = found->second;
        const bool is_primary = row.character() == 'p';
        std::string name = row.string();
        std::string own = row.string();
        if (is_primary) return table.primary_key.push_back(std::move(own));
        if (table.foreign_keys.empty() || table.foreign_keys.back().name != name) {
            ForeignKey& key = table.foreign_keys.emplace_back();
            key.name = std::move(name);
            key.target_schema = row.string();
            key.target_table = row.string();
            key.on_delete = action_of(row.character());
            key.on_update = action_of(row.character());
        } else {
            row.skip(4);
        }
        table.foreign_keys.back().columns.push_back(std::move(own));
        table.foreign_keys.back().target_columns.push_back(row.string());
    });
}

void take_indexes(Draft& draft, const Rows& rows) {
    for_each_row(rows, [&](RowReader row) {
        auto table = draft.tables.find(row.number());
        if (table == draft.tables.end()) return;
        std::vector<Index>& indexes = table->second.indexes;
        const std::string_view name = row.text();
        if (indexes.empty() || indexes.back().name != name) {
            Index& index = indexes.emplace_back();
            index.name = name;
            index.is_unique = row.flag();
            index.definition = row.string();
        } else {
            row.skip(2);
        }
        indexes.back().columns.push_back(row.string());
    });
}

struct Source {
    std::string_view sql;
    void (*take)(Draft& draft, const Rows& rows);
};
// In the order of dependence.
constexpr std::array sources = {
    Source{types_sql, take_types},
    Source{labels_sql, take_labels},
    Source{tables_sql, take_tables},
    Source{columns_sql, take_columns},
    Source{column_grants_sql, take_column_grants},
    Source{keys_sql, take_keys},
    Source{indexes_sql, take_indexes},
};

}  // namespace

loop::Task<std::expected<CatalogPtr, Error>> load_catalog(loop::Scope* scope, Pool* pool,
                                                          uint64_t version) {
    Draft draft;
    Identity identity;
    identity.role = Role::gateway;
    Query query;
    query.pace = Pace::slow;
    query.statement_timeout_ms = catalog_timeout_ms;
    query.result_bytes_max = catalog_bytes_max;
    for (const Source& source : sources) {
        query.sql = source.sql;
        auto got = co_await pool->execute(scope, identity, query);
        if (!got) co_return std::unexpected(std::move(got.error()));
        for (int first = 0; first < got->rows(); first += rows_per_turn) {
            source.take(draft, {*got, first, std::min(got->rows(), first + rows_per_turn)});
            co_await loop::TurnBreak(scope->loop());
        }
    }
    CatalogBuilder builder;
    for (auto& [oid, type] : draft.types)
        builder.add_type(std::move(type));
    loop::Turn turn(tables_per_turn);
    for (auto& [oid, table] : draft.tables) {
        builder.add_table(std::move(table));
        if (turn.is_over()) co_await loop::TurnBreak(scope->loop());
    }
    co_return builder.build(version);
}

}  // namespace fluxgate::pg
