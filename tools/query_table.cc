#include "tools/query_table.h"

#include <chrono>
#include <expected>
#include <utility>

#include "loop/turn_break.h"
#include "tools/call_catalog.h"
#include "tools/limits.h"
#include "tools/pg_failure.h"
#include "tools/query_table_info.h"
#include "tools/row_json.h"
#include "tools/table_name.h"
#include "tools/table_query.h"

namespace fluxgate::tools {
namespace {

// What may be written between two turns: some 100 us of work.
constexpr size_t bytes_per_turn = 256 * 1024;
constexpr int rows_per_check = 64;

std::span<const std::string_view> output_names(const SelectList& select, loop::Arena* arena) {
    const std::span<std::string_view> names = arena->array<std::string_view>(select.outputs.size());
    for (size_t i = 0; i < names.size(); ++i) {
        names[i] = select.outputs[i].name;
    }
    return names;
}

// The JSON array of all rows; false if it is over `bytes_max`. Suspends now and then if it is long.
template <rpc::Escape level>
loop::Task<bool> append_array(loop::Loop* loop, const RowPlan* plan, const pg::Result* result,
                              size_t bytes_max, loop::BlockChain* out) {
    const int rows = result->rows();
    size_t turn_ends_at = out->size() + bytes_per_turn;
    out->append('[');
    for (int row = 0; row < rows; row += rows_per_check) {
        const int last = std::min(rows, row + rows_per_check);
        if (!append_rows<level>(*plan, *result, row, last, bytes_max, *out)) {
            co_return false;
        }
        if (out->size() >= turn_ends_at && last < rows) {
            turn_ends_at = out->size() + bytes_per_turn;
            co_await loop::TurnBreak(*loop);
        }
    }
    out->append(']');
    co_return true;
}

loop::Task<rpc::ToolResult> render(rpc::ToolCall* call, const pg::Catalog* catalog,
                                   const TableQuery* query, const pg::Result* result) {
    const RowPlan plan =
        make_row_plan(*catalog, *result, output_names(query->select, call->arena), call->arena);
    loop::Loop* const loop = &call->scope->loop();
    rpc::ToolResult rendered;
    const bool fits = co_await append_array<rpc::Escape::twice>(
        loop, &plan, result, limits::result_bytes_max, &rendered.text);
    if (!fits) {
        co_return result_too_large();
    }
    if (call->protocol->structured_content) {
        // Both copies are in one answer and share its budget.
        const size_t bytes_left = limits::result_bytes_max - rendered.text.size();
        rendered.structured.append("{\"rows\":");
        const bool both_fit = co_await append_array<rpc::Escape::once>(
            loop, &plan, result, bytes_left, &rendered.structured);
        if (!both_fit) {
            co_return result_too_large();
        }
        rendered.structured.append('}');
    }
    co_return rendered;
}

int64_t microseconds(loop::Duration duration) {
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

}  // namespace

// An outcome, and whether a newer catalog may lead to another one.
struct QueryTable::Attempt {
    rpc::ToolOutcome outcome;
    bool may_be_news = false;
};

QueryTable::QueryTable(pg::Pool* pool, pg::SchemaCache* schemas, const Options& options)
    : pool_(pool), schemas_(schemas), options_(options), info_(query_table_info()) {
}

loop::Task<rpc::ToolOutcome> QueryTable::call(rpc::ToolCall* call) {
    pg::CatalogPtr catalog = schemas_->current();
    if (catalog == nullptr) {
        catalog = co_await schemas_->refresh(call->scope);
    }
    if (catalog == nullptr) {
        co_return std::unexpected(database_unavailable(pool_->retry_after_s()));
    }
    const uint64_t version = catalog->version();
    Attempt first = co_await attempt(call, std::move(catalog));
    if (!first.may_be_news) {
        co_return std::move(first.outcome);
    }
    pg::CatalogPtr fresh = co_await newer_catalog(schemas_, call->scope, version);
    if (fresh == nullptr) {
        co_return std::move(first.outcome);
    }
    Attempt second = co_await attempt(call, std::move(fresh));
    co_return std::move(second.outcome);
}

// Holds `catalog` for as long as names and types of it are in use.
loop::Task<QueryTable::Attempt> QueryTable::attempt(rpc::ToolCall* call, pg::CatalogPtr catalog) {
    const http::Principal& principal = *call->principal;
    SqlText sql(call->arena);
    const Checked<TableQuery> query =
        build_table_query(call->arguments, *catalog, principal.role, sql);
    if (!query) {
        co_return Attempt{rpc::tool_error(query.error().text), query.error().may_be_news};
    }
    const pg::Identity identity{.role = database_role(principal.role), .claims = principal.claims};
    const pg::Query statement{.sql = sql.text(),
                              .parameters = sql.parameters(),
                              .statement_timeout_ms = options_.statement_timeout_ms,
                              .result_bytes_max = limits::result_bytes_max,
                              .deadline = call->scope->deadline()};
    const loop::Instant started = call->scope->loop().clock_now();
    const std::expected<pg::Result, pg::Error> result =
        co_await pool_->execute(call->scope, identity, statement);
    call->notes.db_us += microseconds(call->scope->loop().clock_now() - started);
    if (!result) {
        const pg::Error& error = result.error();
        call->notes.sqlstate = call->arena->copy(error.state());
        const FailedStatement failed{.sql = &sql,
                                     .table = query->table,
                                     .catalog = catalog.get(),
                                     .timeout_ms = options_.statement_timeout_ms};
        co_return Attempt{outcome_of(error, failed), error.kind == pg::ErrorKind::unknown_object};
    }
    rpc::ToolResult rendered = co_await render(call, catalog.get(), &*query, &*result);
    co_return Attempt{std::move(rendered), false};
}

}  // namespace fluxgate::tools
