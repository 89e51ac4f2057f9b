// Which streams are told of a change.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/rpc/event_streams_fixture.h"

namespace fluxgate::rpc {
namespace {

using test::alice;
using test::bob;
using EventStreamsNews = test::EventStreamsFixture;

TEST_F(EventStreamsNews, TellsASessionEveryChangeOfTheLists) {
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

TEST_F(EventStreamsNews, TellsASessionOfTheResourcesThatItFollows) {
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

TEST_F(EventStreamsNews, WritesOnceWhatItTellsAllSessions) {
    const auto own = open(Kind::session, 1);
    const auto other = open(Kind::session, 2, bob);
    ASSERT_TRUE(states_.follow(alice, "a://1") && states_.follow(bob, "a://1"));
    streams_.publish({.tools = true,
                      .prompts = false,
                      .resources = false,
                      .updated = {{.uri = "a://1"}, {.uri = "a://2"}}});
    const auto first = watch(own)->take().events;
    const auto second = watch(other)->take().events;
    ASSERT_EQ(first.size(), 2U);
    ASSERT_EQ(second.size(), 2U);
    for (size_t i = 0; i < first.size(); ++i)
        EXPECT_EQ(first[i].data, second[i].data) << i;  // the same object
}

TEST_F(EventStreamsNews, TellsOfListsOnlyThoseForWhomTheyRead) {
    Interest interest{.tools = true,
                      .prompts = true,
                      .resources = true,
                      .role = http::Role::authenticated,
                      .uris = {},
                      .subscription_id = "1"};
    const auto subscription = open(Kind::subscription, 1, {}, interest);
    const auto session = open(Kind::session, 2, alice, interest);
    const auto publish_for = [&](uint8_t readers) {
        streams_.publish(
            {.tools = true, .prompts = true, .resources = true, .updated = {}, .readers = readers});
    };
    const std::array watchers = {watch(subscription), watch(session)};
    publish_for(0);
    publish_for(UpdatedResource::bit(http::Role::service_role));
    for (const auto& watcher : watchers)
        EXPECT_TRUE(watcher->take().events.empty());
    publish_for(UpdatedResource::bit(http::Role::authenticated));
    for (const auto& watcher : watchers)
        EXPECT_EQ(watcher->take().events.size(), 3U);
}

TEST_F(EventStreamsNews, TellsNobodyOfAResourceThatItsRoleMayNotRead) {
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

TEST_F(EventStreamsNews, TellsASubscriptionWhatItWants) {
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

}  // namespace
}  // namespace fluxgate::rpc
