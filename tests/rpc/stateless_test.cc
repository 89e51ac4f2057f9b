// The era of 2026-07-28 on the same endpoint: each request says all, and there is no session.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "rpc/list_changed.h"
#include "tests/rpc/fake_resource.h"
#include "tests/rpc/rpc_fixture.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;
using test::RecordingExchange;

constexpr std::string_view common =
    R"("_meta":{"io.modelcontextprotocol/serverInfo":{"name":"fluxgate","title":"fluxgate",)"
    R"("version":"1.2.3"}})";

class StatelessTest : public test::RpcFixture {
protected:
    [[nodiscard]] Exchange sent(Exchange exchange) {
        send(*exchange);
        return exchange;
    }
    [[nodiscard]] Exchange post_stateless(std::string_view name, std::string_view members = "") {
        return sent(stateless_request(name, members));
    }
    // A call of `think` with more members of the params.
    [[nodiscard]] Exchange call_request(std::string_view more = "",
                                        std::string_view capabilities = "{}",
                                        std::string_view meta = "") {
        Exchange exchange = stateless_request(
            "tools/call", R"("name":"think","arguments":{"n":1})" + std::string(more), "1",
            capabilities, meta);
        name_header(*exchange, "think");
        return exchange;
    }
    static void expect_error(const RecordingExchange& exchange, int status, int code) {
        EXPECT_EQ(exchange.status(), status) << exchange.body();
        expect_contains(exchange.body(), R"("id":1,"error":{"code":)" + std::to_string(code) + ",");
    }
};

// ---- results

TEST_F(StatelessTest, DiscoversTheServer) {
    const Exchange exchange = post_stateless("server/discover");
    EXPECT_EQ(exchange->status(), 200);
    EXPECT_EQ(exchange->body(),
              R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"complete",)" +
                  std::string(common) +
                  R"(,"supportedVersions":["2026-07-28"],"capabilities":{)"
                  R"("tools":{"listChanged":true},)"
                  R"("resources":{"subscribe":true,"listChanged":true},)"
                  R"("prompts":{"listChanged":true},"completions":{},"logging":{}},)"
                  R"("instructions":"Ask for \"tables\".","ttlMs":60000,"cacheScope":"public"}})");
    EXPECT_EQ(exchange->header("Mcp-Session-Id"), nullptr);
}

TEST_F(StatelessTest, SaysInEachResultThatItIsComplete) {
    auto resource = std::make_unique<test::FakeResource>("a://1");
    resource->text = "x";
    test::FakeResource* one = resource.get();
    resources_.add(std::move(resource));
    prompts_.add(std::make_unique<test::FakePrompt>("explore"));
    const struct {
        const char* name;
        const char* members;
        const char* header;
        bool is_cached;
    } methods[] = {
        {"tools/list", "", "", true},
        {"resources/list", "", "", true},
        {"resources/templates/list", "", "", true},
        {"prompts/list", "", "", true},
        {"resources/read", R"("uri":"a://1")", "a://1", true},
        {"prompts/get", R"("name":"explore")", "explore", false},
        {"tools/call", R"("name":"think")", "think", false},
        {"completion/complete",
         R"("ref":{"type":"ref/prompt","name":"explore"},"argument":{"name":"a","value":""})", "",
         false}};
    for (const auto& method : methods) {
        const Exchange exchange = stateless_request(method.name, method.members);
        if (*method.header != '\0') name_header(*exchange, method.header);
        send(*exchange);
        EXPECT_EQ(exchange->status(), 200) << method.name << exchange->body();
        EXPECT_TRUE(exchange->body().starts_with(
            R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"complete",)" + std::string(common)))
            << exchange->body();
        const bool has_hints =
            exchange->body().find(R"("ttlMs":60000,"cacheScope":"private")") != std::string::npos;
        EXPECT_EQ(has_hints, method.is_cached) << method.name;
    }
    one->edit_info().is_private = false;
    const Exchange exchange = stateless_request("resources/read", R"("uri":"a://1")");
    name_header(*exchange, "a://1");
    send(*exchange);
    expect_contains(exchange->body(), R"("cacheScope":"public")");
}

TEST_F(StatelessTest, EndsACallWhosePeerIsGone) {
    think_->sleep = 10min;
    const Exchange exchange = sent(call_request());
    EXPECT_TRUE(exchange->cancels_on_disconnect());
    exchange->disconnect();
    EXPECT_EQ(think_->cancelled, 1);
    EXPECT_TRUE(exchange->scope().empty());
}

TEST_F(StatelessTest, StreamsWithoutIdsOrPriming) {
    think_->script = [](ToolCall* call) -> loop::Task<ToolOutcome> {
        co_await call->client->progress(1, 2, "");
        co_await call->client->hang_up();
        co_return ToolResult{};
    };
    const Exchange exchange = call_request("", "{}", R"(,"progressToken":"t")");
    accept_events(*exchange);
    send(*exchange);
    const Events seen = events(*exchange);
    ASSERT_EQ(seen.all.size(), 2U);
    EXPECT_EQ(seen.primes.size(), 0U);
    EXPECT_EQ(seen.all[0].id + seen.all[1].id, "");
    expect_contains(seen.all[1].data, R"("resultType":"complete")");
    EXPECT_EQ(sessions_.streams.count(), 0U);
}

TEST_F(StatelessTest, LogsOnlyWhereTheRequestSaysALevel) {
    think_->script = [](ToolCall* call) -> loop::Task<ToolOutcome> {
        co_await call->client->log(LogLevel::emergency, "", "1");
        co_await call->client->log(LogLevel::info, "", "2");
        co_return ToolResult{};
    };
    const Exchange silent = call_request();
    accept_events(*silent);
    send(*silent);
    EXPECT_FALSE(silent->is_stream());
    for (const auto& [level, count] : {std::pair("debug", 3U), std::pair("error", 2U)}) {
        const Exchange exchange = call_request(
            "", "{}", R"(,"io.modelcontextprotocol/logLevel":")" + std::string(level) + "\"");
        accept_events(*exchange);
        send(*exchange);
        EXPECT_EQ(events(*exchange).all.size(), count) << level;
    }
}

// ---- refusals

TEST_F(StatelessTest, HasNoMethodsOfTheOtherEra) {
    for (const char* name : {"initialize", "ping", "logging/setLevel", "resources/subscribe",
                             "resources/unsubscribe", "nope"}) {
        expect_error(*post_stateless(name, R"("level":"info","uri":"a://1")"), 404, -32601);
    }
}

TEST_F(StatelessTest, WantsTheHeadToRepeatTheBody) {
    expect_error(*sent(stateless_request("tools/call", R"("name":"think")")), 400, -32020);
    const Exchange other_name = stateless_request("tools/call", R"("name":"think")");
    name_header(*other_name, "query_table");
    send(*other_name);
    expect_error(*other_name, 400, -32020);
    EXPECT_EQ(think_->calls, 0);
}

TEST_F(StatelessTest, WantsTheHeadToRepeatMarkedArguments) {
    auto tool = std::make_unique<test::FakeTool>("routed");
    tool->edit_info().input_schema =
        R"({"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}})";
    test::FakeTool* routed = tool.get();
    tools_.add(std::move(tool));
    const auto call_routed = [this](std::string_view arguments, std::string_view header) {
        Exchange exchange = stateless_request(
            "tools/call", R"("name":"routed","arguments":)" + std::string(arguments));
        name_header(*exchange, "routed");
        if (!header.empty()) exchange->add_field("mcp-param-REGION", header);
        send(*exchange);
        return exchange;
    };
    expect_error(*call_routed(R"({"region":"eu"})", ""), 400, -32020);
    expect_error(*call_routed(R"({"region":"eu"})", "us"), 400, -32020);
    expect_error(*call_routed(R"({"region":"eu"})", "EU"), 400, -32020);
    EXPECT_EQ(routed->calls, 0);
    EXPECT_EQ(call_routed(R"({"region":"eu"})", "eu")->status(), 200);
    EXPECT_EQ(call_routed(R"({"region":null})", "")->status(), 200);
    EXPECT_EQ(call_routed("{}", "")->status(), 200);
    EXPECT_EQ(routed->calls, 3);
}

TEST_F(StatelessTest, WantsTheCapabilityThatAToolNeeds) {
    think_->edit_info().needs.add(ClientCapability::sampling);
    const Exchange exchange = sent(call_request());
    expect_error(*exchange, 400, -32021);
    expect_contains(exchange->body(), R"("data":{"requiredCapabilities":{"sampling":{}}})");
    expect_error(*sent(call_request("", R"({"elicitation":{},"roots":{}})")), 400, -32021);
    EXPECT_EQ(think_->calls, 0);
    EXPECT_EQ(sent(call_request("", R"({"sampling":{}})"))->status(), 200);
}

TEST_F(StatelessTest, NamesAnUnknownResource) {
    const Exchange exchange = stateless_request("resources/read", R"("uri":"a://no")");
    name_header(*exchange, "a://no");
    send(*exchange);
    expect_error(*exchange, 200, -32602);
    expect_contains(exchange->body(), R"("data":{"uri":"a://no"})");
}

// ---- asking the client (multi-round-trip requests)

class RoundTripTest : public StatelessTest {
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
        std::string(common) +
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

// ---- subscriptions/listen

class ListenTest : public StatelessTest {
protected:
    [[nodiscard]] Exchange listen(std::string_view kinds, std::string_view id = "1") {
        Exchange exchange = stateless_request("subscriptions/listen",
                                              R"("notifications":)" + std::string(kinds), id);
        accept_events(*exchange);
        send(*exchange);
        return exchange;
    }
    void publish_all() {
        sessions_.streams.publish({.tools = true,
                                   .prompts = true,
                                   .resources = true,
                                   .updated = {{.uri = "a://1"}, {.uri = "a://2"}}});
        loop_.get()->run_until_idle();
    }
    static std::string acknowledged(std::string_view kinds, std::string_view id = "1") {
        return R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged",)"
               R"("params":{"notifications":)" +
               std::string(kinds) + R"(,"_meta":{"io.modelcontextprotocol/subscriptionId":)" +
               std::string(id) + "}}}\n";
    }
};

TEST_F(ListenTest, AcknowledgesWhatItWillTell) {
    EXPECT_EQ(told(*listen(R"({"toolsListChanged":true,"promptsListChanged":false,)"
                           R"("resourcesListChanged":1,"resourceSubscriptions":["a://1",7],)"
                           R"("taskIds":["x"]})")),
              acknowledged(R"({"toolsListChanged":true,"resourceSubscriptions":["a://1"]})"));
    EXPECT_EQ(told(*listen("{}")), acknowledged("{}"));
    EXPECT_EQ(told(*listen(R"({"resourceSubscriptions":"a://1"})")), acknowledged("{}"));
    const std::string long_uri(SessionStates::uri_bytes_max + 1, 'u');
    EXPECT_EQ(told(*listen(R"({"resourceSubscriptions":[")" + long_uri + R"("]})")),
              acknowledged("{}"));
}

TEST_F(ListenTest, TellsOnlyWhatWasAskedFor) {
    const Exchange prompts = listen(R"({"promptsListChanged":true})", "\"a\\\"b\"");
    const Exchange update = listen(R"({"resourceSubscriptions":["a://2"]})", "7");
    const Exchange nothing = listen("{}");
    publish_all();
    EXPECT_EQ(told(*prompts), acknowledged(R"({"promptsListChanged":true})", "\"a\\\"b\"") +
                                  prompts_list_changed("\"a\\\"b\"") + "\n");
    EXPECT_EQ(told(*update), acknowledged(R"({"resourceSubscriptions":["a://2"]})", "7") +
                                 resource_updated("a://2", "7") + "\n");
    EXPECT_EQ(told(*nothing), acknowledged("{}"));
    for (const Event& event : events(*prompts).all)
        EXPECT_EQ(event.id, "");
}

TEST_F(ListenTest, EndsWithAResultWhenTheServerDrains) {
    const Exchange exchange = listen(R"({"toolsListChanged":true})", "\"x\"");
    sessions_.streams.close();
    loop_.get()->run_until_idle();
    EXPECT_TRUE(exchange->has_stream_ended());
    EXPECT_TRUE(exchange->scope().empty());
    EXPECT_EQ(events(*exchange).all.back().data,
              R"({"jsonrpc":"2.0","id":"x","result":{"resultType":"complete",)"
              R"("_meta":{"io.modelcontextprotocol/subscriptionId":"x"}}})");
}

TEST_F(ListenTest, EndsWithItsPeer) {
    const Exchange exchange = listen(R"({"toolsListChanged":true})");
    EXPECT_EQ(sessions_.streams.count(), 1U);
    exchange->disconnect();
    EXPECT_TRUE(exchange->scope().empty());
    EXPECT_EQ(sessions_.streams.count(), 0U);
}

TEST_F(ListenTest, KeepsTheConnectionAlive) {
    const Exchange exchange = listen("{}");
    loop_.advance(15100ms);
    EXPECT_EQ(events(*exchange).comments, 1);
}

TEST_F(ListenTest, RefusesParamsOfTheWrongShape) {
    expect_error(*post_stateless("subscriptions/listen"), 200, -32602);
    for (const char* kinds : {"null", "[]", "true", "\"toolsListChanged\""}) {
        expect_error(*listen(kinds), 200, -32602);
    }
    EXPECT_EQ(sessions_.streams.count(), 0U);
}

TEST_F(ListenTest, IsForClientsThatTakeEvents) {
    const Exchange exchange = stateless_request("subscriptions/listen", R"("notifications":{})");
    exchange->add_field(http::Field::accept, "Accept", "application/json");
    send(*exchange);
    EXPECT_EQ(exchange->status(), 406);
    const Exchange silent = stateless_request("subscriptions/listen", R"("notifications":{})");
    send(*silent);
    EXPECT_TRUE(silent->is_stream());  // without Accept all is welcome
    const Exchange any = stateless_request("subscriptions/listen", R"("notifications":{})");
    any->add_field(http::Field::accept, "Accept", "*/*");
    send(*any);
    EXPECT_TRUE(any->is_stream());
}

TEST_F(ListenTest, DoesNotWatchWhatItMayNotRead) {
    resources_.add(
        std::make_unique<test::FakeResource>("a://1", std::vector<std::string>{"read:tables"}));
    const Exchange exchange = stateless_request(
        "subscriptions/listen", R"("notifications":{"resourceSubscriptions":["a://1","a://2"]})");
    exchange->set_principal(somebody("alice"));
    send(*exchange);
    EXPECT_EQ(told(*exchange), acknowledged(R"({"resourceSubscriptions":["a://2"]})"));
}

}  // namespace
}  // namespace fluxgate::rpc
