// The catalog that a call works with, and the newer one that it asks for where that one lacks
// something: a table may have been made a moment ago.
#pragma once

#include <cstdint>
#include <expected>

#include "loop/scope.h"
#include "loop/task.h"
#include "pg/pool.h"
#include "pg/schema_cache.h"
#include "rpc/call_context.h"

namespace fluxgate::tools {

// Never null: the current one, or the first one where none was loaded so far. The failure where
// there is none is that the database is not there. Suspends.
[[nodiscard]] loop::Task<std::expected<pg::CatalogPtr, rpc::CallFailure>> current_catalog(
    pg::Pool* pool, pg::SchemaCache* schemas, loop::Scope* scope);

// Null if there is none that is newer. Suspends.
[[nodiscard]] loop::Task<pg::CatalogPtr> newer_catalog(pg::SchemaCache* schemas, loop::Scope* scope,
                                                       uint64_t than_version);

}  // namespace fluxgate::tools
