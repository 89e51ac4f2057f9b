// Fast, slow and write lanes: what is slow moves away, what is not wanted is cancelled, queues are
// bounded.
#include "pg/pool.h"
#include "tests/pg/pool_fixture.h"

namespace fluxgate::pg::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// How many statements of ours PostgreSQL runs at the moment that contain `text`.
int running(PostgresCluster& cluster, const std::string& text) {
    return std::stoi(
        cluster.value_of("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' "
                         "AND pid <> pg_backend_pid() AND query LIKE '%" +
                         text + "%'"));
}

TEST_F(PoolTest, AReadThatMeetsTheFastTimeoutRunsOnASlowLaneAndStaysThere) {
    const std::string slow = "SELECT 7 FROM pg_sleep(0.4)";
    EXPECT_EQ(run(Role::anon, "{}", slow)->first_value(), "7");
    EXPECT_EQ(pool->stats().moved_to_slow, 1u);
    const uint64_t segments = pool->stats().segments;
    EXPECT_EQ(run(Role::anon, "{}", slow)->first_value(), "7");
    EXPECT_EQ(pool->stats().moved_to_slow, 1u);
    EXPECT_EQ(pool->stats().segments, segments + 1);
}

TEST_F(PoolTest, PostgresqlShowsWhichLaneAStatementIsOn) {
    const std::string name = "SELECT current_setting('application_name')";
    EXPECT_EQ(run(Role::anon, "{}", name)->first_value(), "fluxgate fast");
    EXPECT_EQ(run(Role::anon, "{}", name, Access::read, Pace::slow)->first_value(),
              "fluxgate slow");
    EXPECT_EQ(run(Role::service_role, "{}", name, Access::write)->first_value(), "fluxgate write");
}

TEST_F(PoolTest, AWriteThatTakesLongKeepsItsFullTime) {
    auto pending = run(Role::service_role, "{}", "SELECT 7 FROM pg_sleep(0.4)", Access::write);
    EXPECT_EQ(pending->first_value(), "7");
    EXPECT_EQ(pool->stats().moved_to_slow, 0u);
}

TEST_F(PoolTest, ACallersShorterTimeoutHoldsOnAFastLane) {
    auto pending = call();
    pending->as(Role::anon).sql("SELECT pg_sleep(5)");
    pending->query.statement_timeout_ms = 50;
    pending->start();
    wait_for(*pending);
    EXPECT_EQ(pending->kind(), ErrorKind::timeout);
    EXPECT_EQ(pool->stats().moved_to_slow, 0u);
}

TEST_F(PoolTest, ACallersTimeoutHoldsOnASlowLane) {
    auto pending = call();
    pending->as(Role::anon).sql("SELECT pg_sleep(5)");
    pending->query.pace = Pace::slow;
    pending->query.statement_timeout_ms = 100;
    pending->start();
    wait_for(*pending);
    EXPECT_EQ(pending->kind(), ErrorKind::timeout);
    EXPECT_EQ(pending->outcome->error().state(), "57014");
    // ... and not longer than its segment.
    EXPECT_EQ(
        run(Role::anon, "{}", "SHOW statement_timeout", Access::read, Pace::slow)->first_value(),
        "30s");
}

TEST_F(PoolTest, ADeadlineBecomesTheStatementTimeout) {
    auto pending = call();
    pending->as(Role::anon).sql("SELECT pg_sleep(20)");
    pending->query.pace = Pace::slow;
    pending->query.deadline = loop::Deadline::after(loop->clock_now(), milliseconds(300));
    pending->start();
    wait_for(*pending);
    EXPECT_EQ(pending->kind(), ErrorKind::timeout);
    EXPECT_EQ(running(cluster, "pg_sleep(20)"), 0);
}

TEST_F(PoolTest, ADeadlineThatHasPassedSendsNothing) {
    run(Role::anon, "{}", "SELECT 1");
    const uint64_t segments = pool->stats().segments;
    auto pending = call();
    pending->as(Role::anon).sql("SELECT 1");
    pending->query.deadline = loop::Deadline(loop->now());
    pending->start();
    wait_for(*pending);
    EXPECT_EQ(pending->kind(), ErrorKind::timeout);
    EXPECT_EQ(pool->stats().segments, segments);
}

TEST_F(PoolTest, CancellingACallOnASlowLaneStopsItsStatement) {
    run(Role::anon, "{}", "SELECT 1", Access::read, Pace::slow);
    auto pending = call();
    pending->as(Role::anon).sql("SELECT pg_sleep(50)");
    pending->query.pace = Pace::slow;
    pending->start();
    run_until(*loop, [&] { return running(cluster, "pg_sleep(50)") == 1; });
    pending->scope.cancel();
    wait_for(*pending);
    EXPECT_EQ(pending->kind(), ErrorKind::cancelled);
    run_until(*loop, [&] { return running(cluster, "pg_sleep(50)") == 0; });
    // The cancel does not hit who comes next.
    for (int at = 0; at < 20; ++at) {
        auto next =
            run(Role::anon, "{}", "SELECT 1 FROM pg_sleep(0.005)", Access::read, Pace::slow);
        EXPECT_EQ(next->first_value(), "1");
    }
    EXPECT_EQ(pool->stats().reconnects, 0u);
}

TEST_F(PoolTest, CancellingACallOnASharedLaneLeavesItsNeighboursAlone) {
    Options options = options_for(cluster);
    options.fast_lanes = 1;
    make_pool(options);
    run(Role::authenticated, "{}", "SELECT 1");
    auto slow = call();
    slow->as(Role::authenticated).sql("SELECT 1 FROM pg_sleep(0.1)").start();
    auto neighbour = call();
    neighbour->as(Role::authenticated, claims_of("alice"))
        .sql("SELECT count(*) FROM app.notes")
        .start();
    slow->scope.cancel();
    wait_for(*slow);
    EXPECT_EQ(slow->kind(), ErrorKind::cancelled);
    wait_for(*neighbour);
    EXPECT_EQ(neighbour->first_value(), "3");
}

TEST_F(PoolTest, CancellingAQueuedCallSendsNothing) {
    run(Role::anon, "{}", "SELECT 1", Access::read, Pace::slow);
    auto first = call();
    first->as(Role::anon).sql("SELECT 1 FROM pg_sleep(0.2)");
    first->query.pace = Pace::slow;
    first->start();
    auto queued = call();
    queued->as(Role::anon).sql("SELECT 2");
    queued->query.pace = Pace::slow;
    queued->start();
    EXPECT_EQ(pool->stats().queued, 1u);
    const uint64_t segments = pool->stats().segments;
    queued->scope.cancel();
    wait_for(*queued);
    EXPECT_EQ(queued->kind(), ErrorKind::cancelled);
    wait_for(*first);
    EXPECT_EQ(first->first_value(), "1");
    EXPECT_EQ(pool->stats().segments, segments);
    EXPECT_EQ(pool->stats().queued, 0u);
}

TEST_F(PoolTest, ACancelledScopeSendsNothing) {
    auto pending = call();
    pending->scope.cancel();
    pending->as(Role::anon).sql("SELECT 1").start();
    wait_for(*pending);
    EXPECT_EQ(pending->kind(), ErrorKind::cancelled);
}

TEST_F(PoolTest, AQueueThatIsFullRefusesAtOnce) {
    Options options = options_for(cluster);
    options.queue_max = 3;
    make_pool(options);
    std::vector<std::unique_ptr<PendingCall>> calls;
    for (int at = 0; at < 6; ++at) {
        calls.push_back(call());
        calls.back()->as(Role::anon).sql("SELECT 1").start();
    }
    for (size_t at = 3; at < 6; ++at) {
        ASSERT_TRUE(calls[at]->ended());
        EXPECT_EQ(calls[at]->kind(), ErrorKind::busy);
        EXPECT_EQ(calls[at]->outcome->error().retry_after_s, 1);
    }
    for (size_t at = 0; at < 3; ++at) {
        wait_for(*calls[at]);
        EXPECT_EQ(calls[at]->first_value(), "1");
    }
}

TEST_F(PoolTest, AWaitInTheQueueEndsWithBusy) {
    Options options = options_for(cluster);
    options.queue_wait_max_ms = 100;
    make_pool(options);
    run(Role::anon, "{}", "SELECT 1", Access::read, Pace::slow);
    auto blocker = call();
    blocker->as(Role::anon).sql("SELECT pg_sleep(0.5)");
    blocker->query.pace = Pace::slow;
    blocker->start();
    auto queued = run(Role::anon, "{}", "SELECT 2", Access::read, Pace::slow);
    EXPECT_EQ(queued->kind(), ErrorKind::busy);
    EXPECT_EQ(queued->outcome->error().retry_after_s, 1);
    wait_for(*blocker);
}

TEST_F(PoolTest, AFastCallDoesNotWaitBehindASlowStatement) {
    run(Role::anon, "{}", "SELECT 1");
    run_until(*loop, [&] { return pool->stats().connected == 4; });
    auto slow = call();
    slow->as(Role::anon).sql("SELECT pg_sleep(0.2)").start();
    run_until(*loop, [&] { return running(cluster, "pg_sleep(0.2)") == 1; });
    for (int at = 0; at < 50; ++at) {
        auto quick = run(Role::anon, "{}", "SELECT 1");
        EXPECT_EQ(quick->first_value(), "1");
    }
    EXPECT_FALSE(slow->ended());
    wait_for(*slow);
}

TEST_F(PoolTest, ConnectionsRetireAfterTheirSegmentsWithoutFailingACall) {
    Options options = options_for(cluster);
    options.recycle_after_segments = 10;
    make_pool(options);
    for (int at = 0; at < 200; ++at)
        ASSERT_EQ(run(Role::anon, "{}", "SELECT 1")->first_value(), "1");
    EXPECT_GE(pool->stats().reconnects, 10u);
    EXPECT_EQ(pool->stats().retries, 0u);
}

TEST_F(PoolTest, ClosingAnswersWhatIsInFlightAndRefusesTheRest) {
    run(Role::anon, "{}", "SELECT 1", Access::read, Pace::slow);
    auto running_call = call();
    running_call->as(Role::anon).sql("SELECT 5 FROM pg_sleep(0.2)");
    running_call->query.pace = Pace::slow;
    running_call->start();
    auto queued = call();
    queued->as(Role::anon).sql("SELECT 6");
    queued->query.pace = Pace::slow;
    queued->start();
    loop::Scope scope(loop.get());
    scope.spawn("close", pool->close(loop::Deadline::after(loop->clock_now(), seconds(5))));
    auto late = call();
    late->as(Role::anon).sql("SELECT 7").start();
    run_until(*loop, [&] { return scope.empty() && running_call->ended() && queued->ended(); });
    EXPECT_EQ(running_call->first_value(), "5");
    EXPECT_EQ(queued->kind(), ErrorKind::unavailable);
    EXPECT_EQ(late->kind(), ErrorKind::unavailable);
}

TEST_F(PoolTest, ClosingDoesNotWaitLongerThanItsDeadline) {
    run(Role::anon, "{}", "SELECT 1", Access::read, Pace::slow);
    auto endless = call();
    endless->as(Role::anon).sql("SELECT pg_sleep(25)");
    endless->query.pace = Pace::slow;
    endless->start();
    const loop::Instant start = loop->clock_now();
    loop::Scope scope(loop.get());
    scope.spawn("close", pool->close(loop::Deadline::after(start, milliseconds(200))));
    run_until(*loop, [&] { return scope.empty() && endless->ended(); });
    EXPECT_LT(loop->clock_now() - start, seconds(5));
    EXPECT_EQ(endless->kind(), ErrorKind::unavailable);
}

}  // namespace
}  // namespace fluxgate::pg::test
