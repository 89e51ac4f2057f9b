// The era of 2026-07-28 on the same endpoint: each request says all, and there is no session.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "tests/rpc/fake_resource.h"
#include "tests/rpc/stateless_fixture.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;
using test::common_members;
using StatelessTest = test::StatelessFixture;

// ---- results

TEST_F(StatelessTest, DiscoversTheServer) {
    const Exchange exchange = post_stateless("server/discover");
    EXPECT_EQ(exchange->status(), 200);
    EXPECT_EQ(exchange->body(),
              R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"complete",)" +
                  std::string(common_members) +
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
    auto prompt = std::make_unique<test::FakePrompt>("explore");
    prompt->edit_info().arguments = {
        {.name = "a", .title = "", .description = "", .required = false}};
    prompts_.add(std::move(prompt));
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
            R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"complete",)" +
            std::string(common_members)))
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

}  // namespace
}  // namespace fluxgate::rpc
