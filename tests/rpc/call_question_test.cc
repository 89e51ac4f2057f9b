// What a call asks the client of the legacy revisions, in the middle of its answer.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "tests/rpc/call_answer_fixture.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;
using CallQuestionTest = test::CallAnswerFixture;

TEST_F(CallQuestionTest, AsksTheClientAndGoesOnWithItsAnswer) {
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

TEST_F(CallQuestionTest, TakesNobodyElsesAnswer) {
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

TEST_F(CallQuestionTest, ReportsAnErrorOfTheClientToTheModel) {
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

TEST_F(CallQuestionTest, DoesNotAskForWhatTheClientCanNot) {
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

TEST_F(CallQuestionTest, CanNotAskWithoutAStream) {
    ask_for(ClientCapability::sampling, "");
    const Exchange exchange = request(call("think"));
    in_session(*exchange, open_session("2025-06-18", R"({"sampling":{}})"));
    send(*exchange);
    expect_contains(exchange->body(), "in a session with Accept");
}

TEST_F(CallQuestionTest, WaitsForAnAnswerForAWhile) {
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

TEST_F(CallQuestionTest, DoesNotAskForEver) {
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

}  // namespace
}  // namespace fluxgate::rpc
