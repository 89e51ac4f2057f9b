#include "tools/table_name.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "rpc/nearest.h"
#include "tools/limits.h"

namespace fluxgate::tools {
namespace {

// What `fluxgate bootstrap` makes, and the system's beside pg_*.
constexpr std::array<std::string_view, 3> hidden_schemas = {"auth", "fluxgate",
                                                            "information_schema"};
// Fluxbase's own list for resources, and what it forgot there (app to system), in order.
constexpr std::array<std::string_view, 15> fluxbase_schemas = {
    "_fluxbase", "ai",  "api",        "app",      "branching", "dashboard", "functions", "jobs",
    "logging",   "mcp", "migrations", "realtime", "rpc",       "storage",   "system"};
static_assert(std::is_sorted(fluxbase_schemas.begin(), fluxbase_schemas.end()));

template <size_t size>
bool is_one_of(const std::array<std::string_view, size>& schemas, std::string_view schema) {
    return std::ranges::find(schemas, schema) != schemas.end();
}

// Whose tables a caller means most likely: 0 public, 1 the owner's other schemas, 2 what is hidden
// from all but service keys. PostgreSQL's own are readable, and not worth a proposal.
constexpr size_t ranks = 3;
size_t rank_of(const pg::Catalog& catalog, const pg::Table& table) {
    if (table.schema == "public") return 0;
    if (is_visible(catalog, table, http::Role::authenticated)) return 1;
    return is_system_schema(table.schema) ? ranks : 2;
}

// What is worth proposing.
std::vector<const pg::Table*> readable_tables(const pg::Catalog& catalog, http::Role role) {
    std::array<std::vector<const pg::Table*>, ranks> by_rank;
    size_t count = 0;
    for (const pg::Table& table : catalog.tables()) {
        const size_t rank = rank_of(catalog, table);
        if (rank == ranks || !is_readable(catalog, table, role)) continue;
        by_rank[rank].push_back(&table);
        if (++count == rpc::names_compared_max) break;
    }
    std::vector<const pg::Table*> tables = std::move(by_rank[0]);
    for (const std::vector<const pg::Table*>& more : std::span(by_rank).subspan(1))
        std::ranges::copy(more, std::back_inserter(tables));
    return tables;
}

// `t` for public.t, `schema.t` for others.
std::vector<std::string> short_names(std::span<const pg::Table* const> tables) {
    std::vector<std::string> names;
    names.reserve(tables.size());
    for (const pg::Table* table : tables) {
        const bool is_public = table->schema == "public";
        names.push_back(is_public ? table->name : concat({table->schema, ".", table->name}));
    }
    return names;
}

struct NameParts {
    std::string_view schema = "public";
    std::string_view table;
};
NameParts split_name(std::string_view name) {
    const size_t dot = name.find('.');
    if (dot == std::string_view::npos) return {.table = name};
    return {.schema = name.substr(0, dot), .table = name.substr(dot + 1)};
}

}  // namespace

std::vector<const pg::Table*> nearest_tables(const pg::Catalog& catalog, std::string_view schema,
                                             std::string_view table, http::Role role) {
    const std::vector<const pg::Table*> tables = readable_tables(catalog, role);
    const std::vector<std::string> names = short_names(tables);
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string full = concat({schema, ".", table});
    std::vector<std::string_view> near =
        rpc::nearest(schema == "public" ? table : std::string_view(full), views);
    if (near.empty() && schema != "public") {
        near = rpc::nearest(table, views);
    }
    std::vector<const pg::Table*> found;
    for (const std::string_view name : near) {
        // By the place, as public."a.b" and a.b look alike.
        const auto at = std::ranges::find(views, name.data(), &std::string_view::data);
        found.push_back(tables[static_cast<size_t>(at - views.begin())]);
    }
    return found;
}

std::string table_hint(const pg::Catalog& catalog, std::string_view schema, std::string_view table,
                       http::Role role) {
    const std::vector<const pg::Table*> near = nearest_tables(catalog, schema, table, role);
    const std::vector<std::string> names =
        short_names(near.empty() ? readable_tables(catalog, role) : near);
    const std::vector<std::string_view> views(names.begin(), names.end());
    if (!near.empty()) return rpc::proposal_of(views);
    return views.empty() ? "; there is no table that you may read"
                         : concat({"; tables: ", rpc::list_names(views)});
}

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

bool is_fluxbase(const pg::Catalog& catalog) {
    const pg::Table* keys = catalog.find_table("auth", "service_keys");
    return keys == nullptr || keys->comment != own_mark ||
           catalog.find_table("migrations", "fluxbase") != nullptr;
}

bool is_internal_schema(std::string_view schema, bool is_fluxbase) {
    // pg_catalog, pg_toast, pg_temp_3…: PostgreSQL reserves the prefix.
    return schema.starts_with("pg_") || is_one_of(hidden_schemas, schema) ||
           (is_fluxbase && is_one_of(fluxbase_schemas, schema));
}

bool is_visible(const pg::Catalog& catalog, const pg::Table& table, http::Role role) {
    if (role == http::Role::service_role) return true;
    // The catalog is asked where it matters, not for each table of `public`.
    return !is_internal_schema(table.schema, true) ||
           (!is_internal_schema(table.schema, false) && !is_fluxbase(catalog));
}

bool is_system_schema(std::string_view schema) {
    return schema.starts_with("pg_") || schema == "information_schema";
}

bool has_grant(const pg::Table& table, http::Role role) {
    return (table.selectable_by >> static_cast<unsigned>(database_role(role)) & 1u) != 0;
}

bool is_readable(const pg::Catalog& catalog, const pg::Table& table, http::Role role) {
    return has_grant(table, role) && is_visible(catalog, table, role);
}

bool is_readable(const pg::Column& column, http::Role role) {
    return (column.selectable_by >> static_cast<unsigned>(database_role(role)) & 1u) != 0;
}

bool has_readable(const pg::Table& table, std::string_view column, http::Role role) {
    const pg::Column* found = table.find_column(column);
    return found != nullptr && is_readable(*found, role);
}

bool is_whole(const pg::Table& table, http::Role role) {
    return std::ranges::all_of(
        table.columns, [role](const pg::Column& column) { return is_readable(column, role); });
}

std::string no_grant(std::string_view table) {
    return concat({"permission denied: the database role of this key has no GRANT for this on ",
                   table, ", or not for all of these columns"});
}

const pg::Table* find_visible(const pg::Catalog& catalog, std::string_view name, http::Role role) {
    const auto [schema, table] = split_name(name);
    const pg::Table* found = catalog.find_table(schema, table);
    return found != nullptr && is_visible(catalog, *found, role) ? found : nullptr;
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
    const pg::Table* found = find_visible(catalog, name, role);
    if (found == nullptr) {
        const auto [schema, table] = split_name(name);
        return std::unexpected(
            InputError{.text = concat({"table not found: ", excerpt(concat({schema, ".", table})),
                                       table_hint(catalog, schema, table, role)}),
                       .may_be_news = true});
    }
    return found;
}

Checked<const pg::Column*> find_readable_column(const pg::Table& table, std::string_view name,
                                                http::Role role) {
    const pg::Column* column = table.find_column(name);
    if (column != nullptr && (is_readable(*column, role) || !has_grant(table, role))) {
        return column;
    }
    std::vector<std::string_view> names;
    for (const pg::Column& other : table.columns) {
        if (is_readable(other, role)) names.push_back(other.name);
    }
    const std::string hint = rpc::did_you_mean(name, names);
    return std::unexpected(
        InputError{.text = concat({"unknown column ", quoted_excerpt(name), " in ",
                                   excerpt(table.schema), ".", excerpt(table.name), hint,
                                   hint.empty() ? "; " : " ", "columns: ", rpc::list_names(names)}),
                   .may_be_news = true});
}

}  // namespace fluxgate::tools
