#include "tools/call_catalog.h"

#include "tools/pg_failure.h"

namespace fluxgate::tools {

loop::Task<std::expected<pg::CatalogPtr, rpc::CallFailure>> current_catalog(
    pg::Pool* pool, pg::SchemaCache* schemas, loop::Scope* scope) {
    pg::CatalogPtr catalog = schemas->current();
    if (catalog == nullptr) {
        catalog = co_await schemas->refresh(scope);
    }
    if (catalog == nullptr) {
        co_return std::unexpected(database_unavailable(pool->retry_after_s()));
    }
    co_return catalog;
}

loop::Task<pg::CatalogPtr> newer_catalog(pg::SchemaCache* schemas, loop::Scope* scope,
                                         uint64_t than_version) {
    pg::CatalogPtr fresh = co_await schemas->refresh(scope);
    if (fresh != nullptr && fresh->version() == than_version) co_return nullptr;
    co_return fresh;
}

}  // namespace fluxgate::tools
