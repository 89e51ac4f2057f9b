// Lanes and pipelines against a scripted backend: what goes over the wire, connections cut at every
// byte, answers out of order, silence, and the back-off by a clock that the test moves.
#include "pg/lane.h"

#include <gtest/gtest.h>

#include "loop/blocking.h"
#include "tests/pg/pool_fixture.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scripted_postgres.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FLUX_HAS_LSAN
#endif
#endif
#ifdef FLUX_HAS_LSAN
#include <sanitizer/lsan_interface.h>
#endif

namespace fluxgate::pg::test {
namespace {

// libpq loses a half-read PGresult when the server breaks the protocol in the middle of it.
struct LibpqMayLeak {
#ifdef FLUX_HAS_LSAN
    LibpqMayLeak() { __lsan_disable(); }
    ~LibpqMayLeak() { __lsan_enable(); }
#endif
};

using fluxgate::test::ManualClock;
using fluxgate::test::ScriptedPostgres;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Answer = ScriptedPostgres::Answer;

class LaneTest : public testing::Test {
protected:
    LaneTest() : blocking(loop::BlockingPool::Options()) {
        loop::Loop::Options loop_options;
        loop_options.clock = &clock;
        loop = std::move(*loop::Loop::create(loop_options));
        options.host = "127.0.0.1";
        options.port = server.port();
        options.user_login.user = "user";
        options.fast_lanes = 1;
        make_pool();
    }
    ~LaneTest() override { close_pool(); }

    void make_pool() {
        close_pool();
        pool = std::make_unique<Pool>(loop.get(), &blocking, options);
    }
    void close_pool() {
        if (pool == nullptr) return;
        loop::Scope scope(loop.get());
        scope.spawn("close", pool->close(loop::Deadline(loop->now() + milliseconds(1))));
        clock.advance(milliseconds(100));
        run_until([&] { return scope.empty(); });
        pool.reset();
    }
    // In real time, for what other threads and the kernel do; the clock of the loop stands still.
    template <class Done>
    void run_until(Done done) {
        for (int turn = 0; turn < 20'000 && !done(); ++turn) {
            server.step();
            loop->run_turn(milliseconds(1));
        }
        EXPECT_TRUE(done());
    }
    // Long enough that what could happen has happened.
    void settle() {
        for (int turn = 0; turn < 20; ++turn) {
            server.step();
            loop->run_turn(milliseconds(1));
        }
    }
    std::unique_ptr<PendingCall> start(const std::string& sql, Access access = Access::read,
                                       Pace pace = Pace::fast) {
        auto pending = std::make_unique<PendingCall>(loop.get(), pool.get());
        pending->as(Role::authenticated, R"({"sub":"alice"})").sql(sql);
        pending->query.access = access;
        pending->query.pace = pace;
        pending->start();
        return pending;
    }
    std::unique_ptr<PendingCall> run(const std::string& sql, Access access = Access::read,
                                     Pace pace = Pace::fast) {
        auto pending = start(sql, access, pace);
        run_until([&] { return pending->ended(); });
        return pending;
    }
    void connect_all() {
        pool->warm_up();
        run_until([&] { return pool->stats().connected == 6; });  // two roles, three classes
    }

    ManualClock clock;
    ScriptedPostgres server;
    std::unique_ptr<loop::Loop> loop;
    loop::BlockingPool blocking;
    Options options;
    std::unique_ptr<Pool> pool;
};

// ---- the wire

TEST_F(LaneTest, ASegmentIsIdentityStatementAndOneSync) {
    run("SELECT a");
    EXPECT_EQ(server.messages(),
              "PBDEPBDES");  // what must be parsed first is in the segment as well
    server.forget_messages();
    run("SELECT a");
    EXPECT_EQ(server.messages(), "BDEBDES");
    EXPECT_EQ(server.executed("BEGIN"), 0);
    EXPECT_EQ(server.executed("SET "), 0);
}

TEST_F(LaneTest, TheRoleAndTheFormatsAreStartUpOptions) {
    run("SELECT a");
    for (const char* option : {"-c role=authenticated", "-c statement_timeout=150",
                               "-c DateStyle=ISO", "-c TimeZone=UTC", "-c bytea_output=hex",
                               "-c IntervalStyle=iso_8601", "fluxgate", "UTF8"}) {
        EXPECT_NE(server.startup().find(option), std::string::npos) << option;
    }
}

TEST_F(LaneTest, BehindAPoolerThereAreNoStartUpOptions) {
    options.pooler = true;
    make_pool();
    run("SELECT a");
    EXPECT_EQ(server.startup().find("-c "), std::string::npos);
    EXPECT_EQ(server.executed("set_config('role',$3,true)"), 1);
}

// ---- errors

TEST_F(LaneTest, AnErrorAtTheSyncTakesTheRowBack) {
    Answer answer;
    answer.commit_sqlstate = "23503";
    server.on("INSERT", answer);
    auto pending = run("INSERT x", Access::write);
    ASSERT_FALSE(pending->outcome->has_value());
    EXPECT_EQ(pending->kind(), ErrorKind::conflict);
    // The connection goes on.
    EXPECT_EQ(run("UPDATE y", Access::write)->first_value(), "1");
    EXPECT_EQ(pool->stats().reconnects, 0u);
}

TEST_F(LaneTest, SerializationFailuresOfReadsAreTriedThreeTimes) {
    Answer answer;
    answer.sqlstate = "40001";
    server.on("SELECT conflict", answer);
    EXPECT_EQ(run("SELECT conflict")->kind(), ErrorKind::serialization);
    EXPECT_EQ(server.executed("SELECT conflict"), 3);
}

TEST_F(LaneTest, SerializationFailuresOfWritesAreTheCallersMatter) {
    Answer answer;
    answer.sqlstate = "40P01";
    server.on("UPDATE conflict", answer);
    EXPECT_EQ(run("UPDATE conflict", Access::write)->kind(), ErrorKind::serialization);
    EXPECT_EQ(server.executed("UPDATE conflict"), 1);
}

TEST_F(LaneTest, AFailoverInProgressIsReadOnlyAndTheConnectionIsReplaced) {
    Answer answer;
    answer.sqlstate = "25006";
    server.on("UPDATE x", answer);
    auto pending = run("UPDATE x", Access::write);
    EXPECT_EQ(pending->kind(), ErrorKind::read_only);
    EXPECT_GE(pending->outcome->error().retry_after_s, 1);
    run_until([&] { return pool->stats().reconnects == 1; });
}

TEST_F(LaneTest, AStatementThatTheServerDoesNotKnowIsParsedAgainOnce) {
    Answer answer;
    answer.sqlstate = "26000";
    server.on("SELECT gone", answer);
    EXPECT_EQ(run("SELECT gone")->kind(), ErrorKind::bug);
    EXPECT_LE(server.executed("SELECT gone"), 3);
}

// ---- connections that end

TEST_F(LaneTest, AReadIsAnsweredWhereverItsConnectionIsCut) {
    connect_all();
    run("SELECT a");
    const size_t before = server.bytes_answered();
    run("SELECT a");
    const size_t answer_bytes = server.bytes_answered() - before;
    ASSERT_GT(answer_bytes, 50u);
    for (size_t cut = 0; cut <= answer_bytes; ++cut) {
        server.cut_after(cut);
        auto pending = run("SELECT a");
        ASSERT_TRUE(pending->outcome->has_value()) << "cut after " << cut;
        EXPECT_EQ(pending->first_value(), "1");
        run_until([&] { return pool->stats().connected == 6; });
    }
}

TEST_F(LaneTest, AWriteIsSentOnceWhereverItsConnectionIsCut) {
    connect_all();
    run("INSERT warm", Access::write);
    const size_t before = server.bytes_answered();
    run("INSERT warm", Access::write);
    const size_t answer_bytes = server.bytes_answered() - before;
    for (size_t cut = 0; cut <= answer_bytes; ++cut) {
        run("INSERT warm", Access::write);  // prepared on the new connection
        const int executed = server.executed("INSERT warm");
        server.cut_after(cut);
        auto pending = run("INSERT warm", Access::write);
        EXPECT_EQ(server.executed("INSERT warm"), executed + 1);
        if (cut < answer_bytes)
            EXPECT_EQ(pending->kind(), ErrorKind::outcome_unknown) << "cut after " << cut;
        else
            EXPECT_TRUE(pending->outcome->has_value());
        run_until([&] { return pool->stats().connected == 6; });
    }
}

TEST_F(LaneTest, FatalInTheMiddleOfAPipelineFailsWhatIsBehindIt) {
    connect_all();
    Answer answer;
    answer.sqlstate = "57P01";
    answer.is_fatal = true;
    server.on("UPDATE fatal", answer);
    auto first = start("UPDATE one", Access::write);
    auto second = start("UPDATE fatal", Access::write);
    auto third = start("UPDATE three", Access::write);
    run_until([&] { return first->ended() && second->ended() && third->ended(); });
    EXPECT_EQ(first->first_value(), "1");
    EXPECT_EQ(second->kind(), ErrorKind::outcome_unknown);
    EXPECT_EQ(third->kind(), ErrorKind::outcome_unknown);
    EXPECT_EQ(server.executed("UPDATE three"), 0);
}

TEST_F(LaneTest, AnAnswerOutOfOrderBreaksTheConnection) {
    [[maybe_unused]] const LibpqMayLeak scope;
    connect_all();
    for (const std::string& raw :
         {std::string("Z\0\0\0\5I", 6), std::string("Z\0\0\0\5T", 6), std::string("1\0\0\0\4", 5),
          std::string("\x7f\0\0\0\4", 5), std::string("D\xff\xff\xff\xff", 5),
          std::string("G\0\0\0\7\0\0\0", 8), std::string("HTTP/1.1 400 Bad Request\r\n\r\n")}) {
        const uint64_t reconnects = pool->stats().reconnects;
        Answer answer;
        answer.raw = raw;
        server.on("SELECT odd", answer);
        auto pending = run("SELECT odd");
        EXPECT_FALSE(pending->outcome->has_value());
        run_until(
            [&] { return pool->stats().reconnects > reconnects && pool->stats().connected == 6; });
        EXPECT_EQ(run("SELECT even")->first_value(), "1");
    }
}

TEST_F(LaneTest, SilenceLongerThanTheTimeoutEndsTheConnection) {
    connect_all();
    Answer stall;
    stall.stall = true;
    server.on("SELECT silent", stall);
    auto pending = start("SELECT silent");
    settle();
    server.on("SELECT silent", Answer());
    clock.advance(milliseconds(5'100));
    settle();
    EXPECT_FALSE(pending->ended());
    clock.advance(milliseconds(100));
    run_until([&] { return pending->ended(); });
    EXPECT_EQ(pending->first_value(), "1");  // read once more on another connection
    EXPECT_EQ(pool->stats().retries, 1u);
}

TEST_F(LaneTest, NothingIsQueuedBehindASegmentOlderThanFiveMilliseconds) {
    connect_all();
    Answer stall;
    stall.stall = true;
    server.on("SELECT silent", stall);
    auto silent = start("SELECT silent");
    settle();
    auto young = start("SELECT quick");
    EXPECT_EQ(pool->stats().queued, 0u);
    clock.advance(milliseconds(6));
    settle();
    auto late = start("SELECT quick");
    EXPECT_EQ(pool->stats().queued, 1u);
    server.resume();
    run_until([&] { return silent->ended() && young->ended() && late->ended(); });
    EXPECT_EQ(late->first_value(), "1");
}

TEST_F(LaneTest, AFastLaneTakesNoMoreThanItsDepth) {
    connect_all();
    Answer stall;
    stall.stall = true;
    server.on("SELECT silent", stall);
    std::vector<std::unique_ptr<PendingCall>> calls;
    for (int at = 0; at < 20; ++at)
        calls.push_back(start("SELECT silent"));
    EXPECT_EQ(pool->stats().in_flight, 16u);
    EXPECT_EQ(pool->stats().queued, 4u);
    server.on("SELECT silent", Answer());
    for (const auto& pending : calls) {
        run_until([&] {
            server.resume();
            return pending->ended();
        });
    }
}

// ---- connecting

TEST_F(LaneTest, AttemptsBackOffToFiveSeconds) {
    server.refuse_with("57P03");
    auto pending = run("SELECT a");
    EXPECT_EQ(pending->kind(), ErrorKind::unavailable);
    settle();
    int accepted = server.accepted();
    EXPECT_LE(accepted, 2);  // as many as may connect at once
    for (int half_minute = 0; half_minute < 3'000; ++half_minute) {
        clock.advance(milliseconds(10));
        server.step();
        loop->run_turn(loop::Duration::zero());
        if (half_minute % 20 == 0) settle();
    }
    // 50 ms, doubled to 5 s: a dozen attempts in half a minute, for all lanes together.
    EXPECT_GE(server.accepted() - accepted, 8);
    EXPECT_LE(server.accepted() - accepted, 16);
    EXPECT_LE(pool->retry_after_s(), 5);
    server.refuse_with("");
    clock.advance(seconds(5));
    run_until([&] { return pool->stats().connected == 3; });
    EXPECT_EQ(run("SELECT a")->first_value(), "1");
}

TEST_F(LaneTest, AServerThatAcceptsAndDropsIsNotHammered) {
    auto first = run("SELECT a");
    EXPECT_EQ(first->first_value(), "1");
    run_until([&] { return pool->stats().connected == 3; });
    const int accepted = server.accepted();
    for (int hundredth = 0; hundredth < 3'000; ++hundredth) {
        clock.advance(milliseconds(10));
        server.step();
        loop->run_turn(loop::Duration::zero());
        if (hundredth % 5 != 0) continue;
        settle();
        server.close_all();
        settle();
    }
    // The three that were good for something are replaced at once; what follows backs off.
    EXPECT_GE(server.accepted() - accepted, 3 + 6);
    EXPECT_LE(server.accepted() - accepted, 3 + 2 * 16);
}

TEST_F(LaneTest, AnAttemptThatHangsEndsAtItsTimeout) {
    // Nobody calls server.step(): the kernel accepts, and nothing is said.
    options.queue_wait_max_ms = 60'000;
    make_pool();
    auto waiting = std::make_unique<PendingCall>(loop.get(), pool.get());
    waiting->as(Role::authenticated).sql("SELECT a").start();
    for (int turn = 0; turn < 100; ++turn)
        loop->run_turn(milliseconds(1));
    EXPECT_FALSE(waiting->ended());
    clock.advance(milliseconds(5'010));
    for (int turn = 0; turn < 200 && !waiting->ended(); ++turn)
        loop->run_turn(milliseconds(1));
    ASSERT_TRUE(waiting->ended());
    EXPECT_EQ(waiting->kind(), ErrorKind::unavailable);
}

TEST_F(LaneTest, NoMoreThanTwoConnectAtOnce) {
    pool->warm_up();
    settle();
    EXPECT_LE(pool->stats().connecting, 2u);
    run_until([&] { return pool->stats().connected == 6; });
    EXPECT_EQ(pool->stats().connecting, 0u);
}

TEST_F(LaneTest, ConnectionsRetireAfterAnHour) {
    connect_all();
    EXPECT_EQ(run("SELECT a")->first_value(), "1");
    clock.advance(std::chrono::hours(2));
    settle();
    EXPECT_EQ(run("SELECT a")->first_value(), "1");
    run_until([&] { return pool->stats().reconnects >= 1 && pool->stats().connected == 6; });
    EXPECT_EQ(run("SELECT a")->first_value(), "1");
    EXPECT_EQ(pool->stats().retries, 0u);
}

}  // namespace
}  // namespace fluxgate::pg::test
