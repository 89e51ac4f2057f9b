// LastUsed against a real PostgreSQL, on a clock that the test moves.
#include "oauth/last_used.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/oauth/key_fixture.h"
#include "tests/support/log_capture.h"
#include "tests/support/manual_clock.h"

namespace fluxgate::oauth {
namespace {

struct WithClock {
    test::ManualClock clock;  // outlives the fixture's loop
};

class LastUsedTest : protected WithClock, public KeyFixture {
protected:
    LastUsedTest() : KeyFixture(&clock) {
        add_service_key();
        add_client_key();
    }
    void note(http::PrincipalKind kind, const std::string& id) {
        http::Principal principal;
        principal.kind = kind;
        principal.key_id = id;
        last_used.note(principal);
    }
    void note_service_key() {
        note(http::PrincipalKind::service_key,
             cluster.value_of("SELECT id FROM auth.service_keys"));
    }
    void note_client_key() {
        note(http::PrincipalKind::client_key, cluster.value_of("SELECT id FROM auth.client_keys"));
    }
    // "service client": how many keys of each kind have a time.
    std::string written() {
        return cluster.value_of(
            "SELECT (SELECT count(last_used_at) FROM auth.service_keys) || ' ' || "
            "(SELECT count(last_used_at) FROM auth.client_keys)");
    }
    void run_some_turns() {
        for (int turn = 0; turn < 20; ++turn)
            loop->run_turn(std::chrono::milliseconds(1));
    }
};

TEST_F(LastUsedTest, WritesOnceAnInterval) {
    note_service_key();
    note_service_key();
    note_client_key();
    EXPECT_EQ(last_used.noted_for_test(), 2u);
    clock.advance(LastUsed::interval - std::chrono::seconds(1));
    run_some_turns();
    EXPECT_EQ(last_used.noted_for_test(), 2u);
    clock.advance(std::chrono::seconds(1));
    run_until([&] { return written() == "1 1"; });
    EXPECT_EQ(last_used.noted_for_test(), 0u);
}

TEST_F(LastUsedTest, WritesWhatIsNotedWhenItCloses) {
    note_service_key();
    note_client_key();
    run_task(last_used.close(loop::Deadline::never()));
    EXPECT_EQ(written(), "1 1");
}

TEST_F(LastUsedTest, NotesABatchAndNoMore) {
    for (size_t i = 0; i <= LastUsed::keys_max; ++i) {
        const std::string digits = std::to_string(100'000 + i);
        note(http::PrincipalKind::client_key, "a11ce000-0000-4000-8000-000000" + digits);
    }
    EXPECT_EQ(last_used.noted_for_test(), LastUsed::keys_max);
}

TEST_F(LastUsedTest, LogsABatchThatWasNotTakenAndGoesOnWithTheNext) {
    test::LogCapture log;
    note(http::PrincipalKind::service_key, "no uuid");
    note(http::PrincipalKind::service_key, "nor this");
    note_client_key();
    run_task(last_used.close(loop::Deadline::never()));
    EXPECT_EQ(written(), "0 1");
    EXPECT_NE(log.text().find("sqlstate=22P02 keys=2"), std::string::npos) << log.text();
}

TEST_F(LastUsedTest, GivesUpAtTheDeadlineOfItsEndWhilePostgresIsFrozen) {
    note_service_key();
    clock.advance(LastUsed::interval);
    run_until([&] { return written() == "1 0" && pool->stats().in_flight == 0; });
    run_some_turns();  // that write has ended here as well, and the lane is connected

    note_service_key();
    note_client_key();
    const std::string again = cluster.value_of("SELECT id FROM auth.service_keys");
    test::LogCapture log;
    cluster.freeze();
    clock.advance(LastUsed::interval);
    run_some_turns();  // the write of the service key is under way, the other one waits for it
    EXPECT_EQ(last_used.noted_for_test(), 1u) << log.text();
    note(http::PrincipalKind::service_key, again);

    bool done = false;
    loop::Scope scope(loop.get());
    const loop::Deadline deadline = loop::Deadline::after(clock.now(), std::chrono::seconds(1));
    scope.spawn("close", run_and_note(last_used.close(deadline), &done));
    run_some_turns();
    EXPECT_FALSE(done);
    clock.advance(std::chrono::seconds(1));
    run_until([&] { return done; });  // the clock stands still: nothing else is waited for
    cluster.thaw();
    run_until([&] { return scope.empty(); });
    EXPECT_EQ(last_used.noted_for_test(), 0u);
    EXPECT_EQ(log.count_of("last_used_not_written"), 3u) << log.text();
    EXPECT_NE(log.text().find("kind=cancelled sqlstate=\"\" keys=1"), std::string::npos)
        << log.text();
}

}  // namespace
}  // namespace fluxgate::oauth
