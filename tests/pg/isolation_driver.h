// Mixed-tenant load with an oracle: many tenants' reads and writes, errors, timeouts and killed
// connections over one pool, and after every answer the question whose rows these are.
//
// The oracle must be able to fail: isolation_test.cc runs it with segments that are built wrong.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "loop/loop.h"
#include "loop/scope.h"
#include "pg/pipeline.h"
#include "pg/pool.h"
#include "tests/pg/pool_fixture.h"

namespace fluxgate::pg::test {

inline constexpr int tenants = 64;
inline constexpr int rows_of_tenant = 100;

struct IsolationReport {
    uint64_t calls = 0;
    uint64_t rows = 0;
    uint64_t errors_injected = 0;  // statements that were made to fail, and did
    uint64_t outages = 0;          // answers that a killed connection excuses
    uint64_t kills = 0;
    // ---- what must stay zero ----
    uint64_t foreign_rows = 0;
    uint64_t wrong_identities = 0;      // claims or role of somebody else inside a segment
    uint64_t unexpected_errors = 0;     // an error that the call did not cause
    uint64_t unexpected_successes = 0;  // a statement that had to fail
    uint64_t lost_writes = 0;           // acknowledged and not there
    uint64_t ghost_writes = 0;          // there, although refused, deleted or never sent

    [[nodiscard]] uint64_t violations() const {
        return foreign_rows + wrong_identities + unexpected_errors + unexpected_successes +
               lost_writes + ghost_writes;
    }
    [[nodiscard]] std::string text() const;
};

class IsolationDriver {
public:
    struct Plan {
        uint64_t calls = 50'000;
        uint64_t calls_per_kill = 5'000;  // 0: none
        int workers = 96;
        uint64_t seed = 1;
        uint32_t timeout_ms = 30'000;
    };
    // Makes the table on its first use; all outlive it.
    IsolationDriver(loop::Loop* loop, Pool* pool, PostgresCluster* cluster, const Plan& plan);

    // Runs the plan to its end, then compares what was acknowledged with what is there.
    [[nodiscard]] IsolationReport run();

private:
    struct Worker {
        std::mt19937_64 random;
        int number = 0;
        uint64_t inserts = 0;
        std::vector<std::string> own_bodies;  // acknowledged inserts, by "<tenant>/<body>"
    };
    // What a statement may end in, beside an outage.
    enum class Expect : uint8_t { own_rows, no_rows, identity, failure };
    struct Job {
        std::string sql;
        std::vector<std::string> values;
        Access access = Access::read;
        Expect expect = Expect::own_rows;
        ErrorKind failure = ErrorKind::other;
        uint32_t timeout_ms = 30'000;
        std::string inserts, deletes;  // "<tenant>/<body>", if it does
    };

    [[nodiscard]] loop::Task<void> work(Worker* worker);
    [[nodiscard]] loop::Task<void> call(Worker* worker, const std::string* tenant, const Job* job);
    [[nodiscard]] Job pick_job(Worker& worker, const std::string& tenant);
    [[nodiscard]] Job pick_failure(Worker& worker, const std::string& tenant) const;
    void judge(Worker& worker, const std::string& tenant, const Job& job,
               const std::expected<Result, Error>& got);
    void judge_rows(const std::string& tenant, const Job& job, const Result& rows);
    void judge_failure(const Job& job, const Error& error);
    void kill_somebody();
    void compare_with_table();

    loop::Loop* loop_;
    Pool* pool_;
    PostgresCluster* cluster_;
    Plan plan_;
    loop::Scope scope_;
    uint64_t started_ = 0;
    IsolationReport report_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::set<std::string> acknowledged_, deleted_, unknown_;
};

// Eight connections: six fast ones eight deep, a slow one and one for writes.
class IsolationTest : public PoolTest {
protected:
    IsolationReport drive(const IsolationDriver::Plan& plan, const SegmentPolicy& policy);
    void expect_clean(const IsolationReport& report);
};

}  // namespace fluxgate::pg::test
