// Reads pg_catalog into a Catalog: six statements on the gateway's own login, one after the other.
//
// Each sees its own snapshot, so DDL in between can leave a row without its table: such rows are
// dropped, and the notification of that DDL brings the next load.
#pragma once

#include <expected>

#include "loop/scope.h"
#include "loop/task.h"
#include "pg/catalog.h"
#include "pg/pool.h"

namespace fluxgate::pg {

// Suspends; `pool` outlives it. TOAST and temporary tables are left out; who may see the
// system's own schemas is for tools/ to say.
[[nodiscard]] loop::Task<std::expected<CatalogPtr, Error>> load_catalog(loop::Scope* scope,
                                                                        Pool* pool,
                                                                        uint64_t version);

}  // namespace fluxgate::pg
