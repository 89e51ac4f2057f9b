// The tool query_table: rows of one table, view or materialized view, as the caller's role and Row
// Level Security let them be seen.
//
// A call: arguments -> SQL and parameters in the arena (table_query) -> one pipeline segment on a
// lane of the caller's role (pg::Pool) -> rows as JSON (row_json). Start reading at
// QueryTable::call.
#pragma once

#include <cstdint>

#include "pg/pool.h"
#include "pg/schema_cache.h"
#include "rpc/tool.h"

namespace fluxgate::tools {

class QueryTable final : public rpc::Tool {
public:
    struct Options {
        uint32_t statement_timeout_ms = 30'000;
    };

    // `pool` and `schemas` are of the same core, and outlive the tool.
    QueryTable(pg::Pool* pool, pg::SchemaCache* schemas, const Options& options);

    [[nodiscard]] const rpc::ToolInfo& info() const override { return info_; }
    // What the arguments, the privileges or the values are to blame for is a result with is_error;
    // a database that is away is a CallFailure of 503. A table or column that the schema cache does
    // not know, or PostgreSQL no longer does, is looked for once more in a fresh cache.
    [[nodiscard]] loop::Task<rpc::ToolOutcome> call(rpc::ToolCall* call) override;

private:
    struct Attempt;
    [[nodiscard]] loop::Task<Attempt> attempt(rpc::ToolCall* call, pg::CatalogPtr catalog);

    pg::Pool* pool_;
    pg::SchemaCache* schemas_;
    Options options_;
    rpc::ToolInfo info_;
};

}  // namespace fluxgate::tools
