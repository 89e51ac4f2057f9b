// Calls that notifications/cancelled ends, and calls in a batch, which tell nothing.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "loop/sleep.h"
#include "tests/rpc/call_answer_fixture.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;
using test::text_result;
using CallCancelTest = test::CallAnswerFixture;

// ---- cancelling

TEST_F(CallCancelTest, EndsACallThatTheClientCancels) {
    query_->sleep = 10min;
    const std::string session = open_session("2025-06-18");
    const std::string other = open_session("2025-06-18");
    const Exchange own = post_in(session, call("query_table", "1"));
    const Exchange next = post_in(session, call("query_table", "2"));
    const Exchange foreign = post_in(other, call("query_table", "1"));
    EXPECT_EQ(post_in(session, cancelled("1"))->status(), 202);
    EXPECT_EQ(query_->cancelled, 1);
    EXPECT_TRUE(own->scope().empty());
    EXPECT_EQ(own->body().find("cut short"), std::string::npos);  // no result
    EXPECT_FALSE(next->is_answered());
    EXPECT_FALSE(foreign->is_answered());
    EXPECT_EQ(post_in(session, cancelled("1"))->status(), 202);  // it is over already
    EXPECT_EQ(query_->cancelled, 1);
}

TEST_F(CallCancelTest, TellsACancelledStreamNothingMore) {
    think_->script = [](ToolCall* call) -> loop::Task<ToolOutcome> {
        co_await call->client->progress(1, 0, "");
        (void)co_await loop::sleep_for(*call->scope, 10min);
        co_return text_result("cut short");
    };
    const std::string session = open_session("2025-06-18");
    const Exchange exchange = post_in(session, with_token("\"t\"", "\"a\\\"b\""));
    (void)post_in(session, cancelled("\"a\\\"b\""));
    EXPECT_TRUE(exchange->has_stream_ended());
    EXPECT_EQ(events(*exchange).all.size(), 1U);
}

TEST_F(CallCancelTest, CancelsNothingWithoutASession) {
    query_->sleep = 10s;
    const std::string session = open_session("2025-06-18");
    const Exchange in_one = post_in(session, call("query_table"));
    const Exchange without = post_streaming(call("query_table"));
    EXPECT_EQ(post(cancelled("1"))->status(), 202);
    for (const char* id : {"2", "\"1\"", "null", "[1]", "{}", "1.0"}) {
        EXPECT_EQ(post_in(session, cancelled(id))->status(), 202);
    }
    EXPECT_EQ(post_in(session, R"({"jsonrpc":"2.0","method":"notifications/cancelled"})")->status(),
              202);
    EXPECT_EQ(query_->cancelled, 0);
    loop_.advance(11s);
    EXPECT_EQ(in_one->status(), 200);
    EXPECT_EQ(without->status(), 200);
}

TEST_F(CallCancelTest, CancelsWhileTheClientIsAsked) {
    ask_for(ClientCapability::sampling, "");
    const std::string session = open_session("2025-06-18", R"({"sampling":{}})");
    const Exchange exchange = post_in(session, call("think"));
    const std::string id = asked_id(*exchange);
    (void)post_in(session, cancelled("1"));
    EXPECT_TRUE(exchange->has_stream_ended());
    EXPECT_TRUE(exchange->scope().empty());
    EXPECT_EQ(events(*exchange).all.size(), 1U);
    (void)post_in(session, answer(id, "{}"));
    EXPECT_EQ(think_->calls, 1);
}

// ---- batches of 2025-03-26

TEST_F(CallCancelTest, TellsNothingOfABatchBeforeItsArray) {
    progress_of({1, 2});
    const std::string session = open_session("2025-03-26", R"({"sampling":{}})");
    const Exchange exchange = post_in(session, "[" + with_token("1") + "]");
    EXPECT_FALSE(exchange->is_stream());
    EXPECT_EQ(exchange->body(),
              "[" + result_of("done").substr(0, result_of("done").size() - 1) + "]");
    ask_for(ClientCapability::sampling, "");
    expect_contains(post_in(session, "[" + call("think") + "]")->body(), "can not be asked");
}

TEST_F(CallCancelTest, CancelsOneCallOfABatch) {
    query_->sleep = 10min;
    const std::string session = open_session("2025-03-26");
    const Exchange exchange =
        post_in(session, "[" + call("query_table", "1") + "," + method("ping", "{}", "2") + "]");
    EXPECT_EQ(post_in(session, "[" + cancelled("1") + "]")->status(), 202);
    EXPECT_EQ(query_->cancelled, 1);
    EXPECT_EQ(exchange->body(), R"([{"jsonrpc":"2.0","id":2,"result":{}}])");
}

}  // namespace
}  // namespace fluxgate::rpc
