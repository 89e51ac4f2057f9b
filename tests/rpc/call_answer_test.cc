// What a call tells while it runs: the answer as a stream (rpc/streamable_http_answer). What it
// asks: call_question_test.cc.
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <string>

#include "loop/sleep.h"
#include "tests/rpc/call_answer_fixture.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;
using test::text_result;
using CallAnswerTest = test::CallAnswerFixture;

// ---- progress

TEST_F(CallAnswerTest, TellsProgressToWhoAskedForIt) {
    progress_of({0, 2.5});
    const Exchange exchange = post_streaming(with_token("\"t\""));
    EXPECT_EQ(exchange->content_type(), "text/event-stream");
    EXPECT_TRUE(exchange->has_stream_ended());
    EXPECT_EQ(told(*exchange), R"({"jsonrpc":"2.0","method":"notifications/progress","params":{)"
                               R"("progressToken":"t","progress":0,"total":10}})"
                               "\n"
                               R"({"jsonrpc":"2.0","method":"notifications/progress","params":{)"
                               R"("progressToken":"t","progress":2.5,"total":10}})"
                               "\n" +
                                   result_of("done"));
    EXPECT_EQ(events(*exchange).all[0].id, "");  // without a session nobody can come back
    EXPECT_EQ(sessions_.streams.count(), 0U);
}

TEST_F(CallAnswerTest, EchoesTheTokenAsItCame) {
    progress_of({1});
    for (const char* token : {"7", "\"7\"", "\"a\\\"b\""}) {
        expect_contains(told(*post_streaming(with_token(token))),
                        R"("progressToken":)" + std::string(token) + ",");
    }
}

TEST_F(CallAnswerTest, TellsNoProgressUnasked) {
    progress_of({1, 2});
    for (const std::string& body :
         {call("think"), with_token("null"), with_token("true"), with_token("1.5"),
          with_token("{}"), with_token("\"" + std::string(257, 't') + "\"")}) {
        const Exchange exchange = post_streaming(body);
        EXPECT_FALSE(exchange->is_stream()) << body;
        EXPECT_EQ(exchange->body() + "\n", result_of("done"));
    }
}

TEST_F(CallAnswerTest, DropsProgressThatDoesNotGrow) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    progress_of({1, 1, 0.5, -1, infinity, std::numeric_limits<double>::quiet_NaN(), 2});
    EXPECT_EQ(events(*post_streaming(with_token("1"))).all.size(), 3U);
}

TEST_F(CallAnswerTest, IsJsonForClientsThatTakeNoEvents) {
    progress_of({1});
    const Exchange exchange = post(with_token("1"));
    EXPECT_FALSE(exchange->is_stream());
    EXPECT_EQ(exchange->body() + "\n", result_of("done"));
    log_of_all_levels();
    const Exchange logged = request(call("think"));
    in_session(*logged, open_session("2025-11-25"));
    send(*logged);
    EXPECT_FALSE(logged->is_stream());
}

TEST_F(CallAnswerTest, SaysThatItGoesOnWhereTheToolSaysNothing) {
    think_->sleep = 5s;
    const Exchange exchange = post_streaming(with_token("1"));
    EXPECT_FALSE(exchange->is_answered());
    loop_.advance(2100ms);
    loop_.advance(2100ms);
    EXPECT_EQ(events(*exchange).all.size(), 2U);
    expect_contains(told(*exchange), R"("progress":2,"message":"running for 2 s")");
    loop_.advance(1s);
    EXPECT_TRUE(exchange->has_stream_ended());
    EXPECT_EQ(events(*exchange).all.size(), 3U);
    EXPECT_TRUE(exchange->scope().empty());
}

TEST_F(CallAnswerTest, SaysNothingOfItsOwnWithoutATokenOrAStream) {
    think_->sleep = 5s;
    const Exchange no_token = post_streaming(call("think"));
    const Exchange no_stream = post(with_token("1"));
    loop_.advance(2100ms);
    loop_.advance(2100ms);
    EXPECT_FALSE(no_token->is_answered());
    EXPECT_FALSE(no_stream->is_answered());
    loop_.advance(1s);
    EXPECT_EQ(no_token->content_type(), "application/json");
    EXPECT_EQ(no_stream->content_type(), "application/json");
}

// A tool that begins late counts from its own beginning, and what is told still grows.
TEST_F(CallAnswerTest, LeavesTheTellingToATool) {
    think_->script = [](ToolCall* call) -> loop::Task<ToolOutcome> {
        (void)co_await loop::sleep_for(*call->scope, 3s);
        co_await call->client->progress(0.25, 1, "");
        (void)co_await loop::sleep_for(*call->scope, 10s);
        co_await call->client->progress(0.5, 1, "");
        co_return text_result("done");
    };
    const Exchange exchange = post_streaming(with_token("1"));
    for (int second = 0; second < 15; ++second)
        loop_.advance(1010ms);
    const std::string text = told(*exchange);
    EXPECT_EQ(events(*exchange).all.size(), 4U) << text;
    expect_contains(text, "running for 2 s");
    expect_contains(text, R"("progress":2.25,"total":3)");
    expect_contains(text, R"("progress":2.5,"total":3)");
}

TEST_F(CallAnswerTest, KeepsItsConnectionAlive) {
    think_->script = [](ToolCall* call) -> loop::Task<ToolOutcome> {
        co_await call->client->progress(1, 0, "");
        (void)co_await loop::sleep_for(*call->scope, 40s);
        co_return text_result("done");
    };
    const Exchange exchange = post_streaming(with_token("1"));
    for (int second = 0; second < 20; ++second)
        loop_.advance(1s);
    EXPECT_EQ(events(*exchange).comments, 1);
    for (int second = 0; second < 25; ++second)
        loop_.advance(1s);
    EXPECT_EQ(events(*exchange).comments, 2);
    EXPECT_EQ(events(*exchange).all.size(), 2U);
}

// ---- log messages

TEST_F(CallAnswerTest, LogsFromTheSessionsLevelOn) {
    log_of_all_levels();
    const std::string session = open_session("2025-06-18");
    EXPECT_EQ(events(*post_in(session, call("think"))).all.size(), 3U);  // info, error, result
    (void)post_in(session, method("logging/setLevel", R"({"level":"error"})"));
    const Exchange exchange = post_in(session, call("think"));
    EXPECT_EQ(told(*exchange), R"({"jsonrpc":"2.0","method":"notifications/message","params":{)"
                               R"("level":"error","logger":"pg","data":{"a":1}}})"
                               "\n" +
                                   result_of("done"));
    (void)post_in(session, method("logging/setLevel", R"({"level":"emergency"})"));
    EXPECT_FALSE(post_in(session, call("think"))->is_stream());
    EXPECT_FALSE(post_streaming(call("think"))->is_stream());  // without a session
}

// ---- coming back

TEST_F(CallAnswerTest, GivesIdsInASession) {
    progress_of({1});
    for (const char* version : {"2025-03-26", "2025-06-18", "2025-11-25"}) {
        const Exchange exchange = post_in(open_session(version), with_token("1"));
        const Events seen = events(*exchange);
        ASSERT_EQ(seen.all.size(), 2U);
        EXPECT_NE(seen.all[0].id, "");
        EXPECT_NE(seen.all[1].id, seen.all[0].id);
        EXPECT_EQ(seen.primes.size(), std::string_view(version) == "2025-11-25" ? 1U : 0U);
    }
}

TEST_F(CallAnswerTest, GivesTheRestToAClientThatComesBack) {
    think_->script = [](ToolCall* call) -> loop::Task<ToolOutcome> {
        co_await call->client->progress(1, 0, "");
        (void)co_await loop::sleep_for(*call->scope, 5s);
        co_await call->client->progress(2, 0, "");
        co_return text_result("done");
    };
    const std::string session = open_session("2025-11-25");
    const std::string foreign = open_session("2025-11-25");
    const Exchange exchange = post_in(session, with_token("1"));
    const std::string id = events(*exchange).all[0].id;
    exchange->disconnect();
    EXPECT_FALSE(exchange->scope().empty());  // the call goes on
    const Exchange resumed = get(session, id);
    EXPECT_FALSE(resumed->has_stream_ended());
    EXPECT_EQ(told(*resumed), "");
    loop_.advance(6s);
    EXPECT_EQ(think_->calls, 1);
    EXPECT_TRUE(resumed->has_stream_ended());
    const Events rest = events(*resumed);
    ASSERT_EQ(rest.all.size(), 2U);
    expect_contains(rest.all[0].data, R"("progress":2)");
    EXPECT_EQ(rest.all[1].data + "\n", result_of("done"));
    EXPECT_EQ(told(*get(session, rest.all[0].id)), result_of("done"));
    EXPECT_EQ(get(foreign, id)->status(), 400);
    loop_.advance(EventStreams::kept_for + 6s);
    EXPECT_FALSE(get(foreign)->has_stream_ended());  // sweeps
    EXPECT_EQ(get(session, id)->status(), 404);
}

TEST_F(CallAnswerTest, HangsUpAndGoesOn) {
    think_->script = [](ToolCall* call) -> loop::Task<ToolOutcome> {
        co_await call->client->hang_up();
        co_await call->client->hang_up();
        co_await call->client->progress(1, 0, "");
        (void)co_await loop::sleep_for(*call->scope, 20s);
        co_return text_result("done");
    };
    const std::string session = open_session("2025-11-25");
    const Exchange exchange = post_in(session, with_token("1"));
    EXPECT_TRUE(exchange->has_stream_ended());
    EXPECT_TRUE(exchange->has_closed());
    const Events seen = events(*exchange);
    EXPECT_EQ(seen.all.size(), 0U);
    ASSERT_EQ(seen.primes.size(), 1U);
    const Exchange resumed = get(session, seen.primes[0]);
    EXPECT_EQ(events(*resumed).all.size(), 1U);
    for (int second = 0; second < 21; ++second)
        loop_.advance(1s);
    EXPECT_TRUE(resumed->has_stream_ended());
    EXPECT_TRUE(exchange->scope().empty());
    EXPECT_EQ(events(*resumed).all.back().data + "\n", result_of("done"));
}

TEST_F(CallAnswerTest, DoesNotHangUpWhereNobodyCouldComeBack) {
    think_->script = [](ToolCall* call) -> loop::Task<ToolOutcome> {
        co_await call->client->hang_up();
        co_return text_result("done");
    };
    for (const char* version : {"2025-03-26", "2025-06-18"}) {
        const Exchange exchange = post_in(open_session(version), call("think"));
        EXPECT_EQ(exchange->body() + "\n", result_of("done"));
    }
    const Exchange plain = request(call("think"));  // takes no events
    in_session(*plain, open_session("2025-11-25"));
    send(*plain);
    EXPECT_EQ(plain->body() + "\n", result_of("done"));
    const Exchange sessionless = request(call("think"), "2025-11-25");
    accept_events(*sessionless);
    send(*sessionless);
    EXPECT_EQ(told(*sessionless), result_of("done"));
}

}  // namespace
}  // namespace fluxgate::rpc
