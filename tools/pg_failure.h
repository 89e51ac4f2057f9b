// pg::Error -> what the caller gets to read: an isError text that a model can act on, or the
// failure that only the transport can say (503 with Retry-After). The one place where that is
// decided for tools.
//
// No text holds SQL, DETAIL, HINT or PostgreSQL's own message: they may tell of rows and objects
// that the caller must not see. A constraint's name is the most.
#pragma once

#include <string_view>

#include "pg/catalog.h"
#include "pg/error.h"
#include "rpc/tool.h"
#include "tools/sql_text.h"

namespace fluxgate::tools {

// What the statement was, for better texts. All may be null.
struct FailedStatement {
    const SqlText* sql = nullptr;
    const pg::Table* table = nullptr;
    const pg::Catalog* catalog = nullptr;
    uint32_t timeout_ms = 0;
};

[[nodiscard]] rpc::ToolOutcome outcome_of(const pg::Error& error, const FailedStatement& statement);

// "result too large: …", for a result of over limits::result_bytes_max, wherever that was noticed.
[[nodiscard]] rpc::ToolResult result_too_large();

// The database is not there; also where no query was made yet.
[[nodiscard]] rpc::CallFailure database_unavailable(int retry_after_s);

}  // namespace fluxgate::tools
