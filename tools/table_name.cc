#include "tools/table_name.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tools/limits.h"
#include "tools/nearest.h"

namespace fluxgate::tools {
namespace {

// Fluxbase's own list for resources, and what it forgot there (app to system), in order.
constexpr std::array<std::string_view, 19> internal_schemas = {
    "_fluxbase", "ai",        "api",      "app",        "auth",
    "branching", "dashboard", "fluxgate", "functions",  "information_schema",
    "jobs",      "logging",   "mcp",      "migrations", "pg_catalog",
    "realtime",  "rpc",       "storage",  "system"};
static_assert(std::is_sorted(internal_schemas.begin(), internal_schemas.end()));

bool may_select(const pg::Table& table, http::Role role) {
    return (table.selectable_by >> static_cast<unsigned>(database_role(role)) & 1u) != 0;
}

// The names that are worth proposing: `t` for public.t, `schema.t` for others.
std::vector<std::string> readable_tables(const pg::Catalog& catalog, http::Role role) {
    std::vector<std::string> names;
    for (const pg::Table& table : catalog.tables()) {
        if (is_visible(table, role) && may_select(table, role)) {
            names.push_back(table.schema == "public" ? table.name
                                                     : concat({table.schema, ".", table.name}));
        }
        if (names.size() == limits::names_compared_max) {
            break;
        }
    }
    return names;
}

InputError table_not_found(const pg::Catalog& catalog, std::string_view schema,
                           std::string_view table, http::Role role) {
    const std::vector<std::string> names = readable_tables(catalog, role);
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string full = concat({schema, ".", table});
    std::string hint = did_you_mean(schema == "public" ? table : std::string_view(full), views);
    if (hint.empty() && schema != "public") {
        hint = did_you_mean(table, views);
    }
    if (hint.empty()) {
        hint = views.empty() ? "; there is no table that you may read"
                             : concat({"; tables: ", list_names(views)});
    }
    return {.text = concat({"table not found: ", excerpt(full), hint}), .may_be_news = true};
}

}  // namespace

pg::Role database_role(http::Role role) {
    switch (role) {
        case http::Role::service_role:
            return pg::Role::service_role;
        case http::Role::authenticated:
            return pg::Role::authenticated;
        case http::Role::anon:
            break;
    }
    return pg::Role::anon;
}

bool is_internal_schema(std::string_view schema) {
    // pg_catalog, pg_toast, pg_temp_3…: PostgreSQL reserves the prefix.
    return schema.starts_with("pg_") ||
           std::binary_search(internal_schemas.begin(), internal_schemas.end(), schema);
}

bool is_visible(const pg::Table& table, http::Role role) {
    return role == http::Role::service_role || !is_internal_schema(table.schema);
}

Checked<const pg::Table*> find_table(const pg::Catalog& catalog, std::string_view name,
                                     http::Role role) {
    if (has_nul(name)) {
        return input_error({nul_refused});
    }
    if (name.empty()) {
        return input_error({"table is empty; give a name such as \"users\" or \"public.users\""});
    }
    if (name.size() > limits::table_name_bytes_max) {
        return input_error({"table not found: ", excerpt(name)});
    }
    const size_t dot = name.find('.');
    const std::string_view schema =
        dot == std::string_view::npos ? std::string_view("public") : name.substr(0, dot);
    const std::string_view table = dot == std::string_view::npos ? name : name.substr(dot + 1);
    const pg::Table* found = catalog.find_table(schema, table);
    if (found == nullptr || !is_visible(*found, role)) {
        return std::unexpected(table_not_found(catalog, schema, table, role));
    }
    return found;
}

InputError unknown_column(const pg::Table& table, std::string_view name) {
    std::vector<std::string_view> names;
    for (const pg::Column& column : table.columns) {
        names.push_back(column.name);
    }
    const std::string hint = did_you_mean(name, names);
    return {.text = concat({"unknown column ", quoted_excerpt(name), " in ", excerpt(table.schema),
                            ".", excerpt(table.name), hint, hint.empty() ? "; " : " ",
                            "columns: ", list_names(names)}),
            .may_be_news = true};
}

}  // namespace fluxgate::tools
