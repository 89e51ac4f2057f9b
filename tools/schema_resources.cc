#include "tools/schema_resources.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "loop/check.h"
#include "loop/turn_break.h"
#include "rpc/content.h"
#include "rpc/nearest.h"
#include "tools/call_catalog.h"
#include "tools/input_error.h"
#include "tools/limits.h"
#include "tools/table_choice.h"
#include "tools/table_json.h"
#include "tools/table_name.h"

namespace fluxgate::tools {
namespace {

// What may be written between two turns: some 100 us of work.
constexpr size_t bytes_per_turn = 256 * 1024;
constexpr int rpc_internal_error = -32603;

rpc::CallFailure too_large() {
    return {.code = rpc_internal_error,
            .message =
                concat({"result too large: over ", std::to_string(limits::result_bytes_max >> 20),
                        " MiB; read ", table_uri_template, " for one table"})};
}

bool is_base_table(const pg::Table& table) {
    return table.kind == pg::Table::Kind::table || table.kind == pg::Table::Kind::partitioned;
}

// By the key that they have in the list.
using NamedTables = std::vector<std::pair<std::string, const pg::Table*>>;
NamedTables base_tables(const pg::Catalog& catalog, http::Role role) {
    NamedTables tables;
    for (const pg::Table* table : shown_tables(catalog, role)) {
        if (is_base_table(*table)) tables.emplace_back(full_name(*table), table);
    }
    if (!std::ranges::is_sorted(tables)) std::ranges::sort(tables);  // '-' goes before the dot
    return tables;
}

const pg::Table* find_readable(const pg::Catalog& catalog, const rpc::ReadCall& call) {
    const pg::Table* table = catalog.find_table(call.variable("schema"), call.variable("table"));
    if (table == nullptr || !is_readable(catalog, *table, call.principal->role)) return nullptr;
    return table;
}

// `; did you mean "fluxbase://schema/tables/public/users"?`
std::string nearest_uris(const pg::Catalog& catalog, const rpc::ReadCall& call) {
    std::vector<std::string> uris;
    for (const pg::Table* table : nearest_tables(catalog, call.variable("schema"),
                                                 call.variable("table"), call.principal->role)) {
        uris.push_back(uri_of(*table));
    }
    return rpc::proposal_of(std::vector<std::string_view>(uris.begin(), uris.end()));
}

}  // namespace

SchemaTables::SchemaTables(pg::Pool* pool, pg::SchemaCache* schemas)
    : pool_(pool),
      schemas_(schemas),
      info_{.uri = std::string(schema_uri),
            .name = "Database Schema",
            .title = "Database schema",
            .description =
                "All base tables that this key may read, as one JSON object by \"schema.table\": "
                "columns (type, nullable, default, description), primary_key, foreign_keys. Views "
                "and PostgreSQL's own catalogs are left out; a table's or view's own resource, "
                "fluxbase://schema/tables/{schema}/{table}, says more.",
            .mime_type = std::string(json_mime_type),
            .scopes = {"read:tables"}} {
}

loop::Task<rpc::ReadOutcome> SchemaTables::read(rpc::ReadCall* call) {
    const auto catalog = co_await current_catalog(pool_, schemas_, call->scope);
    if (!catalog) {
        co_return std::unexpected(catalog.error());
    }
    const http::Role role = call->principal->role;
    const NamedTables tables = base_tables(**catalog, role);
    loop::BlockChain text;
    PrettyJson json(text);
    size_t turn_ends_at = bytes_per_turn;
    json.open('{');
    for (const auto& [name, table] : tables) {
        json.key(name);
        write_table(**catalog, *table, role, TableDetail::summary, json);
        if (text.size() > limits::result_bytes_max) {
            co_return std::unexpected(too_large());
        }
        if (text.size() >= turn_ends_at) {
            turn_ends_at = text.size() + bytes_per_turn;
            co_await loop::TurnBreak(call->scope->loop());
        }
    }
    json.close('}');
    rpc::ReadResult result;
    rpc::append_escaped_contents(result.contents, call->uri, info_.mime_type, std::move(text));
    co_return result;
}

SchemaTable::SchemaTable(pg::Pool* pool, pg::SchemaCache* schemas,
                         std::span<const std::string> allowed)
    : pool_(pool),
      schemas_(schemas),
      proposes_tables_(allowed.empty() ||
                       std::ranges::find(allowed, table_uri_template) != allowed.end()),
      info_{.uri = std::string(table_uri_template),
            .name = "Table Details",
            .title = "Table details",
            .description =
                "One table, view or materialized view that this key may read, as JSON: columns "
                "with type, nullable, default, enum values and description, primary_key, "
                "foreign_keys, indexes, kind, row_security. Odd characters of a name are "
                "percent-encoded.",
            .mime_type = std::string(json_mime_type),
            .scopes = {"read:tables"}} {
}

loop::Task<rpc::ReadOutcome> SchemaTable::read(rpc::ReadCall* call) {
    auto current = co_await current_catalog(pool_, schemas_, call->scope);
    if (!current) {
        co_return std::unexpected(current.error());
    }
    pg::CatalogPtr catalog = std::move(*current);
    const pg::Table* table = find_readable(*catalog, *call);
    if (table == nullptr) {
        pg::CatalogPtr fresh = co_await newer_catalog(schemas_, call->scope, catalog->version());
        if (fresh != nullptr) {
            catalog = std::move(fresh);
            table = find_readable(*catalog, *call);
        }
    }
    rpc::ReadResult result;
    if (table == nullptr) {
        result.found = false;
        if (proposes_tables_) result.hint = nearest_uris(*catalog, *call);
        co_return result;
    }
    loop::BlockChain text;
    PrettyJson json(text);
    write_table(*catalog, *table, call->principal->role, TableDetail::full, json);
    rpc::append_escaped_contents(result.contents, call->uri, info_.mime_type, std::move(text));
    co_return result;
}

loop::Task<rpc::ListOutcome> SchemaTable::list(rpc::CallContext* call) {
    const auto catalog = co_await current_catalog(pool_, schemas_, call->scope);
    if (!catalog) {
        co_return std::unexpected(catalog.error());
    }
    std::vector<rpc::ListedResource> listed;
    loop::Turn turn(tables_per_turn);
    for (const pg::Table* table : shown_tables(**catalog, call->principal->role)) {
        if (turn.is_over()) co_await loop::TurnBreak(call->scope->loop());
        std::string name = full_name(*table);
        std::string title = concat({name, " (", kind_name(table->kind), ")"});
        listed.push_back({.uri = uri_of(*table),
                          .name = std::move(name),
                          .title = std::move(title),
                          .description = table->comment});
    }
    // They come so, but for names that look otherwise when they are encoded.
    if (!std::ranges::is_sorted(listed, {}, &rpc::ListedResource::uri)) {
        std::ranges::sort(listed, {}, &rpc::ListedResource::uri);
    }
    co_return listed;
}

loop::Task<rpc::CompletionOutcome> SchemaTable::complete(rpc::CompletionCall* call) {
    const auto catalog = co_await current_catalog(pool_, schemas_, call->scope);
    if (!catalog) {
        co_return std::unexpected(catalog.error());
    }
    const http::Role role = call->principal->role;
    if (call->argument == "schema") {
        co_return complete_schema(**catalog, role, call->value);
    }
    FLUX_CHECK(call->argument == "table");  // the dispatcher knows the template's variables
    co_return co_await complete_table(&call->scope->loop(), catalog->get(), role,
                                      call->settled("schema"), call->value);
}

}  // namespace fluxgate::tools
