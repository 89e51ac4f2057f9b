// PostgreSQL killed, restarted, frozen, out of connections: clear errors, no doubled write, quick
// recovery.
#include "pg/pool.h"
#include "tests/pg/pool_fixture.h"

namespace fluxgate::pg::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class PoolFaultTest : public PoolTest {
protected:
    // Tries once every 20 ms until a call succeeds; how long that took.
    loop::Duration time_to_recover(Role role = Role::anon) {
        const loop::Instant start = loop->clock_now();
        for (;;) {
            auto pending = run(role, "{}", "SELECT 1");
            if (pending->outcome->has_value()) return loop->clock_now() - start;
            EXPECT_GE(pending->outcome->error().retry_after_s, 1);
            const loop::Instant next = loop->clock_now() + milliseconds(20);
            run_until(*loop, [&] { return loop->clock_now() >= next; });
        }
    }
    // The process that serves the role's slow or write lane.
    int backend_of(Access access) {
        auto pending = run(Role::service_role, "{}", "SELECT pg_backend_pid()", access, Pace::slow);
        return std::stoi(pending->first_value());
    }
    void terminate_when_asleep(int pid) {
        cluster.execute("DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = " +
                        std::to_string(pid) +
                        " AND wait_event = 'PgSleep') LOOP PERFORM pg_sleep(0.01); "
                        "PERFORM pg_stat_clear_snapshot(); END LOOP; END $$");
        cluster.execute("SELECT pg_terminate_backend(" + std::to_string(pid) + ")");
    }
};

TEST_F(PoolFaultTest, AReadWhoseBackendDiesRunsOnceMore) {
    const int pid = backend_of(Access::read);
    auto pending = call();
    pending->as(Role::service_role).sql("SELECT pg_backend_pid() FROM pg_sleep(0.5)");
    pending->query.pace = Pace::slow;
    pending->start();
    terminate_when_asleep(pid);
    wait_for(*pending);
    ASSERT_TRUE(pending->outcome->has_value());
    EXPECT_NE(pending->first_value(), std::to_string(pid));
    EXPECT_EQ(pool->stats().retries, 1u);
}

TEST_F(PoolFaultTest, AWriteWhoseBackendDiesIsNeverSentAgain) {
    const int pid = backend_of(Access::write);
    auto pending = call();
    pending->as(Role::service_role)
        .sql("INSERT INTO app.notes (owner, body) SELECT 'carol', 'once' FROM pg_sleep(0.5)");
    pending->query.access = Access::write;
    pending->start();
    terminate_when_asleep(pid);
    wait_for(*pending);
    EXPECT_EQ(pending->kind(), ErrorKind::outcome_unknown);
    EXPECT_EQ(pool->stats().retries, 0u);
    EXPECT_EQ(pool->stats().outcome_unknown, 1u);
    EXPECT_EQ(cluster.value_of("SELECT count(*) FROM app.notes WHERE owner = 'carol'"), "0");
}

TEST_F(PoolFaultTest, WritesBehindAKilledOneAreNeverDoubled) {
    cluster.execute(
        "CREATE TABLE IF NOT EXISTS app.log (n int); TRUNCATE app.log;"
        "GRANT INSERT ON app.log TO service_role");
    for (int round = 0; round < 20; ++round) {
        const int pid = backend_of(Access::write);
        std::vector<std::unique_ptr<PendingCall>> calls;
        for (int at = 0; at < 12; ++at) {
            calls.push_back(call());
            calls.back()->as(Role::service_role).sql("INSERT INTO app.log VALUES ($1::int)");
            calls.back()->with(std::to_string(round * 100 + at));
            calls.back()->query.access = Access::write;
            calls.back()->start();
        }
        cluster.execute("SELECT pg_terminate_backend(" + std::to_string(pid) + ")");
        for (int at = 0; at < 12; ++at) {
            PendingCall& pending = *calls[static_cast<size_t>(at)];
            wait_for(pending);
            const std::string count = cluster.value_of("SELECT count(*) FROM app.log WHERE n = " +
                                                       std::to_string(round * 100 + at));
            if (pending.outcome->has_value())
                EXPECT_EQ(count, "1");  // acknowledged, so it is there
            else
                EXPECT_EQ(pending.kind(), ErrorKind::outcome_unknown);
            EXPECT_LE(std::stoi(count), 1);
        }
    }
}

TEST_F(PoolFaultTest, AnIdleConnectionThatDiesIsReplacedBeforeItIsUsed) {
    run(Role::anon, "{}", "SELECT 1");
    run_until(*loop, [&] { return pool->stats().connected == 4; });
    cluster.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'fg_user'");
    run_until(*loop, [&] { return pool->stats().reconnects == 4 && pool->stats().connected == 4; });
    EXPECT_EQ(run(Role::anon, "{}", "SELECT 1")->first_value(), "1");
    EXPECT_EQ(pool->stats().retries, 0u);
}

TEST_F(PoolFaultTest, SigkillToOneBackendIsSurvived) {
    const int pid = backend_of(Access::read);
    run(Role::anon, "{}", "SELECT 1");
    cluster.kill_backend(pid);  // all the others get 57P02
    EXPECT_LT(time_to_recover(), seconds(5));
}

TEST_F(PoolFaultTest, AnImmediateRestartIsSurvived) {
    run(Role::anon, "{}", "SELECT 1");
    cluster.stop_immediately();
    auto down = run(Role::anon, "{}", "SELECT 1");
    EXPECT_EQ(down->kind(), ErrorKind::unavailable);
    EXPECT_GE(down->outcome->error().retry_after_s, 1);
    cluster.start();
    EXPECT_LT(time_to_recover(), seconds(5));
}

TEST_F(PoolFaultTest, SigkillToTheWholeServerIsSurvived) {
    run(Role::anon, "{}", "SELECT 1");
    cluster.kill_hard();
    EXPECT_EQ(run(Role::anon, "{}", "SELECT 1")->kind(), ErrorKind::unavailable);
    cluster.start();
    EXPECT_LT(time_to_recover(), seconds(5));
}

TEST_F(PoolFaultTest, WhileTheServerIsAwayCallsFailAtOnceAndTheLoopSleeps) {
    cluster.stop_immediately();
    run(Role::anon, "{}", "SELECT 1");
    const loop::Instant start = loop->clock_now();
    for (int at = 0; at < 1000; ++at)
        ASSERT_EQ(run(Role::anon, "{}", "SELECT 1")->kind(), ErrorKind::unavailable);
    EXPECT_LT(loop->clock_now() - start, seconds(1));
    EXPECT_FALSE(pool->is_available());
    EXPECT_GE(pool->retry_after_s(), 1);
    const uint64_t enters = loop->ring().enter_count();
    const loop::Instant until = loop->clock_now() + seconds(1);
    while (loop->clock_now() < until)
        loop->run_turn(seconds(1));
    EXPECT_LT(loop->ring().enter_count() - enters, 300u);
    cluster.start();
    EXPECT_LT(time_to_recover(), seconds(5));
    EXPECT_TRUE(pool->is_available());
}

TEST_F(PoolFaultTest, AllWhoWaitAreRefusedWhenTheConnectionFails) {
    cluster.stop_immediately();
    std::vector<std::unique_ptr<PendingCall>> waiting;
    for (int i = 0; i < 5; ++i) {
        waiting.push_back(call());
        waiting.back()->as(Role::authenticated).sql("SELECT 1").start();
    }
    for (const auto& pending : waiting) {
        wait_for(*pending);
        EXPECT_EQ(pending->kind(), ErrorKind::unavailable);
    }
    cluster.start();
}

TEST_F(PoolFaultTest, AFrozenServerMakesCallsBusyAndThawsWithoutHelp) {
    run(Role::anon, "{}", "SELECT 1");
    run_until(*loop, [&] { return pool->stats().connected == 4; });
    cluster.freeze();
    std::vector<std::unique_ptr<PendingCall>> calls;
    for (int at = 0; at < 40; ++at) {
        calls.push_back(call());
        calls.back()->as(Role::anon).sql("SELECT 1");
        calls.back()->query.deadline = loop::Deadline::after(loop->clock_now(), seconds(3));
        calls.back()->start();
    }
    const loop::Instant start = loop->clock_now();
    for (const auto& pending : calls) {
        wait_for(*pending);
        ASSERT_FALSE(pending->outcome->has_value());
        EXPECT_TRUE(pending->kind() == ErrorKind::busy || pending->kind() == ErrorKind::timeout);
    }
    EXPECT_LT(loop->clock_now() - start, seconds(4));
    cluster.thaw();
    EXPECT_LT(time_to_recover(), seconds(5));
}

TEST_F(PoolFaultTest, AServerThatStaysFrozenLosesItsConnections) {
    run(Role::anon, "{}", "SELECT 1");
    cluster.freeze();
    auto pending = run(Role::anon, "{}", "SELECT 1");  // the watchdog: 150 ms + 5 s, then the queue
    EXPECT_FALSE(pending->outcome->has_value());
    cluster.thaw();
    EXPECT_LT(time_to_recover(), seconds(5));
}

TEST_F(PoolFaultTest, OutOfConnectionsIsUnavailableAndRecovers) {
    cluster.execute("ALTER ROLE fg_user CONNECTION LIMIT 0");
    auto refused = run(Role::anon, "{}", "SELECT 1");
    EXPECT_EQ(refused->kind(), ErrorKind::unavailable);
    EXPECT_GE(refused->outcome->error().retry_after_s, 1);
    EXPECT_EQ(run(Role::service_role, "{}", "SELECT 1")->first_value(), "1");
    cluster.execute("ALTER ROLE fg_user CONNECTION LIMIT -1");
    EXPECT_LT(time_to_recover(), seconds(6));
}

TEST_F(PoolFaultTest, FewConnectionsServeAllCallsInTheirTurn) {
    const char* const count = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'fg_user'";
    run_until(*loop, [&] { return cluster.value_of(count) == "0"; });  // the last test's have gone
    cluster.execute("ALTER ROLE fg_user CONNECTION LIMIT 1");
    // Two lanes that connect at the same moment are both refused: PostgreSQL counts each for the
    // other.
    EXPECT_LT(time_to_recover(), seconds(5));
    std::vector<std::unique_ptr<PendingCall>> calls;
    for (int at = 0; at < 100; ++at) {
        calls.push_back(call());
        calls.back()->as(Role::anon).sql("SELECT 1").start();
    }
    for (const auto& pending : calls) {
        wait_for(*pending);
        EXPECT_EQ(pending->first_value(), "1");
    }
    cluster.execute("ALTER ROLE fg_user CONNECTION LIMIT -1");
}

TEST_F(PoolFaultTest, CallsOfAllClassesShareTheOneConnectionThatThereIs) {
    run(Role::anon, "{}", "SELECT 1", Access::write);
    run_until(*loop, [&] { return pool->stats().connected == 4; });
    cluster.execute("ALTER ROLE fg_user CONNECTION LIMIT 1");
    const int keep =
        std::stoi(run(Role::anon, "{}", "SELECT pg_backend_pid()", Access::write)->first_value());
    cluster.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = "
        "'fg_user' AND pid <> " +
        std::to_string(keep));
    run_until(*loop, [&] { return pool->stats().connected == 1; });
    run(Role::anon, "{}", "SELECT 1");  // its lanes know by now that they are refused
    for (Pace pace : {Pace::fast, Pace::slow}) {
        auto pending = run(Role::anon, "{}", "SELECT pg_backend_pid()", Access::read, pace);
        EXPECT_EQ(pending->first_value(), std::to_string(keep));
    }
    cluster.execute("ALTER ROLE fg_user CONNECTION LIMIT -1");
    run_until(*loop, [&] { return pool->stats().connected == 4; });
}

TEST_F(PoolFaultTest, ALoginThatMayNotHaveTheRoleIsUnavailable) {
    Options options = options_for(cluster);
    options.service_login.user = "fg_user";
    make_pool(options);
    EXPECT_EQ(run(Role::service_role, "{}", "SELECT 1")->kind(), ErrorKind::unavailable);
}

TEST_F(PoolFaultTest, ADatabaseWithoutAnEncodingIsRefused) {
    cluster.execute("CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII'");
    Options options = options_for(cluster);
    options.database = "ascii";
    make_pool(options);
    EXPECT_EQ(run(Role::anon, "{}", "SELECT 1")->kind(), ErrorKind::unavailable);
}

TEST_F(PoolFaultTest, AHostThatDoesNotResolveIsUnavailable) {
    Options options = options_for(cluster);
    options.host = "no-such-host.invalid";
    make_pool(options);
    EXPECT_EQ(run(Role::anon, "{}", "SELECT 1")->kind(), ErrorKind::unavailable);
}

TEST_F(PoolFaultTest, AUnixSocketAndANameWorkAsHosts) {
    Options options = options_for(cluster);
    options.host = cluster.socket_directory();
    make_pool(options);
    EXPECT_EQ(run(Role::anon, "{}", "SELECT 1")->first_value(), "1");
    options.host = "localhost";
    make_pool(options);
    EXPECT_EQ(run(Role::anon, "{}", "SELECT 1")->first_value(), "1");
}

}  // namespace
}  // namespace fluxgate::pg::test
