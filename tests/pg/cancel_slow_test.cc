// Ten thousand cancels that reach PostgreSQL at random moments, among neighbours who want their
// answers: nobody but the cancelled may notice.
//
// The victims' statements take about as long as it takes until they are cancelled, so that many a
// cancel arrives just after its statement has ended. The oracle must be able to fail: it
// counts more than a thousand wrong victims when Lane::can_take() does not look at `cancelling_`,
// or when a cancel does not wait until everything in flight is abandoned.
#include <cstdio>
#include <random>

#include "tests/pg/pool_fixture.h"

namespace fluxgate::pg::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr uint64_t requests_wanted = 10'000;
constexpr uint32_t fast_timeout_ms = 1'000;

struct CancelReport {
    uint64_t cancels = 0;   // of calls that had not ended; many end before a request is sent
    uint64_t too_late = 0;  // victims that had ended before
    uint64_t answers = 0;   // of neighbours
    // ---- what must stay zero ----
    uint64_t wrong_victims = 0;  // cancelled or timed out, without anybody's wish
    uint64_t wrong_answers = 0;
    uint64_t other_errors = 0;
};

class CancelStressTest : public PoolTest {
protected:
    struct Caller {
        Role role = Role::anon;
        Pace pace = Pace::fast;
        Access access = Access::read;
        bool is_victim = false;
        bool is_cancelled = false;
        loop::Instant cancel_at{};
        std::string expected;
        std::unique_ptr<PendingCall> pending;
    };

    CancelStressTest() {
        Options options = options_for(cluster);
        options.fast_lanes = 2;
        options.slow_lanes = 2;
        // A fast call's own timeout, too: one that is hit by a cancel is then not run again, but
        // fails where the oracle sees it.
        options.fast_timeout_ms = fast_timeout_ms;
        options.queue_wait_max_ms = 60'000;
        make_pool(options);
    }

    void add(int count, Pace pace, Access access, bool is_victim) {
        for (int at = 0; at < count; ++at) {
            Caller& caller = callers.emplace_back();
            caller.role = at % 2 == 0 ? Role::anon : Role::authenticated;
            caller.pace = pace;
            caller.access = access;
            caller.is_victim = is_victim;
        }
    }
    void start(Caller& caller) {
        caller.expected = std::to_string(random());
        caller.is_cancelled = false;
        const auto sleep = caller.is_victim ? victim_sleep(caller) : neighbour_sleep(caller);
        caller.pending = call();
        caller.pending->as(caller.role)
            .sql(caller.is_victim ? "SELECT $1::text /* victim */ FROM pg_sleep($2::float8)"
                                  : "SELECT $1::text FROM pg_sleep($2::float8)")
            .with(caller.expected)
            .with(std::to_string(static_cast<double>(sleep.count()) / 1e6));
        caller.pending->query.pace = caller.pace;
        caller.pending->query.access = caller.access;
        if (caller.pace == Pace::fast && caller.access == Access::read)
            caller.pending->query.statement_timeout_ms = fast_timeout_ms;
        const auto until_cancel = microseconds(random() % 16'000);
        caller.cancel_at = caller.is_victim ? loop->clock_now() + until_cancel : never;
        caller.pending->start();
    }
    // Most end around the time of their cancel; one in 16 on a slow lane would go on for a minute.
    microseconds victim_sleep(const Caller& caller) {
        if (caller.pace == Pace::slow && random() % 16 == 0) return std::chrono::minutes(1);
        return microseconds(random() % 16'000);
    }
    microseconds neighbour_sleep(const Caller& caller) {
        return microseconds(caller.pace == Pace::slow ? 1'000 + random() % 4'000 : random() % 500);
    }
    // True: it has ended, and another may start.
    bool watch(Caller& caller) {
        if (caller.pending->ended()) {
            judge(caller);
            return true;
        }
        if (!caller.is_cancelled && loop->clock_now() >= caller.cancel_at) {
            caller.is_cancelled = true;
            ++report.cancels;
            caller.pending->scope.cancel();
        }
        return false;
    }
    void judge(const Caller& caller) {
        const PendingCall& pending = *caller.pending;
        if (pending.outcome->has_value()) {
            if (pending.first_value() != caller.expected) ++report.wrong_answers;
            ++(caller.is_victim ? report.too_late : report.answers);
            return;
        }
        if (caller.is_cancelled && pending.kind() == ErrorKind::cancelled) return;
        const bool is_hit =
            pending.kind() == ErrorKind::timeout || pending.kind() == ErrorKind::outcome_unknown;
        ++(is_hit ? report.wrong_victims : report.other_errors);
    }

    static constexpr loop::Instant never = loop::Instant::max();
    std::mt19937_64 random{17};
    std::vector<Caller> callers;
    CancelReport report;
};

TEST_F(CancelStressTest, TenThousandCancelsHitNobodyElse) {
    add(8, Pace::fast, Access::read, false);
    add(4, Pace::slow, Access::read, false);
    add(4, Pace::fast, Access::write, false);
    add(6, Pace::fast, Access::read, true);
    add(4, Pace::slow, Access::read, true);
    add(2, Pace::fast, Access::write, true);
    const auto began = loop->clock_now();
    for (Caller& caller : callers)
        start(caller);
    auto moved_at = began;
    uint64_t requests_seen = 0;
    while (pool->stats().cancels < requests_wanted) {
        loop->run_turn(microseconds(500));
        for (Caller& caller : callers)
            if (watch(caller)) start(caller);
        if (pool->stats().cancels != requests_seen) moved_at = loop->clock_now();
        requests_seen = pool->stats().cancels;
        ASSERT_LT(loop->clock_now() - moved_at, std::chrono::minutes(1)) << "it hangs";
    }
    for (Caller& caller : callers)
        run_until(*loop, [&] { return watch(caller); });
    const PoolStats stats = pool->stats();
    const auto took = std::chrono::duration<double>(loop->clock_now() - began).count();
    std::printf(
        "%llu wrong victims in %llu cancel requests (%llu cancels, %llu more came too late) and "
        "%llu neighbours' answers in %.0f s\n",
        static_cast<unsigned long long>(report.wrong_victims),
        static_cast<unsigned long long>(stats.cancels),
        static_cast<unsigned long long>(report.cancels),
        static_cast<unsigned long long>(report.too_late),
        static_cast<unsigned long long>(report.answers), took);
    EXPECT_EQ(report.wrong_victims, 0u);
    EXPECT_EQ(report.wrong_answers, 0u);
    EXPECT_EQ(report.other_errors, 0u);
    EXPECT_EQ(stats.retries, 0u);
    EXPECT_EQ(stats.reconnects, 0u);
    EXPECT_GT(report.answers, requests_wanted);
}

}  // namespace
}  // namespace fluxgate::pg::test
