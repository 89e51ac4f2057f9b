// What a call tells while it runs, and asks: the answer as a stream (rpc/streamable_http_answer).
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <string>

#include "loop/sleep.h"
#include "tests/rpc/rpc_fixture.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;
using test::RecordingExchange;

ToolResult text_result(std::string_view text) {
    ToolResult result;
    append_escaped<Escape::once>(result.text, text);
    return result;
}

class CallAnswerTest : public test::RpcFixture {
protected:
    // A call of `think` that asks for progress with this token.
    static std::string with_token(std::string_view token, std::string_view id = "1") {
        return method("tools/call",
                      R"({"name":"think","_meta":{"progressToken":)" + std::string(token) + "}}",
                      id);
    }
    static std::string cancelled(std::string_view id) {
        return R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" +
               std::string(id) + R"(,"reason":"enough"}})";
    }
    static std::string result_of(std::string_view text, std::string_view id = "1") {
        return R"({"jsonrpc":"2.0","id":)" + std::string(id) +
               R"(,"result":{"content":[{"type":"text","text":")" + std::string(text) +
               R"("}],"isError":false}})" + "\n";
    }
    // Without a session; with Accept for events.
    [[nodiscard]] Exchange post_streaming(std::string_view body) {
        Exchange exchange = request(body);
        accept_events(*exchange);
        send(*exchange);
        return exchange;
    }
    void progress_of(std::vector<double> values) {
        think_->script = [values](ToolCall* call) -> loop::Task<ToolOutcome> {
            for (const double value : values)
                co_await call->client->progress(value, 10, "");
            co_return text_result("done");
        };
    }
    void log_of_all_levels() {
        think_->script = [](ToolCall* call) -> loop::Task<ToolOutcome> {
            for (const LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::error}) {
                co_await call->client->log(level, "pg", R"({"a":1})");
            }
            co_return text_result("done");
        };
    }
    // The tool asks once for `needs`, then answers with what it got.
    void ask_for(ClientCapability needs, std::string params) {
        think_->script = [needs, params](ToolCall* call) -> loop::Task<ToolOutcome> {
            if (call->inputs == nullptr) {
                ToolResult result;
                result.ask = std::make_unique<InputRequired>();
                result.ask->requests.push_back({.key = "k", .needs = needs, .params = params});
                result.ask->state = "seen";
                co_return result;
            }
            const Json* answer = call->inputs->find("k");
            const Json* member = answer == nullptr ? nullptr : answer->find("action");
            const std::string action =
                member == nullptr ? std::string("nothing") : std::string(member->text);
            co_return text_result(action + " " + std::string(call->state));
        };
    }
    // Of the one request on the stream that is the server's.
    [[nodiscard]] static std::string asked_id(const RecordingExchange& exchange) {
        const std::string text = told(exchange);
        const std::string mark = R"("id":"fluxgate-)";
        const size_t at = text.rfind(mark);
        EXPECT_NE(at, std::string::npos) << text;
        if (at == std::string::npos) return "";
        const size_t begin = at + 6;
        return text.substr(begin, text.find('"', begin) - begin);
    }
    static std::string answer(const std::string& id, std::string_view result) {
        return R"({"jsonrpc":"2.0","id":")" + id + R"(","result":)" + std::string(result) + "}";
    }
};

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

// ---- asking the client

TEST_F(CallAnswerTest, AsksTheClientAndGoesOnWithItsAnswer) {
    const struct {
        ClientCapability needs;
        const char* declared;
        const char* name;
    } kinds[] = {
        {ClientCapability::sampling, R"({"sampling":{}})", "sampling/createMessage"},
        {ClientCapability::elicitation_form, R"({"elicitation":{}})", "elicitation/create"},
        {ClientCapability::roots, R"({"roots":{}})", "roots/list"}};
    for (const auto& kind : kinds) {
        const int calls = think_->calls;
        ask_for(kind.needs, R"({"message":"?"})");
        const std::string session = open_session("2025-06-18", kind.declared);
        const Exchange exchange = post_in(session, call("think"));
        EXPECT_FALSE(exchange->has_stream_ended());
        const std::string id = asked_id(*exchange);
        EXPECT_EQ(told(*exchange), R"({"jsonrpc":"2.0","id":")" + id + R"(","method":")" +
                                       kind.name + R"(","params":{"message":"?"}})" + "\n");
        EXPECT_EQ(think_->calls, calls + 1);
        EXPECT_EQ(post_in(session, answer(id, R"({"action":"accept"})"))->status(), 202);
        EXPECT_TRUE(exchange->has_stream_ended());
        EXPECT_EQ(think_->calls, calls + 2);
        expect_contains(told(*exchange), result_of("accept seen"));
        EXPECT_EQ(post_in(session, answer(id, R"({"action":"again"})"))->status(), 202);
        EXPECT_EQ(think_->calls, calls + 2);
    }
}

TEST_F(CallAnswerTest, TakesNobodyElsesAnswer) {
    ask_for(ClientCapability::sampling, "");
    const std::string session = open_session("2025-06-18", R"({"sampling":{}})");
    const std::string foreign = open_session("2025-06-18", R"({"sampling":{}})");
    const Exchange exchange = post_in(session, call("think"));
    const std::string id = asked_id(*exchange);
    EXPECT_EQ(post_in(foreign, answer(id, R"({"action":"evil"})"))->status(), 202);
    EXPECT_EQ(post(answer(id, R"({"action":"evil"})"))->status(), 202);
    EXPECT_EQ(post_in(session, answer(id + "0", R"({"action":"evil"})"))->status(), 202);
    EXPECT_EQ(post_in(session, answer("x", R"({"action":"evil"})"))->status(), 202);
    EXPECT_FALSE(exchange->has_stream_ended());
    EXPECT_EQ(think_->calls, 1);
    (void)post_in(session, answer(id, R"({"action":"decline"})"));
    expect_contains(told(*exchange), result_of("decline seen"));
}

TEST_F(CallAnswerTest, ReportsAnErrorOfTheClientToTheModel) {
    ask_for(ClientCapability::sampling, "");
    const std::string session = open_session("2025-06-18", R"({"sampling":{}})");
    for (const char* body : {R"("error":{"code":-1,"message":"no \"way\""})", R"("result":[])",
                             R"("result":null)", R"("error":{"code":-1})"}) {
        const Exchange exchange = post_in(session, call("think"));
        const std::string response =
            R"({"jsonrpc":"2.0","id":")" + asked_id(*exchange) + R"(",)" + body + "}";
        const int status = post_in(session, response)->status();
        if (status != 202) continue;  // refused as no JSON-RPC
        EXPECT_TRUE(exchange->has_stream_ended());
        expect_contains(told(*exchange), "the client could not answer");
        expect_contains(told(*exchange), R"("isError":true)");
    }
}

TEST_F(CallAnswerTest, DoesNotAskForWhatTheClientCanNot) {
    ask_for(ClientCapability::sampling, "");
    const Exchange exchange =
        post_in(open_session("2025-06-18", R"({"elicitation":{},"roots":{}})"), call("think"));
    EXPECT_FALSE(exchange->is_stream());
    EXPECT_EQ(exchange->status(), 200);
    expect_contains(exchange->body(),
                    R"("code":-32602,"message":"the client has not declared: )"
                    R"(sampling","data":{"requiredCapabilities":{"sampling":{}}})");
    expect_contains(post_streaming(call("think"))->body(), "-32602");  // without a session: nothing
    think_->edit_info().needs.add(ClientCapability::sampling);
    const int calls = think_->calls;
    expect_contains(post_in(open_session("2025-06-18"), call("think"))->body(), "-32602");
    EXPECT_EQ(think_->calls, calls);  // refused before
}

TEST_F(CallAnswerTest, CanNotAskWithoutAStream) {
    ask_for(ClientCapability::sampling, "");
    const Exchange exchange = request(call("think"));
    in_session(*exchange, open_session("2025-06-18", R"({"sampling":{}})"));
    send(*exchange);
    expect_contains(exchange->body(), "in a session with Accept");
}

TEST_F(CallAnswerTest, WaitsForAnAnswerForAWhile) {
    ask_for(ClientCapability::sampling, "");
    const std::string session = open_session("2025-06-18", R"({"sampling":{}})");
    const Exchange exchange = post_in(session, call("think"));
    const std::string id = asked_id(*exchange);
    loop_.advance(9min);  // no call runs meanwhile
    EXPECT_FALSE(exchange->has_stream_ended());
    loop_.advance(2min);
    EXPECT_TRUE(exchange->has_stream_ended());
    expect_contains(told(*exchange), "did not answer in time");
    EXPECT_EQ(post_in(session, answer(id, R"({"action":"late"})"))->status(), 202);
    EXPECT_EQ(think_->calls, 1);
}

TEST_F(CallAnswerTest, DoesNotAskForEver) {
    think_->script = [](ToolCall*) -> loop::Task<ToolOutcome> {
        ToolResult result;
        result.ask = std::make_unique<InputRequired>();
        result.ask->requests.push_back(
            {.key = "k", .needs = ClientCapability::sampling, .params = ""});
        co_return result;
    };
    const std::string session = open_session("2025-06-18", R"({"sampling":{}})");
    const Exchange exchange = post_in(session, call("think"));
    for (int round = 0; round < Calls::rounds_max; ++round) {
        ASSERT_FALSE(exchange->has_stream_ended());
        (void)post_in(session, answer(asked_id(*exchange), "{}"));
    }
    EXPECT_TRUE(exchange->has_stream_ended());
    EXPECT_EQ(think_->calls, Calls::rounds_max);
    expect_contains(told(*exchange), "asked too often");
}

// ---- cancelling

TEST_F(CallAnswerTest, EndsACallThatTheClientCancels) {
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

TEST_F(CallAnswerTest, TellsACancelledStreamNothingMore) {
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

TEST_F(CallAnswerTest, CancelsNothingWithoutASession) {
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

TEST_F(CallAnswerTest, CancelsWhileTheClientIsAsked) {
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

TEST_F(CallAnswerTest, TellsNothingOfABatchBeforeItsArray) {
    progress_of({1, 2});
    const std::string session = open_session("2025-03-26", R"({"sampling":{}})");
    const Exchange exchange = post_in(session, "[" + with_token("1") + "]");
    EXPECT_FALSE(exchange->is_stream());
    EXPECT_EQ(exchange->body(),
              "[" + result_of("done").substr(0, result_of("done").size() - 1) + "]");
    ask_for(ClientCapability::sampling, "");
    expect_contains(post_in(session, "[" + call("think") + "]")->body(), "can not be asked");
}

TEST_F(CallAnswerTest, CancelsOneCallOfABatch) {
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
