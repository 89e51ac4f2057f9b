// One core's lanes to PostgreSQL: for each role a few pipelined fast lanes, slow lanes of depth 1,
// and write lanes (docs/architecture.md, "Lanes"). Not shared between cores.
//
// execute() picks the least loaded lane that fits, queues within limits, and returns after the
// segment's Sync: a row that arrived is not yet a committed one. Retry safety: a connection that
// dies before the segment was sent requeues it; sent and read-only runs once more elsewhere; sent
// and a write is outcome_unknown and never sent again.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "loop/loop.h"
#include "loop/scope.h"
#include "loop/secret.h"
#include "loop/task.h"
#include "pg/error.h"
#include "pg/query.h"
#include "pg/result.h"

namespace fluxgate::loop {
class BlockingPool;
}

namespace fluxgate::pg {

struct Login {
    std::string user;
    loop::Secret password;
};

struct Options {
    std::string host = "localhost";  // a name, an address, or a directory with a unix socket
    uint16_t port = 5432;
    std::string database = "fluxbase";
    std::string ssl_mode = "disable";
    Login user_login;     // anon and authenticated lanes
    Login service_login;  // service_role lanes
    Login auth_login;     // gateway lanes: keys, catalog, LISTEN
    bool pooler =
        false;  // behind a transaction-mode pooler: role in the identity step, not at start-up

    uint32_t fast_lanes = 2;  // per role and core
    uint32_t slow_lanes = 1;
    uint32_t write_lanes = 1;
    uint32_t fast_depth_max = 16;
    uint32_t write_depth_max = 4;
    uint32_t fast_timeout_ms = 150;  // statement_timeout of a fast lane
    uint32_t statement_timeout_ms = 30'000;
    uint32_t queue_max = 1024;  // per core
    uint32_t queue_wait_max_ms = 2'000;
    uint32_t connect_timeout_ms = 5'000;
    uint32_t backoff_first_ms = 50;
    uint32_t backoff_max_ms = 5'000;
    uint32_t connecting_max = 2;    // at once, per core
    uint32_t statements_max = 256;  // prepared per connection, LRU
    uint32_t recycle_after_s = 3600;
    uint64_t recycle_after_segments = 1'000'000;
};

struct PoolStats {
    uint32_t connected = 0, connecting = 0, queued = 0, in_flight = 0;
    uint64_t segments = 0, parses = 0, syncs = 0, reconnects = 0, retries = 0, moved_to_slow = 0;
    uint64_t outcome_unknown = 0;
    uint64_t cancels = 0;  // cancel requests that were sent; a statement may need several
};

struct SegmentPolicy;  // pg/pipeline.h

class Pool {
public:
    // `blocking` resolves names; both outlive the pool. Connects lazily: the first call of a role
    // opens its lanes; warm_up() opens them now.
    Pool(loop::Loop* loop, loop::BlockingPool* blocking, const Options& options);
    // For the isolation test alone: segments that are built wrong.
    Pool(loop::Loop* loop, loop::BlockingPool* blocking, const Options& options,
         const SegmentPolicy& policy);
    ~Pool();  // after close() was awaited
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    void warm_up();
    // Suspends. Cancelling `scope` gives up: an unsent segment is dropped, one in flight is
    // abandoned, and cancelled in PostgreSQL once nobody else's call is on its connection.
    [[nodiscard]] loop::Task<std::expected<Result, Error>> execute(loop::Scope* scope,
                                                                   Identity identity, Query query);
    // Ends all lanes: what is in flight is answered until `deadline`, then failed.
    [[nodiscard]] loop::Task<void> close(loop::Deadline deadline);

    // False while no lane is connected; readiness.
    [[nodiscard]] bool is_available() const;
    // Seconds until the next connection attempt, rounded up; for Retry-After.
    [[nodiscard]] int retry_after_s() const;
    [[nodiscard]] PoolStats stats() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace fluxgate::pg
