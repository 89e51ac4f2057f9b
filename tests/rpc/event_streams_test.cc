#include "rpc/event_streams.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/rpc/fake_tool.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;
using Kind = EventStreams::Kind;

constexpr SessionNonce alice{1};
constexpr SessionNonce bob{2};

class EventStreamsTest : public testing::Test {
protected:
    EventStreamsTest() { wakes_.attach(loop_.get()); }
    EventStreams::StreamPtr open(Kind kind, StreamId id, const SessionNonce& session = alice,
                                 Interest interest = {}) {
        return streams_.open(kind, id, session, std::move(interest), loop_.get()->now());
    }
    std::unique_ptr<EventStreams::Watcher> watch(const EventStreams::StreamPtr& stream,
                                                 uint32_t after = 0) {
        return std::make_unique<EventStreams::Watcher>(&streams_, stream, after, &wakes_,
                                                       loop_.get());
    }
    // "1a 2b" for the events a and b; "." where the stream is over, "/" where it was replaced.
    static std::string taken(EventStreams::Watcher& watcher) {
        const EventStreams::Watcher::Batch batch = watcher.take();
        std::string text;
        for (const StreamEvent& event : batch.events) {
            if (!text.empty()) text += ' ';
            text += std::to_string(event.number) + event.data;
        }
        if (batch.is_over) text += '.';
        if (batch.is_replaced) text += '/';
        return text;
    }
    std::string kept(const EventStreams::StreamPtr& stream, uint32_t after = 0) {
        return taken(*watch(stream, after));
    }
    // Another stream is opened after all that is too old went.
    void sweep() {
        loop_.advance(EventStreams::kept_for + 6s);
        ASSERT_NE(open(Kind::answer, ++sweeper_, bob), nullptr);
    }

    loop::WakeList wakes_;  // outlives the loop
    test::TestLoop loop_;
    SessionStates states_;
    EventStreams streams_{&states_};
    StreamId sweeper_ = 1'000'000;
};

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
            *log += event.data;
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

// ---- bounds

TEST_F(EventStreamsTest, DropsTheOldestBeyondItsEvents) {
    const auto stream = open(Kind::answer, 1);
    for (size_t i = 0; i < EventStreams::events_max + 2; ++i)
        streams_.append(stream, "x");
    const auto watcher = watch(stream);
    const auto batch = watcher->take();
    ASSERT_EQ(batch.events.size(), EventStreams::events_max);
    EXPECT_EQ(batch.events.front().number, 3U);
    EXPECT_EQ(batch.events.back().number, EventStreams::events_max + 2);
}

TEST_F(EventStreamsTest, DropsTheOldestBeyondItsBytes) {
    const auto stream = open(Kind::answer, 1);
    const std::string half(EventStreams::bytes_max / 2, 'x');
    streams_.append(stream, half);
    streams_.append(stream, half);
    EXPECT_EQ(watch(stream)->take().events.size(), 2U);
    EXPECT_EQ(streams_.append(stream, "y"), 3U);
    EXPECT_EQ(watch(stream)->take().events.size(), 2U);
    EXPECT_EQ(watch(stream)->take().events.front().number, 2U);
}

TEST_F(EventStreamsTest, RefusesAnEventThatIsTooLargeAlone) {
    const auto stream = open(Kind::answer, 1);
    EXPECT_EQ(streams_.append(stream, "a"), 1U);
    EXPECT_EQ(streams_.append(stream, std::string(EventStreams::bytes_max + 1, 'x')), 0U);
    EXPECT_EQ(kept(stream), "1a");  // nothing was dropped for it
    EXPECT_EQ(streams_.append(stream, std::string(EventStreams::bytes_max, 'x')), 2U);
    const auto old = open(Kind::old_transport, 2);
    EXPECT_EQ(streams_.append(old, std::string(EventStreams::old_bytes_max, 'x')), 1U);
    EXPECT_EQ(streams_.append(old, std::string(EventStreams::old_bytes_max + 1, 'x')), 0U);
}

TEST_F(EventStreamsTest, KeepsNothingNewBeyondTheBytesOfAll) {
    const std::string whole(EventStreams::bytes_max, 'x');
    constexpr size_t most = EventStreams::bytes_total_max / EventStreams::bytes_max;
    std::vector<EventStreams::StreamPtr> streams;
    for (size_t i = 0; i < most; ++i) {
        streams.push_back(open(Kind::session, i + 1, {1, static_cast<uint8_t>(i)}));
        ASSERT_NE(streams_.append(streams.back(), whole), 0U);
    }
    const auto one_more = open(Kind::session, 1000, bob);
    EXPECT_EQ(streams_.append(one_more, "a"), 0U);
    sweep();  // it makes room
    const auto later = open(Kind::session, 1001, bob);
    EXPECT_NE(streams_.append(later, "a"), 0U);
}

TEST_F(EventStreamsTest, LeavesRoomForNotificationsBesideResults) {
    const std::string whole(EventStreams::bytes_max, 'x');
    constexpr size_t most = EventStreams::bytes_total_max / 2 / EventStreams::bytes_max;
    for (size_t i = 0; i < most; ++i)
        ASSERT_NE(streams_.append(open(Kind::answer, i + 1), whole), 0U);
    EXPECT_EQ(streams_.append(open(Kind::answer, 1000), "a"), 0U);
    EXPECT_EQ(streams_.append(open(Kind::old_transport, 1001), "a"), 0U);
    EXPECT_EQ(streams_.append(open(Kind::subscription, 1002), "a"), 1U);
    EXPECT_EQ(streams_.append(open(Kind::session, 1003), "a"), 1U);
}

// As many streams with their past as would fill the room: who is there goes on to hear of news.
TEST_F(EventStreamsTest, ForgetsThePastBeforeItRefusesNews) {
    const std::string large(EventStreams::bytes_max / 4, 'x');
    std::vector<EventStreams::StreamPtr> streams;
    std::vector<std::unique_ptr<EventStreams::Watcher>> watchers;
    for (uint8_t i = 0; i < 200; ++i) {
        streams.push_back(open(Kind::session, StreamId{i} + 1, {1, i}));
        watchers.push_back(watch(streams.back()));
    }
    for (uint32_t round = 1; round <= 10; ++round) {  // 500 MB in all
        for (size_t i = 0; i < streams.size(); ++i) {
            ASSERT_EQ(streams_.append(streams[i], large), round);
            ASSERT_EQ(watchers[i]->take().events.size(), 1U);
        }
        const auto late = open(Kind::session, 1000 + round, {2, static_cast<uint8_t>(round)});
        ASSERT_EQ(streams_.append(late, "a"), 1U);
    }
}

TEST_F(EventStreamsTest, KeepsNothingThatWasTakenWhereNobodyCanComeBack) {
    const std::string whole(EventStreams::old_bytes_max, 'x');
    for (const Kind kind : {Kind::old_transport, Kind::subscription}) {
        const auto stream = open(kind, static_cast<StreamId>(kind) + 1);
        const auto watcher = watch(stream);
        const std::string data = kind == Kind::old_transport ? whole : "a";
        for (uint32_t number = 1; number <= 10; ++number) {
            ASSERT_EQ(streams_.append(stream, data), number);
            ASSERT_EQ(watcher->take().events.size(), 1U);
            ASSERT_TRUE(watcher->take().events.empty());
        }
    }
}

// Calls of the old transport end after its stream has gone: what they say must not count for ever.
TEST_F(EventStreamsTest, KeepsNothingForAStreamThatIsForgotten) {
    const std::string whole(EventStreams::bytes_max, 'x');
    const auto stream = open(Kind::old_transport, 1);
    watch(stream).reset();
    EXPECT_EQ(streams_.find(1, alice), nullptr);
    for (size_t i = 0; i < 100; ++i)
        EXPECT_EQ(streams_.append(stream, whole), 0U);
    EXPECT_EQ(streams_.append(open(Kind::session, 2), whole), 1U);
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

// ---- what has changed

TEST_F(EventStreamsTest, TellsASessionEveryChangeOfTheLists) {
    const auto session = open(Kind::session, 1);
    const auto old = open(Kind::old_transport, 2, bob);
    const auto answer = open(Kind::answer, 3);
    const auto watcher = watch(old);
    streams_.publish({.tools = true, .prompts = false, .resources = true, .updated = {}});
    const std::string both =
        R"(1{"jsonrpc":"2.0","method":"notifications/tools/list_changed"} )"
        R"(2{"jsonrpc":"2.0","method":"notifications/resources/list_changed"})";
    EXPECT_EQ(kept(session), both);
    EXPECT_EQ(taken(*watcher), both);
    EXPECT_EQ(kept(answer), "");
    streams_.publish({});
    EXPECT_EQ(taken(*watcher), "");
    streams_.publish({.tools = false, .prompts = true, .resources = false, .updated = {}});
    EXPECT_EQ(taken(*watcher),
              R"(3{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"})");
}

TEST_F(EventStreamsTest, TellsASessionOfTheResourcesThatItFollows) {
    ASSERT_TRUE(states_.follow(alice, "a://1"));
    const auto own = open(Kind::session, 1);
    const auto foreign = open(Kind::session, 2, bob);
    streams_.publish({.tools = false,
                      .prompts = false,
                      .resources = false,
                      .updated = {{.uri = "a://1"}, {.uri = "a://2"}}});
    EXPECT_EQ(kept(own), R"(1{"jsonrpc":"2.0","method":"notifications/resources/updated",)"
                         R"("params":{"uri":"a://1"}})");
    EXPECT_EQ(kept(foreign), "");
    states_.unfollow(alice, "a://1");
    streams_.publish(
        {.tools = false, .prompts = false, .resources = false, .updated = {{.uri = "a://1"}}});
    EXPECT_EQ(kept(own, 1), "");
}

TEST_F(EventStreamsTest, TellsNobodyOfAResourceThatItsRoleMayNotRead) {
    Interest interest;
    interest.role = http::Role::authenticated;
    interest.uris = {"a://1"};
    interest.subscription_id = "1";
    const auto subscription = open(Kind::subscription, 1, {}, interest);
    const auto publish_for = [&](http::Role role) {
        streams_.publish({.tools = false,
                          .prompts = false,
                          .resources = false,
                          .updated = {{.uri = "a://1", .readers = UpdatedResource::bit(role)}}});
    };
    publish_for(http::Role::service_role);
    publish_for(http::Role::anon);
    EXPECT_EQ(kept(subscription), "");
    publish_for(http::Role::authenticated);
    EXPECT_NE(kept(subscription), "");
}

TEST_F(EventStreamsTest, TellsASubscriptionWhatItWants) {
    ASSERT_TRUE(states_.follow({}, "a://2"));  // sessions follow, subscriptions say what they want
    Interest interest;
    interest.prompts = true;
    interest.uris = {"a://1"};
    interest.subscription_id = "\"s\"";
    const auto stream = open(Kind::subscription, 1, {}, interest);
    const auto nothing = open(Kind::subscription, 2, {}, {});
    const auto watcher = watch(stream);
    streams_.publish({.tools = true,
                      .prompts = true,
                      .resources = true,
                      .updated = {{.uri = "a://2"}, {.uri = "a://1"}}});
    EXPECT_EQ(taken(*watcher),
              R"(1{"jsonrpc":"2.0","method":"notifications/prompts/list_changed","params":{)"
              R"("_meta":{"io.modelcontextprotocol/subscriptionId":"s"}}} )"
              R"(2{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{)"
              R"("uri":"a://1","_meta":{"io.modelcontextprotocol/subscriptionId":"s"}}})");
    EXPECT_EQ(kept(nothing), "");
}

TEST_F(EventStreamsTest, LetsAWatcherOutliveItsStreamsPlace) {
    auto stream = open(Kind::session, 1);
    auto watcher = watch(stream);
    streams_.append(stream, std::string(EventStreams::bytes_max, 'x'));
    streams_.end_session(alice, loop_.get()->now());
    stream.reset();
    EXPECT_EQ(watcher->take().events.size(), 1U);
    watcher.reset();
    // Its bytes no longer count.
    for (uint8_t id = 10; id < 10 + 64; ++id) {
        ASSERT_EQ(streams_.append(open(Kind::session, id, {3, id}),
                                  std::string(EventStreams::bytes_max, 'x')),
                  1U);
    }
}

}  // namespace
}  // namespace fluxgate::rpc
