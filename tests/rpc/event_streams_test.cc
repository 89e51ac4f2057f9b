// Who finds a stream, what a watcher takes, and how streams end. How much is kept, and who is told
// what: event_streams_*_test.cc.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "tests/rpc/event_streams_fixture.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;
using test::alice;
using test::bob;
using EventStreamsTest = test::EventStreamsFixture;

// ---- finding

TEST_F(EventStreamsTest, FindsAStreamForItsSessionOnly) {
    const auto stream = open(Kind::answer, 7);
    EXPECT_EQ(streams_.find(7, alice), stream);
    EXPECT_EQ(streams_.find(7, bob), nullptr);
    EXPECT_EQ(streams_.find(7, {}), nullptr);
    EXPECT_EQ(streams_.find(8, alice), nullptr);
    EXPECT_EQ(streams_.find_session_stream(alice), nullptr);  // it is an answer's
    EXPECT_EQ(EventStreams::id_of(stream), 7U);
}

TEST_F(EventStreamsTest, HasOneStreamASession) {
    const auto first = open(Kind::session, 1);
    EXPECT_EQ(streams_.find_session_stream(alice), first);
    EXPECT_EQ(streams_.find_session_stream(bob), nullptr);
    // Two connections may come at the same time, on two cores: both get the same one.
    EXPECT_EQ(open(Kind::session, 2), first);
    EXPECT_EQ(streams_.count(), 1U);
    EXPECT_NE(open(Kind::session, 3, bob), first);
}

TEST_F(EventStreamsTest, RefusesAnIdTwiceAndTooManyStreams) {
    ASSERT_NE(open(Kind::answer, 1), nullptr);
    EXPECT_EQ(open(Kind::answer, 1, bob), nullptr);
    for (StreamId id = 2; id <= EventStreams::streams_max; ++id)
        ASSERT_NE(open(Kind::answer, id), nullptr);
    EXPECT_EQ(open(Kind::answer, 100'000), nullptr);
    EXPECT_EQ(open(Kind::session, 100'001), nullptr);
    EXPECT_EQ(streams_.count(), EventStreams::streams_max);
    EXPECT_EQ(streams_.find_session_stream(alice), nullptr);
}

// ---- taking

TEST_F(EventStreamsTest, GivesWhatCameBehindAnEvent) {
    const auto stream = open(Kind::answer, 1);
    EXPECT_EQ(streams_.append(stream, "a"), 1U);
    EXPECT_EQ(streams_.append(stream, "b"), 2U);
    EXPECT_EQ(streams_.append(stream, "c"), 3U);
    EXPECT_EQ(kept(stream), "1a 2b 3c");
    EXPECT_EQ(kept(stream, 1), "2b 3c");
    EXPECT_EQ(kept(stream, 3), "");
    EXPECT_EQ(kept(stream, 99), "");
}

TEST_F(EventStreamsTest, GivesAnEventToAWatcherOnce) {
    const auto stream = open(Kind::answer, 1);
    const auto watcher = watch(stream);
    streams_.append(stream, "a");
    EXPECT_EQ(taken(*watcher), "1a");
    EXPECT_EQ(taken(*watcher), "");
    streams_.append(stream, "b");
    EXPECT_EQ(taken(*watcher), "2b");
}

TEST_F(EventStreamsTest, RemembersWhatWasTaken) {
    const auto stream = open(Kind::session, 1);
    EXPECT_EQ(streams_.taken(stream), 0U);
    streams_.append(stream, "a");
    EXPECT_EQ(streams_.taken(stream), 0U);
    EXPECT_EQ(kept(stream), "1a");
    EXPECT_EQ(streams_.taken(stream), 1U);
    streams_.append(stream, "b");
    EXPECT_EQ(streams_.taken(stream), 1U);
    EXPECT_EQ(kept(stream, streams_.taken(stream)), "2b");
}

// Under the process's lock an event is a pointer, however large it is.
TEST_F(EventStreamsTest, CopiesNoData) {
    const auto data = std::make_shared<const std::string>(1000, 'x');
    for (const Kind kind : {Kind::answer, Kind::old_transport}) {
        const auto stream = open(kind, static_cast<StreamId>(kind) + 1);
        streams_.append(stream, data);
        const auto batch = watch(stream)->take();
        ASSERT_EQ(batch.events.size(), 1U);
        EXPECT_EQ(batch.events[0].data.get(), data.get());
    }
}

TEST_F(EventStreamsTest, TellsAWatcherThatItWasReplaced) {
    const auto stream = open(Kind::session, 1);
    const auto first = watch(stream);
    const auto second = watch(stream);
    streams_.append(stream, "a");
    EXPECT_EQ(taken(*first), "/");
    EXPECT_EQ(taken(*second), "1a");
    EXPECT_EQ(taken(*first), "/");
}

TEST_F(EventStreamsTest, KeepsTheSecondWatcherWhenTheFirstGoes) {
    const auto stream = open(Kind::session, 1);
    auto first = watch(stream);
    const auto second = watch(stream);
    first.reset();
    streams_.append(stream, "a");
    EXPECT_EQ(taken(*second), "1a");
    sweep();
    EXPECT_EQ(streams_.find_session_stream(alice), stream);
}

loop::Task<void> follow(EventStreams::Watcher* watcher, loop::Scope* scope, std::string* log) {
    for (;;) {
        const EventStreams::Watcher::Batch batch = watcher->take();
        for (const StreamEvent& event : batch.events)
            *log += *event.data;
        if (batch.is_over || batch.is_replaced) {
            *log += batch.is_over ? '.' : '/';
            co_return;
        }
        const loop::Result<void> woken = co_await watcher->waiter().wait(*scope, 1h);
        if (!woken) co_return;
    }
}

TEST_F(EventStreamsTest, WakesTheWatcher) {
    const auto stream = open(Kind::session, 1);
    loop::Scope scope(loop_.get());
    std::string first_log;
    std::string second_log;
    const auto first = watch(stream);
    scope.spawn("first", follow(first.get(), &scope, &first_log));
    streams_.append(stream, "a");
    streams_.append(stream, "b");
    EXPECT_EQ(first_log, "");
    loop_.get()->run_until_idle();
    EXPECT_EQ(first_log, "ab");
    const auto second = watch(stream, streams_.taken(stream));
    scope.spawn("second", follow(second.get(), &scope, &second_log));
    loop_.get()->run_until_idle();
    EXPECT_EQ(first_log, "ab/");
    streams_.append(stream, "c");
    streams_.end(stream, loop_.get()->now());
    loop_.get()->run_until_idle();
    EXPECT_EQ(second_log, "c.");
    EXPECT_TRUE(scope.empty());
}

// ---- the end

TEST_F(EventStreamsTest, EndsBehindWhatIsThere) {
    const auto stream = open(Kind::answer, 1);
    streams_.append(stream, "a");
    streams_.end(stream, loop_.get()->now());
    EXPECT_EQ(streams_.append(stream, "b"), 0U);
    EXPECT_EQ(kept(stream), "1a.");
    EXPECT_EQ(kept(stream, 1), ".");
}

TEST_F(EventStreamsTest, KeepsAnEndedAnswerForAWhile) {
    const auto stream = open(Kind::answer, 1);
    streams_.append(stream, "a");
    sweep();
    EXPECT_EQ(streams_.find(1, alice), stream);  // its call runs
    streams_.end(stream, loop_.get()->now());
    loop_.advance(EventStreams::kept_for - 1s);
    ASSERT_NE(open(Kind::answer, 2), nullptr);
    EXPECT_EQ(streams_.find(1, alice), stream);
    EXPECT_EQ(kept(stream), "1a.");  // attached: the time begins anew
    loop_.advance(EventStreams::kept_for - 1s);
    ASSERT_NE(open(Kind::answer, 3), nullptr);
    EXPECT_EQ(streams_.find(1, alice), stream);
    sweep();
    EXPECT_EQ(streams_.find(1, alice), nullptr);
}

TEST_F(EventStreamsTest, KeepsASessionsStreamWhileSomebodyIsAttached) {
    const auto stream = open(Kind::session, 1);
    auto watcher = watch(stream);
    sweep();
    EXPECT_EQ(streams_.find_session_stream(alice), stream);
    watcher.reset();
    sweep();
    EXPECT_EQ(streams_.find_session_stream(alice), nullptr);
    EXPECT_EQ(kept(stream), ".");  // whoever still holds it is told
}

TEST_F(EventStreamsTest, ForgetsWhatNobodyCanComeBackTo) {
    for (const Kind kind : {Kind::old_transport, Kind::subscription}) {
        const auto stream = open(kind, 5);
        auto watcher = watch(stream);
        EXPECT_EQ(streams_.count(), 1U);
        watcher.reset();
        EXPECT_EQ(streams_.count(), 0U);
    }
}

TEST_F(EventStreamsTest, EndsTheStreamsOfASession) {
    const auto own = open(Kind::session, 1);
    const auto answer = open(Kind::answer, 2);
    const auto foreign = open(Kind::session, 3, bob);
    auto watcher = watch(own);
    streams_.append(own, "a");
    streams_.append(answer, "b");
    streams_.end_session(alice, loop_.get()->now());
    EXPECT_EQ(streams_.find(1, alice), nullptr);
    EXPECT_EQ(streams_.find(2, alice), nullptr);
    EXPECT_EQ(streams_.find_session_stream(alice), nullptr);
    EXPECT_EQ(streams_.find_session_stream(bob), foreign);
    EXPECT_EQ(streams_.append(own, "c"), 0U);
    EXPECT_EQ(taken(*watcher), "1a.");
    // The watcher dies after its stream was forgotten, and another stream may have the id.
    const auto next = open(Kind::session, 1);
    watcher.reset();
    EXPECT_EQ(streams_.find_session_stream(alice), next);
    EXPECT_EQ(streams_.count(), 2U);
}

TEST_F(EventStreamsTest, ClosesAllButAnswers) {
    const auto session = open(Kind::session, 1);
    const auto answer = open(Kind::answer, 2);
    const auto subscription = open(Kind::subscription, 3);
    streams_.close();
    EXPECT_EQ(kept(session), ".");
    EXPECT_EQ(kept(subscription), ".");
    EXPECT_EQ(streams_.append(answer, "a"), 1U);  // its call ends it
    EXPECT_EQ(kept(answer), "1a");
    EXPECT_EQ(kept(open(Kind::session, 4, bob)), ".");  // over from the start
}

}  // namespace
}  // namespace fluxgate::rpc
