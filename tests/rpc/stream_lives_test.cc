// How long streams and calls live: as long as their credential and their session.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/rpc/rpc_fixture.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;

class StreamLivesTest : public test::RpcFixture {
protected:
    void publish_tools() {
        sessions_.streams.publish(
            {.tools = true, .prompts = false, .resources = false, .updated = {}});
        loop_.get()->run_until_idle();
    }
    [[nodiscard]] Exchange listen() {
        Exchange exchange = stateless_request("subscriptions/listen",
                                              R"("notifications":{"toolsListChanged":true})");
        accept_events(*exchange);
        send(*exchange);
        return exchange;
    }
    // One of each kind.
    [[nodiscard]] std::vector<Exchange> streams() {
        std::vector<Exchange> all;
        all.push_back(get(open_session("2025-11-25")));
        all.push_back(get(""));
        all.push_back(listen());
        for (const Exchange& exchange : all) {
            EXPECT_TRUE(exchange->is_stream());
            EXPECT_FALSE(exchange->has_stream_ended());
        }
        return all;
    }
};

// ---- the credential

TEST_F(StreamLivesTest, EndWithTheirCredential) {
    const auto all = streams();
    for (const Exchange& exchange : all)
        exchange->revoke();
    loop_.advance(14s);
    for (const Exchange& exchange : all)
        EXPECT_FALSE(exchange->has_stream_ended());
    loop_.advance(1100ms);
    publish_tools();
    for (const Exchange& exchange : all) {
        EXPECT_TRUE(exchange->has_stream_ended());
        EXPECT_TRUE(exchange->scope().empty());
        EXPECT_EQ(exchange->streamed(), "");
    }
    // The one that says how it ends has not come to its end: its caller may hear nothing more.
    EXPECT_EQ(events(*all[2]).all.size(), 1U);
}

// Something new every second must not put off the question, and is not told behind the answer.
TEST_F(StreamLivesTest, EndWithTheirCredentialThoughThereIsAlwaysSomethingNew) {
    const auto all = streams();
    for (const Exchange& exchange : all)
        exchange->revoke();
    for (int second = 0; second < 20; ++second) {
        publish_tools();
        loop_.advance(1010ms);
    }
    for (const Exchange& exchange : all) {
        EXPECT_TRUE(exchange->has_stream_ended());
        EXPECT_EQ(exchange->times_asked(), 1);
        EXPECT_GE(events(*exchange).all.size(), 14U);
        EXPECT_LE(events(*exchange).all.size(), 17U);
        EXPECT_EQ(events(*exchange).comments, 0);
    }
}

TEST_F(StreamLivesTest, GoOnWhileTheirCredentialHolds) {
    const auto all = streams();
    for (int second = 0; second < 62; ++second) {
        if (second % 2 == 0) publish_tools();
        loop_.advance(1s);
    }
    for (const Exchange& exchange : all) {
        EXPECT_FALSE(exchange->has_stream_ended());
        EXPECT_EQ(exchange->times_asked(), 4);
        EXPECT_GE(events(*exchange).all.size(), 31U);
    }
}

}  // namespace
}  // namespace fluxgate::rpc
