// One core's view of the Catalog, kept fresh: loaded at start, on a miss, on a timer, and on NOTIFY
// from a DDL event trigger (where the login may create one).
//
// One SharedCatalog loads for the whole process, on the loop whose pool it has; every core has a
// view of it. They talk through mailboxes, and what they share is one immutable Catalog.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "loop/loop.h"
#include "loop/scope.h"
#include "loop/task.h"
#include "pg/catalog.h"
#include "pg/catalog_diff.h"
#include "pg/pool.h"

namespace fluxgate::pg {

// Runs on the auth login (it sees pg_catalog as any role does), through whatever executes queries.
class SchemaCache {
public:
    virtual ~SchemaCache() = default;
    // Null until the first load has succeeded.
    [[nodiscard]] virtual CatalogPtr current() const = 0;
    // Waits for a load that begins after this call, and returns current(). For "the table is not
    // there": a miss may be news. Loads keep a distance (SchemaCacheOptions), so this takes a tenth
    // of a second or more; five seconds at most, and it ends at once when `scope` is cancelled.
    [[nodiscard]] virtual loop::Task<CatalogPtr> refresh(loop::Scope* scope) = 0;
};

struct SchemaCacheOptions {
    loop::Duration refresh_every = std::chrono::seconds(60);
    loop::Duration refresh_gap_min = std::chrono::milliseconds(100);  // between two loads' starts
    // After each load but the first, once every view has the new catalog: whoever is told and looks
    // sees what is new. On the thread of the view that was the last to have it.
    std::function<void(const Catalog& before, const Catalog& now,
                       const std::vector<TableName>& changed)>
        loaded = nullptr;
};

class SharedCatalog {
public:
    // `pool` belongs to `loop`, the loading one; both outlive it. Made and used on that loop's
    // thread.
    SharedCatalog(loop::Loop* loop, Pool* pool, const SchemaCacheOptions& options);
    ~SharedCatalog();  // after close() was awaited
    SharedCatalog(const SharedCatalog&) = delete;
    SharedCatalog& operator=(const SharedCatalog&) = delete;

    // Begins to load; goes on until close().
    void start();
    // The catalog may have changed: loads again as soon as the gap allows.
    void invalidate();
    // Stops loading. Nothing is sent to a view afterwards; what is on its way is harmless, but
    // every view's loop must run its mailbox once more before it ends.
    [[nodiscard]] loop::Task<void> close();
    [[nodiscard]] uint64_t loads() const;

    // A view for `loop`, made and destroyed on that loop's thread; from any thread, before or after
    // start(). The view may outlive this object.
    [[nodiscard]] std::unique_ptr<SchemaCache> make_view(loop::Loop* loop);

    struct Core;

private:
    std::shared_ptr<Core> core_;
};

}  // namespace fluxgate::pg
