#include "tools/table_json.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "rpc/uri_template.h"
#include "tools/input_error.h"
#include "tools/table_name.h"
#include "tools/type_name.h"

namespace fluxgate::tools {
namespace {

// Of character(n) and bit(n) types; PostgreSQL's modifier of the former counts its own header.
std::optional<int64_t> length_of(const pg::Column& column) {
    constexpr uint32_t character = 1042, varying = 1043, bit = 1560, varying_bit = 1562;
    constexpr int32_t header_bytes = 4;
    if (column.modifier < 0) return {};
    if (column.type == character || column.type == varying) return column.modifier - header_bytes;
    if (column.type == bit || column.type == varying_bit) return column.modifier;
    return {};
}

std::vector<std::string> readable_names(const pg::Table& table,
                                        const std::vector<std::string>& names, http::Role role) {
    std::vector<std::string> readable;
    for (const std::string& name : names) {
        if (has_readable(table, name, role)) readable.push_back(name);
    }
    return readable;
}

std::string_view type_name_of(const pg::Catalog& catalog, const pg::Column& column) {
    if (!column.modified_type.empty()) return column.modified_type;
    const pg::Type* type = catalog.find_type(column.type);
    return type == nullptr ? std::string_view("unknown") : type->name;
}

bool is_in_key(const pg::Table& table, const pg::Column& column) {
    return std::ranges::find(table.primary_key, column.name) != table.primary_key.end();
}

void write_names(std::string_view key, const std::vector<std::string>& names, PrettyJson& json) {
    json.key(key);
    json.open('[');
    for (const std::string& name : names) {
        json.item();
        json.string(name);
    }
    json.close(']');
}

// A generated column's expression may name any other: it is shown only to who may read all of them.
void write_column(const pg::Catalog& catalog, const pg::Table& table, size_t at, bool shows_all,
                  TableDetail detail, PrettyJson& json) {
    const pg::Column& column = table.columns[at];
    const pg::Type* base = base_type(catalog, column.type);
    const bool has_expression = !column.default_expression.empty();
    json.open('{');
    if (column.has_default && has_expression) json.member("default", column.default_expression);
    if (!column.comment.empty()) json.member("description", column.comment);
    if (base != nullptr && base->kind == pg::Type::Kind::enumeration)
        write_names("enum", base->labels, json);
    if (column.is_generated && has_expression && shows_all)
        json.member("generated", column.default_expression);
    // An identity column has a default that is no expression.
    if (column.has_default && !has_expression) json.flag("identity", true);
    if (const std::optional<int64_t> length = length_of(column);
        length && detail == TableDetail::full) {
        json.member("max_length", *length);
    }
    json.member("name", column.name);
    json.flag("nullable", !column.not_null);
    if (detail == TableDetail::full) json.member("position", static_cast<int64_t>(at + 1));
    if (is_in_key(table, column)) json.flag("primary_key", true);
    json.member("type", type_name_of(catalog, column));
    json.close('}');
}

// One entry a pair of columns, in the key's order.
void write_foreign_keys(const pg::Catalog& catalog, const pg::Table& table, http::Role role,
                        PrettyJson& json) {
    bool is_open = false;
    for (const pg::ForeignKey& key : table.foreign_keys) {
        const pg::Table* target = catalog.find_table(key.target_schema, key.target_table);
        if (target == nullptr || !is_readable(catalog, *target, role)) continue;
        for (size_t i = 0; i < std::min(key.columns.size(), key.target_columns.size()); ++i) {
            if (!has_readable(table, key.columns[i], role) ||
                !has_readable(*target, key.target_columns[i], role)) {
                continue;
            }
            if (!std::exchange(is_open, true)) {
                json.key("foreign_keys");
                json.open('[');
            }
            json.item();
            json.open('{');
            json.member("column", key.columns[i]);
            json.member("name", key.name);
            json.member("on_delete", pg::to_string(key.on_delete));
            json.member("on_update", pg::to_string(key.on_update));
            json.member("referenced_column", key.target_columns[i]);
            json.member("referenced_table", full_name(*target));
            json.close('}');
        }
    }
    if (is_open) json.close(']');
}

// An expression may name any column, so it is shown only to who may read all of them.
void write_indexes(const pg::Table& table, http::Role role, bool shows_all, PrettyJson& json) {
    bool is_open = false;
    for (const pg::Index& index : table.indexes) {
        if (!shows_all && readable_names(table, index.columns, role) != index.columns) continue;
        if (!std::exchange(is_open, true)) {
            json.key("indexes");
            json.open('[');
        }
        json.item();
        json.open('{');
        write_names("columns", index.columns, json);
        json.member("name", index.name);
        json.flag("unique", index.is_unique);
        json.close('}');
    }
    if (is_open) json.close(']');
}

}  // namespace

void write_table(const pg::Catalog& catalog, const pg::Table& table, http::Role role,
                 TableDetail detail, PrettyJson& json) {
    json.open('{');
    json.key("columns");
    json.open('[');
    const bool shows_all = is_whole(table, role);
    for (size_t at = 0; at < table.columns.size(); ++at) {
        if (!is_readable(table.columns[at], role)) continue;
        json.item();
        write_column(catalog, table, at, shows_all, detail, json);
    }
    json.close(']');
    if (!table.comment.empty()) json.member("description", table.comment);
    write_foreign_keys(catalog, table, role, json);
    if (detail == TableDetail::full) {
        write_indexes(table, role, shows_all, json);
        json.member("kind", kind_name(table.kind));
    }
    json.member("name", table.name);
    const std::vector<std::string> key = readable_names(table, table.primary_key, role);
    if (!key.empty()) write_names("primary_key", key, json);
    if (detail == TableDetail::full) json.flag("row_security", table.row_security);
    json.member("schema", table.schema);
    json.close('}');
}

std::string_view kind_name(pg::Table::Kind kind) {
    switch (kind) {
        case pg::Table::Kind::view:
            return "view";
        case pg::Table::Kind::materialized_view:
            return "materialized view";
        case pg::Table::Kind::foreign_table:
            return "foreign table";
        case pg::Table::Kind::partitioned:
            return "partitioned table";
        case pg::Table::Kind::table:
            break;
    }
    return "table";
}

std::string full_name(const pg::Table& table) {
    return concat({table.schema, ".", table.name});
}

std::string uri_of(const pg::Table& table) {
    return table_uri(table.schema, table.name);
}

std::string table_uri(std::string_view schema, std::string_view table) {
    return concat({schema_uri, "/", rpc::encode_segment(schema), "/", rpc::encode_segment(table)});
}

}  // namespace fluxgate::tools
