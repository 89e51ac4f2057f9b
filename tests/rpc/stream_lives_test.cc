// How long streams and calls live: as long as their credential and their session.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rpc/list_changed.h"
#include "tests/rpc/fake_resource.h"
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
    static void expect_retry_after(const test::RecordingExchange& exchange) {
        const std::string* retry_after = exchange.header("Retry-After");
        ASSERT_NE(retry_after, nullptr);
        EXPECT_EQ(*retry_after, "5");
    }
    int cut_short_ = 0;  // calls
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

// ---- the credential of a call that streams

TEST_F(StreamLivesTest, ACallThatStreamsEndsWithItsCredential) {
    think_->script = [this](ToolCall* call) -> loop::Task<ToolOutcome> {
        co_await call->client->progress(1, 0, "");
        const loop::Result<void> slept = co_await loop::sleep_for(*call->scope, 10min);
        if (!slept) ++cut_short_;
        co_await call->client->progress(2, 0, "");  // nobody may hear it
        co_return ToolResult{};
    };
    const std::string body =
        method("tools/call", R"({"name":"think","_meta":{"progressToken":1}})");
    std::vector<Exchange> all;
    all.push_back(post_in(open_session("2025-11-25"), body));
    all.push_back(request(body));  // without a session
    all.push_back(
        stateless_request("tools/call", R"("name":"think")", "1", "{}", R"(,"progressToken":1)"));
    name_header(*all[2], "think");
    for (size_t i = 1; i < all.size(); ++i) {
        accept_events(*all[i]);
        send(*all[i]);
    }
    const Exchange bystander = post_in(open_session("2025-11-25"), body);
    for (const Exchange& exchange : all) {
        ASSERT_TRUE(exchange->is_stream()) << exchange->body();
        exchange->revoke();
    }
    for (int second = 0; second < 14; ++second)
        loop_.advance(1s);
    EXPECT_EQ(cut_short_, 0);
    loop_.advance(1100ms);
    EXPECT_EQ(cut_short_, 3);
    for (const Exchange& exchange : all) {
        EXPECT_EQ(exchange->times_asked(), 1);
        EXPECT_TRUE(exchange->has_stream_ended());
        EXPECT_TRUE(exchange->scope().empty());
        EXPECT_EQ(events(*exchange).all.size(), 1U);  // no result either
    }
    EXPECT_FALSE(bystander->has_stream_ended());
    for (int second = 0; second < 34; ++second)
        loop_.advance(1s);
    EXPECT_EQ(bystander->times_asked(), 3);
    EXPECT_FALSE(bystander->has_stream_ended());
}

TEST_F(StreamLivesTest, ACallThatDoesNotStreamRunsToItsEnd) {
    query_->sleep = 40s;
    const Exchange exchange = post_in(open_session("2025-11-25"), call("query_table"));
    exchange->revoke();
    for (int second = 0; second < 41; ++second)
        loop_.advance(1s);
    EXPECT_EQ(exchange->status(), 200);
    EXPECT_EQ(exchange->times_asked(), 0);
}

// ---- the room for them

TEST_F(StreamLivesTest, RefuseToFollowMoreThanThereIsRoomFor) {
    Interest interest;
    interest.uris.insert(std::string(EventStreams::uri_bytes_total_max - uri_node_bytes, 'u'));
    const auto full = sessions_.streams.open(EventStreams::Kind::subscription, 1, {},
                                             std::move(interest), loop_.get()->now());
    ASSERT_NE(full, nullptr);
    const Exchange exchange = stateless_request(
        "subscriptions/listen", R"("notifications":{"resourceSubscriptions":["a://1"]})");
    accept_events(*exchange);
    send(*exchange);
    EXPECT_EQ(exchange->status(), 503);
    expect_retry_after(*exchange);
    expect_contains(exchange->body(),
                    R"("code":503,"message":"too many streams are open, or they )"
                    R"(follow too many resources; follow fewer or try again later")");
    EXPECT_FALSE(listen()->has_stream_ended());  // without URIs
}

TEST_F(StreamLivesTest, RefuseOneMoreThanThereMayBe) {
    const std::string session = open_session("2025-11-25");
    for (StreamId id = 1; id <= EventStreams::streams_max; ++id) {
        ASSERT_NE(
            sessions_.streams.open(EventStreams::Kind::answer, id, {}, {}, loop_.get()->now()),
            nullptr);
    }
    for (const Exchange& exchange : {get(session), get(""), listen()}) {
        EXPECT_EQ(exchange->status(), 503);
        expect_retry_after(*exchange);
        expect_contains(exchange->body(),
                        R"("code":503,"message":"too many streams are open, try)");
    }
}

// ---- what configuration leaves out

// Its changes are not told, whoever asks and however, and following it looks as reading it does.
TEST_F(StreamLivesTest, TellNothingOfAResourceThatIsNotAllowed) {
    resources_ = ResourceRegistry({"a://1"});
    resources_.add(std::make_unique<test::FakeResource>("a://1"));
    resources_.add(std::make_unique<test::FakeResource>("a://2"));
    const std::string session = open_session("2025-11-25");
    const Exchange stream = get(session);
    for (const char* uri : {"a://1", "a://2", "a://3"}) {
        const std::string params = R"({"uri":")" + std::string(uri) + R"("})";
        const Exchange followed = post_in(session, method("resources/subscribe", params));
        if (std::string_view(uri) == "a://1") {
            expect_contains(followed->body(), R"("result":{})");
        } else {
            EXPECT_EQ(followed->body(), post_in(session, method("resources/read", params))->body());
            expect_contains(followed->body(), "-32002");
        }
    }
    const Exchange listening =
        stateless_request("subscriptions/listen",
                          R"("notifications":{"resourceSubscriptions":["a://1","a://2","a://3"]})");
    accept_events(*listening);
    send(*listening);
    expect_contains(told(*listening), R"("notifications":{"resourceSubscriptions":["a://1"]})");
    sessions_.streams.publish({.tools = false,
                               .prompts = false,
                               .resources = false,
                               .updated = {{.uri = "a://1"}, {.uri = "a://2"}, {.uri = "a://3"}}});
    loop_.get()->run_until_idle();
    EXPECT_EQ(told(*stream), resource_updated("a://1", {}) + "\n");
    EXPECT_EQ(events(*listening).all.size(), 2U);
    EXPECT_EQ(events(*listening).all[1].data, resource_updated("a://1", "1"));
}

// ---- the session

TEST_F(StreamLivesTest, ACallEndsWithItsSession) {
    const std::string session = open_session("2025-11-25");
    const std::string other = open_session("2025-11-25");
    query_->sleep = 10min;
    const Exchange json = post_in(session, call("query_table", "1"));
    const Exchange bystander = post_in(other, call("query_table", "1"));
    think_->script = [](ToolCall* call) -> loop::Task<ToolOutcome> {
        co_await call->client->log(LogLevel::error, "", "1");
        const loop::Result<void> slept = co_await loop::sleep_for(*call->scope, 10min);
        EXPECT_FALSE(slept);
        co_return ToolResult{};
    };
    const Exchange streaming = post_in(session, call("think", "2"));
    EXPECT_FALSE(streaming->has_stream_ended());
    EXPECT_EQ(end_session(session)->status(), 200);
    EXPECT_EQ(query_->cancelled, 1);
    EXPECT_EQ(json->status(), 200);
    expect_contains(json->body(), R"("code":-32000,"message":"Request cancelled")");
    EXPECT_TRUE(json->scope().empty());
    EXPECT_TRUE(streaming->has_stream_ended());
    EXPECT_TRUE(streaming->scope().empty());
    EXPECT_EQ(events(*streaming).all.size(), 1U);  // and no result
    EXPECT_FALSE(bystander->is_answered());
    EXPECT_FALSE(bystander->scope().empty());
}

TEST_F(StreamLivesTest, ABatchEndsWithItsSession) {
    const std::string session = open_session("2025-03-26");
    query_->sleep = 10min;
    const Exchange batch =
        post_in(session, "[" + call("query_table", "1") + "," + call("query_table", "2") + "]");
    EXPECT_FALSE(batch->is_answered());
    EXPECT_EQ(end_session(session)->status(), 200);
    EXPECT_EQ(query_->cancelled, 2);
    EXPECT_TRUE(batch->is_answered());
    EXPECT_TRUE(batch->scope().empty());
}

// It may run on another core than the one that DELETE came to.
TEST_F(StreamLivesTest, ACallOfAnotherCoreEndsWithItsSessionToo) {
    Sessions sessions(
        {.key = "a key of at least 32 characters, for tests", .timeout_s = 3600, .mark = {}}, 2);
    auto loop = loop::Loop::create({.clock = nullptr, .entropy = nullptr, .ring = {}, .core = 1});
    ASSERT_TRUE(loop);
    sessions.attach(loop_.get());
    sessions.attach(loop->get());
    constexpr SessionNonce alice{1};
    loop::Scope scope(loop->get());
    InFlight::Call call(alice, "1", &scope);
    sessions.core(1).in_flight.add(call);
    sessions.cancel_all(0, {2});
    loop->get()->run_until_idle();
    EXPECT_FALSE(call.is_cancelled());
    sessions.cancel_all(0, alice);
    EXPECT_FALSE(call.is_cancelled());  // not from another thread
    loop->get()->run_until_idle();
    EXPECT_TRUE(call.is_cancelled());
}

}  // namespace
}  // namespace fluxgate::rpc
