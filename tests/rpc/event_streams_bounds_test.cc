// How much streams keep, each and all together.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/rpc/event_streams_fixture.h"

namespace fluxgate::rpc {
namespace {

using test::alice;
using test::bob;
using EventStreamsBounds = test::EventStreamsFixture;

TEST_F(EventStreamsBounds, DropsTheOldestBeyondItsEvents) {
    const auto stream = open(Kind::answer, 1);
    for (size_t i = 0; i < EventStreams::events_max + 2; ++i)
        streams_.append(stream, "x");
    const auto watcher = watch(stream);
    const auto batch = watcher->take();
    ASSERT_EQ(batch.events.size(), EventStreams::events_max);
    EXPECT_EQ(batch.events.front().number, 3U);
    EXPECT_EQ(batch.events.back().number, EventStreams::events_max + 2);
}

TEST_F(EventStreamsBounds, DropsTheOldestBeyondItsBytes) {
    const auto stream = open(Kind::answer, 1);
    const std::string half(EventStreams::bytes_max / 2, 'x');
    streams_.append(stream, half);
    streams_.append(stream, half);
    EXPECT_EQ(watch(stream)->take().events.size(), 2U);
    EXPECT_EQ(streams_.append(stream, "y"), 3U);
    EXPECT_EQ(watch(stream)->take().events.size(), 2U);
    EXPECT_EQ(watch(stream)->take().events.front().number, 2U);
}

TEST_F(EventStreamsBounds, RefusesAnEventThatIsTooLargeAlone) {
    const auto stream = open(Kind::answer, 1);
    EXPECT_EQ(streams_.append(stream, "a"), 1U);
    EXPECT_EQ(streams_.append(stream, std::string(EventStreams::bytes_max + 1, 'x')), 0U);
    EXPECT_EQ(kept(stream), "1a");  // nothing was dropped for it
    EXPECT_EQ(streams_.append(stream, std::string(EventStreams::bytes_max, 'x')), 2U);
    const auto old = open(Kind::old_transport, 2);
    EXPECT_EQ(streams_.append(old, std::string(EventStreams::old_bytes_max, 'x')), 1U);
    EXPECT_EQ(streams_.append(old, std::string(EventStreams::old_bytes_max + 1, 'x')), 0U);
}

TEST_F(EventStreamsBounds, KeepsNothingNewBeyondTheBytesOfAll) {
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

TEST_F(EventStreamsBounds, LeavesRoomForNotificationsBesideResults) {
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
TEST_F(EventStreamsBounds, ForgetsThePastBeforeItRefusesNews) {
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

TEST_F(EventStreamsBounds, KeepsNothingThatWasTakenWhereNobodyCanComeBack) {
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
TEST_F(EventStreamsBounds, KeepsNothingForAStreamThatIsForgotten) {
    const std::string whole(EventStreams::bytes_max, 'x');
    const auto stream = open(Kind::old_transport, 1);
    watch(stream).reset();
    EXPECT_EQ(streams_.find(1, alice), nullptr);
    for (size_t i = 0; i < 100; ++i)
        EXPECT_EQ(streams_.append(stream, whole), 0U);
    EXPECT_EQ(streams_.append(open(Kind::session, 2), whole), 1U);
}

TEST_F(EventStreamsBounds, LetsAWatcherOutliveItsStreamsPlace) {
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

// What subscriptions are allowed one by one would be gigabytes together.
TEST_F(EventStreamsBounds, BoundsTheBytesOfAllUrisThatAreFollowed) {
    const auto interest_of = [](size_t uris) {
        Interest interest;
        for (size_t i = 0; i < uris; ++i) {
            std::string uri(SessionStates::uri_bytes_max, 'u');
            uri.replace(0, 8, std::to_string(10'000'000 + i));
            interest.uris.insert(std::move(uri));
        }
        return interest;
    };
    constexpr size_t cost = SessionStates::uri_bytes_max + uri_node_bytes;
    constexpr size_t each = SessionStates::uris_max * cost;
    constexpr StreamId most = EventStreams::uri_bytes_total_max / each;
    constexpr size_t rest = EventStreams::uri_bytes_total_max % each / cost;
    const Interest whole = interest_of(SessionStates::uris_max);
    for (StreamId id = 1; id <= most; ++id)
        ASSERT_NE(open(Kind::subscription, id, {}, whole), nullptr);
    EXPECT_EQ(open(Kind::subscription, 1000, {}, whole), nullptr);
    ASSERT_NE(open(Kind::subscription, 1001, {}, interest_of(rest)), nullptr);
    Interest filler;
    filler.uris = {std::string(EventStreams::uri_bytes_total_max % cost - uri_node_bytes, 'u')};
    ASSERT_NE(open(Kind::subscription, 1006, {}, filler), nullptr);
    Interest one;
    one.uris = {"u"};
    EXPECT_EQ(open(Kind::subscription, 1002, {}, one), nullptr);
    EXPECT_NE(open(Kind::subscription, 1003), nullptr);       // it follows nothing
    EXPECT_EQ(open(Kind::subscription, 1, {}, {}), nullptr);  // the id is taken, nothing is counted
    watch(streams_.find(1, {})).reset();  // the end of a subscription makes room
    EXPECT_NE(open(Kind::subscription, 1004, {}, whole), nullptr);
    EXPECT_EQ(open(Kind::subscription, 1005, {}, one), nullptr);
}

}  // namespace
}  // namespace fluxgate::rpc
