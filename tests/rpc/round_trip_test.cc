// What a call asks the client in the stateless era: the request comes again, with the answers and a
// state that only this server can have made.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "tests/rpc/fake_resource.h"
#include "tests/rpc/stateless_fixture.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;
using test::common_members;
using test::RecordingExchange;

class RoundTripTest : public test::StatelessFixture {
protected:
    RoundTripTest() {
        think_->script = [this](ToolCall* call) -> loop::Task<ToolOutcome> {
            state_ = call->state;
            const Json* answer = call->inputs == nullptr ? nullptr : call->inputs->find("name");
            ToolResult result;
            if (answer == nullptr) {
                result.ask = std::make_unique<InputRequired>();
                result.ask->requests.push_back({.key = "name",
                                                .needs = ClientCapability::elicitation_form,
                                                .params = R"({"message":"Who?"})"});
                result.ask->state = "round 1";
            }
            co_return result;
        };
    }
    [[nodiscard]] Exchange ask(std::string_view more = "") {
        return sent(call_request(more, R"({"elicitation":{}})"));
    }
    // What comes back in the state of the first answer.
    [[nodiscard]] std::string request_state() {
        const std::string body = ask()->body();
        const std::string mark = R"("requestState":")";
        const size_t at = body.find(mark);
        EXPECT_NE(at, std::string::npos) << body;
        if (at == std::string::npos) return "";
        return body.substr(at + mark.size(), body.find('"', at + mark.size()) - at - mark.size());
    }
    static std::string repeated(const std::string& state) {
        return R"(,"inputResponses":{"name":{"action":"accept"},"more":1},"requestState":")" +
               state + "\"";
    }
    void expect_state_refused(RecordingExchange& exchange) {
        const int calls = think_->calls;
        send(exchange);
        expect_error(exchange, 200, -32602);
        EXPECT_EQ(think_->calls, calls);
    }
    std::string state_;
};

TEST_F(RoundTripTest, SaysWhatItNeeds) {
    const Exchange exchange = ask();
    EXPECT_EQ(exchange->status(), 200);
    EXPECT_TRUE(exchange->body().starts_with(
        R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required",)" +
        std::string(common_members) +
        R"(,"inputRequests":{"name":{"method":"elicitation/create","params":{"message":"Who?"}}},)"
        R"("requestState":"v1.)"))
        << exchange->body();
    EXPECT_EQ(exchange->body().find("content"), std::string::npos);
}

TEST_F(RoundTripTest, GoesOnWhenTheClientComesBack) {
    const std::string state = request_state();
    const Exchange exchange = ask(repeated(state));
    expect_contains(exchange->body(), R"("resultType":"complete")");
    EXPECT_EQ(state_, "round 1");
    // What is missing is asked for again; what nobody asked for does no harm.
    expect_contains(
        ask(R"(,"inputResponses":{"other":{}},"requestState":")" + state + "\"")->body(),
        R"("resultType":"input_required")");
    expect_contains(ask(R"(,"inputResponses":null,"requestState":null)")->body(),
                    R"("resultType":"input_required")");
}

TEST_F(RoundTripTest, NeedsTheCapability) {
    for (const char* capabilities : {"{}", R"({"sampling":{}})"}) {
        const Exchange exchange = sent(call_request("", capabilities));
        expect_error(*exchange, 400, -32021);
        expect_contains(exchange->body(),
                        R"({"requiredCapabilities":{"elicitation":{"form":{}}}})");
    }
}

TEST_F(RoundTripTest, RefusesAStateThatWasChanged) {
    const std::string state = request_state();
    for (const std::string& bad : {state + "-TAMPERED", state.substr(1), std::string("x"),
                                   std::string(), state.substr(0, state.size() - 1)}) {
        expect_state_refused(*call_request(repeated(bad), R"({"elicitation":{}})"));
    }
    for (const char* bad : {"1", "{}", "true"}) {
        expect_state_refused(
            *call_request(R"(,"requestState":)" + std::string(bad), R"({"elicitation":{}})"));
    }
    for (const char* bad : {"1", "[]", "\"x\""}) {
        expect_state_refused(
            *call_request(R"(,"inputResponses":)" + std::string(bad), R"({"elicitation":{}})"));
    }
}

TEST_F(RoundTripTest, RefusesAnothersState) {
    const std::string state = request_state();
    const Exchange foreign = call_request(repeated(state), R"({"elicitation":{}})");
    foreign->set_principal(somebody("mallory"));
    expect_state_refused(*foreign);
    const Exchange other_arguments =
        stateless_request("tools/call", R"("name":"think","arguments":{"n":2})" + repeated(state),
                          "1", R"({"elicitation":{}})");
    name_header(*other_arguments, "think");
    expect_state_refused(*other_arguments);
    const Exchange other_tool = stateless_request(
        "tools/call", R"("name":"delete_record","arguments":{"n":1})" + repeated(state), "1",
        R"({"elicitation":{}})");
    name_header(*other_tool, "delete_record");
    expect_state_refused(*other_tool);
    EXPECT_EQ(remove_->calls, 0);
}

TEST_F(RoundTripTest, RefusesAStateThatHasExpired) {
    const std::string state = request_state();
    loop_.advance(899s);
    expect_contains(ask(repeated(state))->body(), R"("resultType":"complete")");
    loop_.advance(1s);
    expect_state_refused(*call_request(repeated(state), R"({"elicitation":{}})"));
}

TEST_F(RoundTripTest, AsksForAPromptToo) {
    auto prompt = std::make_unique<test::FakePrompt>("greet");
    prompt->asks = {{.key = "who", .needs = ClientCapability::roots, .params = ""}};
    prompts_.add(std::move(prompt));
    const auto get_prompt = [this](std::string_view more) {
        Exchange exchange = stateless_request(
            "prompts/get", R"("name":"greet")" + std::string(more), "1", R"({"roots":{}})");
        name_header(*exchange, "greet");
        send(*exchange);
        return exchange;
    };
    const Exchange exchange = get_prompt("");
    expect_contains(exchange->body(),
                    R"("inputRequests":{"who":{"method":"roots/list","params":{}}}}})");
    expect_contains(get_prompt(R"(,"inputResponses":{"who":{"roots":[]}})")->body(), "messages");
}

}  // namespace
}  // namespace fluxgate::rpc
