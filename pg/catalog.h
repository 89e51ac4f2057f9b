// An immutable picture of pg_catalog: every table, column and type that a call may name.
// Identifiers in SQL text come from here and from nowhere else.
//
// Built by pg/schema_cache, shared read-only by all cores (a new one replaces it as a whole).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fluxgate::pg {

struct Type {
    enum class Kind : uint8_t {
        base,
        array,
        composite,
        domain,
        enumeration,
        range,
        multirange,
        pseudo
    };
    uint32_t oid = 0;
    Kind kind = Kind::base;
    std::string name;      // format_type's text, e.g. "timestamp with time zone", "app.mood"
    uint32_t element = 0;  // array: element type; domain: base type; range: subtype
    char delimiter = ',';  // of an array of this element type
    struct Field {
        std::string name;
        uint32_t type;
        friend bool operator==(const Field&, const Field&) = default;
    };
    std::vector<Field> fields;        // composite
    std::vector<std::string> labels;  // enumeration
    friend bool operator==(const Type&, const Type&) = default;
};

struct Column {
    std::string name;
    std::string quoted;  // "name", double quotes doubled
    uint32_t type = 0;
    int32_t modifier = -1;
    // The type's name with the modifier: "numeric(10,2)"; empty where there is none.
    std::string modified_type;
    bool not_null = false;
    bool has_default = false;
    bool is_generated = false;
    std::string default_expression;  // for the schema resources, not for SQL
    std::string comment;
    // Bit per pg::Role: may it SELECT the column, if its table's bit is set too.
    uint8_t selectable_by = 0xFF;
    friend bool operator==(const Column&, const Column&) = default;
};

struct ForeignKey {
    enum class Action : uint8_t { no_action, restrict, cascade, set_null, set_default };
    std::string name;
    std::vector<std::string> columns;
    std::string target_schema, target_table;
    std::vector<std::string> target_columns;
    Action on_delete = Action::no_action;
    Action on_update = Action::no_action;
    friend bool operator==(const ForeignKey&, const ForeignKey&) = default;
};
[[nodiscard]] std::string_view to_string(ForeignKey::Action action);  // as SQL: "SET NULL"

struct Index {
    std::string name;
    bool is_unique = false;
    // What it is sorted by, without INCLUDE: a column's name, or an expression's text.
    std::vector<std::string> columns;
    std::string definition;
    friend bool operator==(const Index&, const Index&) = default;
};

struct Table {
    enum class Kind : uint8_t { table, view, materialized_view, foreign_table, partitioned };
    uint32_t oid = 0;
    Kind kind = Kind::table;
    std::string schema, name;
    std::string quoted;  // "schema"."name"
    std::vector<Column> columns;
    std::vector<std::string> primary_key;
    std::vector<ForeignKey> foreign_keys;
    std::vector<Index> indexes;
    std::string comment;
    bool row_security = false;
    uint8_t selectable_by = 0;  // bit per pg::Role: may it SELECT anything of the table

    [[nodiscard]] const Column* find_column(std::string_view column) const;
    friend bool operator==(const Table&, const Table&) = default;
};

class Catalog {
public:
    // Exact, case-sensitive. Null if there is none. (Callers' visibility is the tool's matter.)
    [[nodiscard]] const Table* find_table(std::string_view schema, std::string_view table) const;
    [[nodiscard]] const Type* find_type(uint32_t oid) const;
    [[nodiscard]] const std::vector<Table>& tables() const { return tables_; }  // by schema, name
    [[nodiscard]] uint64_t version() const { return version_; }  // grows with each load

private:
    friend class CatalogBuilder;
    std::vector<Table> tables_;
    std::unordered_map<std::string, size_t> by_name_;  // "schema\0table"
    std::unordered_map<uint32_t, Type> types_;
    uint64_t version_ = 0;
};

using CatalogPtr = std::shared_ptr<const Catalog>;

// For the loader and for tests.
class CatalogBuilder {
public:
    void add_type(Type type);
    void add_table(Table table);  // fills `quoted` of the table and its columns
    [[nodiscard]] CatalogPtr build(uint64_t version);

private:
    Catalog catalog_;
};

// "name" with double quotes doubled.
[[nodiscard]] std::string quote_identifier(std::string_view name);

}  // namespace fluxgate::pg
