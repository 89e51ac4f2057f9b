#include "rpc/streamable_http.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/rpc/rpc_fixture.h"
#include "tests/support/alloc_counter.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;

class StreamableHttpTest : public test::RpcFixture {};
class DispatcherTest : public test::RpcFixture {};

constexpr std::string_view ping = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";

std::string initialize(std::string_view version) {
    return R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":")" +
           std::string(version) +
           R"(","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})";
}

// ---- the head

TEST_F(StreamableHttpTest, RefusesOtherMediaTypesBeforeTheBody) {
    for (const char* type :
         {"text/plain", "application/jsonx", "", "application/json, text/plain"}) {
        test::RecordingExchange exchange(loop_.get());
        exchange.set_body(ping);
        exchange.add_field(http::Field::content_type, "Content-Type", type);
        EXPECT_EQ(endpoint_->on_head(exchange), http::Next::answered);
        EXPECT_EQ(exchange.status(), 415);
        EXPECT_EQ(exchange.body(),
                  R"({"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":)"
                  R"("Unsupported Media Type: Content-Type must be application/json"}})");
    }
}

TEST_F(StreamableHttpTest, RefusesAMissingOrDoubleContentType) {
    test::RecordingExchange none(loop_.get());
    EXPECT_EQ(endpoint_->on_head(none), http::Next::answered);
    EXPECT_EQ(none.status(), 415);
    const Exchange two = request(ping);
    two->add_field(http::Field::content_type, "Content-Type", "application/json");
    EXPECT_EQ(endpoint_->on_head(*two), http::Next::answered);
    EXPECT_EQ(two->status(), 415);
}

TEST_F(StreamableHttpTest, RefusesAnAcceptThatNoAnswerCouldMeet) {
    for (const char* accept : {"text/html", "image/*", "application/json;q=0"}) {
        const Exchange exchange = request(ping);
        exchange->add_field(http::Field::accept, "Accept", accept);
        EXPECT_EQ(endpoint_->on_head(*exchange), http::Next::answered);
        EXPECT_EQ(exchange->status(), 406);
    }
    const Exchange two = request(ping);
    two->add_field(http::Field::accept, "Accept", "text/html");
    two->add_field(http::Field::accept, "ACCEPT", "image/png");
    EXPECT_EQ(endpoint_->on_head(*two), http::Next::answered);
}

TEST_F(StreamableHttpTest, IsLenientAboutAccept) {
    for (const char* accept : {"", "*/*", "application/json", "text/event-stream",
                               "application/json, text/event-stream"}) {
        const Exchange exchange = request(ping);
        exchange->add_field(http::Field::accept, "Accept", accept);
        EXPECT_EQ(endpoint_->on_head(*exchange), http::Next::proceed) << accept;
    }
    const Exchange two = request(ping);
    two->add_field(http::Field::accept, "Accept", "text/html");
    two->add_field(http::Field::accept, "accept", "application/json");
    EXPECT_EQ(endpoint_->on_head(*two), http::Next::proceed);
    EXPECT_EQ(post(ping)->status(), 200);
}

// ---- revisions

TEST_F(StreamableHttpTest, RefusesARevisionThatItDoesNotServe) {
    const char* answer =
        R"({"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"Bad Request: )"
        R"(MCP-Protocol-Version is not served; use one of 2024-11-05, 2025-03-26, 2025-06-18, )"
        R"(2025-11-25, 2026-07-28"}})";
    for (const char* version : {"1999-01-01", "2025-06-18x", "latest", "\"2025-06-18\""}) {
        expect_answer(ping, 400, answer, version);
    }
    const Exchange notification =
        post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})", "1999-01-01");
    EXPECT_EQ(notification->status(), 400);
    const Exchange two = request(ping, "2025-06-18");
    two->add_field(http::Field::mcp_protocol_version, "Mcp-Protocol-Version", "2025-11-25");
    send(*two);
    EXPECT_EQ(two->status(), 400);
    EXPECT_EQ(post(call("think"), "1999-01-01")->status(), 400);
    EXPECT_EQ(think_->calls, 0);
}

TEST_F(StreamableHttpTest, NegotiatesEachRevisionByTheBody) {
    for (const Protocol& protocol : all_protocols()) {
        if (protocol.is_stateless) continue;  // has no handshake
        const std::string completions = protocol.completions ? R"("completions":{},)" : "";
        const std::string title = protocol.titles ? R"("title":"fluxgate",)" : "";
        expect_answer(initialize(protocol.name), 200,
                      R"({"jsonrpc":"2.0","id":0,"result":{"protocolVersion":")" +
                          std::string(protocol.name) +
                          R"(","capabilities":{"tools":{"listChanged":true},)"
                          R"("resources":{"subscribe":true,"listChanged":true},)"
                          R"("prompts":{"listChanged":true},)" +
                          completions + R"("logging":{}},"serverInfo":{"name":"fluxgate",)" +
                          title + R"("version":"1.2.3"},"instructions":"Ask for \"tables\"."}})");
    }
}

TEST_F(StreamableHttpTest, OffersItsLatestWhereItDoesNotServeTheClientsRevision) {
    for (const char* version : {"2024-10-07", "2026-07-28", "2099-01-01", "", "x"}) {
        const Exchange exchange = post(initialize(version));
        EXPECT_EQ(exchange->status(), 200);
        EXPECT_NE(exchange->body().find(R"("protocolVersion":"2025-11-25")"), std::string::npos);
        EXPECT_NE(exchange->header("Mcp-Session-Id"), nullptr);
    }
    // The handshake is held to the header by its era only.
    EXPECT_EQ(post(initialize("2025-06-18"), "1999-01-01")->status(), 200);
    EXPECT_EQ(post(initialize("2025-06-18"), "2026-07-28")->status(), 400);
    expect_answer(
        R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":1}})", 200,
        R"({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":)"
        R"("Invalid params: `protocolVersion` must be a string"}})");
    expect_answer(R"({"jsonrpc":"2.0","id":1,"method":"initialize"})", 200,
                  R"({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":)"
                  R"("Invalid params: `params` is required"}})");
}

TEST_F(StreamableHttpTest, WritesAParseErrorAsTheRevisionWantsIt) {
    const char* with_null =
        R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}})";
    expect_answer("{", 400, with_null);
    expect_answer("{", 400, with_null, "2025-06-18");
    expect_answer("{", 400, with_null, "1999-01-01");
    expect_answer("{", 400, R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"}})",
                  "2025-11-25");
}

// ---- messages

TEST_F(StreamableHttpTest, EchoesIdsByteForByte) {
    for (const char* id :
         {"1", "-0", "1e2", "18446744073709551615", "\"a\\\"b\\u2028\"", "\"\\/\""}) {
        expect_answer(R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":"ping"})", 200,
                      R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"result":{}})");
        const Exchange called = post(call("think", id));
        EXPECT_TRUE(called->body().starts_with(R"({"jsonrpc":"2.0","id":)" + std::string(id) +
                                               R"(,"result":)"));
    }
}

TEST_F(StreamableHttpTest, TakesNotificationsAndResponsesWithoutAnAnswer) {
    for (const char* body :
         {R"({"jsonrpc":"2.0","method":"notifications/initialized"})",
          R"({"jsonrpc":"2.0","method":"notifications/nobody/knows"})",
          R"({"jsonrpc":"2.0","method":"whatever"})", R"({"jsonrpc":"2.0","id":1,"result":{}})",
          R"({"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"m"}})"}) {
        const Exchange exchange = post(body);
        EXPECT_EQ(exchange->status(), 202) << body;
        EXPECT_EQ(exchange->body(), "") << body;
        EXPECT_EQ(exchange->content_type(), "") << body;
    }
}

TEST_F(StreamableHttpTest, DoesNotRunACallWithoutAnId) {
    for (const char* method : {"tools/call", "tools/list", "ping", "initialize"}) {
        const Exchange exchange =
            post(R"({"jsonrpc":"2.0","method":")" + std::string(method) +
                 R"(","params":{"name":"delete_record","arguments":{"table":"t"}}})");
        EXPECT_EQ(exchange->status(), 400) << method;
        EXPECT_NE(exchange->body().find("nothing was run"), std::string::npos);
    }
    EXPECT_EQ(remove_->calls, 0);
}

TEST_F(StreamableHttpTest, NamesAnUnknownMethod) {
    expect_answer(R"({"jsonrpc":"2.0","id":1,"method":"no\u0000pe\""})", 200,
                  R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":)"
                  R"("Method not found: no\u0000pe\""}})");
    for (const char* method :
         {"Ping", "ping ", "resources/lists", "server/discover", "tools/call/x", "rpc.discover"}) {
        const Exchange exchange =
            post(R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(method) + "\"}");
        EXPECT_EQ(exchange->status(), 200);
        EXPECT_NE(exchange->body().find("-32601"), std::string::npos) << method;
    }
}

TEST_F(StreamableHttpTest, NotesWhatTheAccessLogWants) {
    const Exchange called = post(call("query_table"));
    EXPECT_EQ(called->notes().rpc_method, "tools/call");
    EXPECT_EQ(called->notes().tool, "query_table");
    EXPECT_EQ(called->notes().sqlstate, "00000");
    EXPECT_EQ(called->notes().queue_us, 3);
    EXPECT_EQ(called->notes().db_us, 4);
    EXPECT_FALSE(called->notes().is_error);
    const Exchange unknown = post(R"({"jsonrpc":"2.0","id":1,"method":"secret"})");
    EXPECT_EQ(unknown->notes().rpc_method, "other");
    EXPECT_TRUE(unknown->notes().is_error);
}

// ---- tools

TEST_F(DispatcherTest, ListsToolsInOnePage) {
    const char* body = R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}})";
    const Exchange exchange = post(body, "2025-06-18");
    EXPECT_TRUE(exchange->body().starts_with(
        R"({"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"delete_record",)"));
    EXPECT_EQ(post(body, "2025-06-18")->body(), exchange->body());
    for (const char* cursor : {"\"x\"", "1", "{}", "\"\""}) {
        expect_answer(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":)" +
                          std::string(cursor) + "}}",
                      200,
                      R"({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":)"
                      R"("Invalid params: unknown `cursor`; leave it out to begin again"}})");
    }
}

TEST_F(DispatcherTest, AnswersACallWithItsText) {
    query_->text = R"([{"a":"x\n"}])";
    expect_answer(call("query_table"), 200,
                  R"({"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":)"
                  R"("[{\"a\":\"x\\n\"}]"}],"isError":false}})");
    EXPECT_TRUE(query_->had_arguments);
    EXPECT_EQ(query_->protocol, &default_protocol());
}

TEST_F(DispatcherTest, AddsStructuredContentWhereTheRevisionKnowsIt) {
    query_->structured = R"({"rows":[]})";
    const std::string with =
        R"({"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":)"
        R"("[]"}],"structuredContent":{"rows":[]},"isError":false}})";
    const std::string without = R"({"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text",)"
                                R"("text":"[]"}],"isError":false}})";
    expect_answer(call("query_table"), 200, without, "2024-11-05");
    expect_answer(call("query_table"), 200, without, "2025-03-26");
    expect_answer(call("query_table"), 200, with, "2025-06-18");
    expect_answer(call("query_table"), 200, with, "2025-11-25");
}

TEST_F(DispatcherTest, SendsALargeResultWhole) {
    query_->text = std::string(1'000'000, 'r');
    query_->structured = "\"" + std::string(500'000, 's') + "\"";
    const std::string body = post(call("query_table"), "2025-11-25")->body();
    EXPECT_EQ(body, R"({"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":")" +
                        query_->text + R"("}],"structuredContent":)" + query_->structured +
                        R"(,"isError":false}})");
}

TEST_F(DispatcherTest, MarksAToolsOwnError) {
    expect_answer(
        R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query_table"}})", 200,
        R"({"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":)"
        R"("`table` is required: a string that is not empty"}],"isError":true}})");
    EXPECT_FALSE(query_->had_arguments);
}

TEST_F(DispatcherTest, RefusesAnUnknownTool) {
    expect_answer(
        call("nope"), 200,
        R"({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown tool: nope"}})");
    const Exchange exchange = post(call(std::string(1000, 'x')));
    EXPECT_NE(exchange->body().find(": " + std::string(echo_bytes_max, 'x') + "\""),
              std::string::npos);
    EXPECT_EQ(exchange->notes().tool, "");
}

TEST_F(DispatcherTest, RefusesParamsOfTheWrongShape) {
    for (const char* params : {"", R"(,"params":{})", R"(,"params":{"name":1})",
                               R"(,"params":{"name":null})", R"(,"params":{"Name":"think"})",
                               R"(,"params":[])", R"(,"params":{"name":"think","arguments":[]})",
                               R"(,"params":{"name":"think","arguments":"x"})",
                               R"(,"params":{"name":"think","arguments":1})"}) {
        const Exchange exchange =
            post(R"({"jsonrpc":"2.0","id":1,"method":"tools/call")" + std::string(params) + "}");
        EXPECT_NE(exchange->body().find("\"code\":-32602"), std::string::npos) << params;
        EXPECT_NE(exchange->body().find("\"id\":1"), std::string::npos) << params;
    }
    EXPECT_EQ(think_->calls, 0);
}

TEST_F(DispatcherTest, RefusesACallWithoutTheScope) {
    const Exchange exchange = request(call("query_table"));
    auto principal = std::make_shared<http::Principal>();
    principal->scopes = {"write:tables"};
    exchange->set_principal(principal);
    send(*exchange);
    EXPECT_EQ(exchange->status(), 403);
    EXPECT_EQ(exchange->body(), R"({"jsonrpc":"2.0","id":1,"error":{"code":403,"message":)"
                                R"("insufficient scope: read:tables"}})");
    ASSERT_NE(exchange->header("WWW-Authenticate"), nullptr);
    EXPECT_EQ(*exchange->header("WWW-Authenticate"),
              R"(Bearer error="insufficient_scope", scope="read:tables", )"
              R"(resource_metadata="https://h/.well-known/oauth-protected-resource")");
    EXPECT_EQ(query_->calls, 0);

    const Exchange nobody = request(call("query_table"));
    nobody->set_principal(nullptr);
    send(*nobody);
    EXPECT_EQ(nobody->status(), 403);
}

TEST_F(DispatcherTest, TurnsAFailureIntoItsStatus) {
    query_->failure =
        CallFailure{.code = 503, .message = "database unavailable", .retry_after_s = 2};
    const Exchange exchange = post(call("query_table"));
    EXPECT_EQ(exchange->status(), 503);
    EXPECT_EQ(exchange->body(),
              R"({"jsonrpc":"2.0","id":1,"error":{"code":503,"message":"database unavailable"}})");
    ASSERT_NE(exchange->header("Retry-After"), nullptr);
    EXPECT_EQ(*exchange->header("Retry-After"), "2");
    query_->failure = CallFailure{.code = -32603, .message = "Internal error", .retry_after_s = 0};
    const Exchange internal = post(call("query_table"));
    EXPECT_EQ(internal->status(), 200);
    EXPECT_EQ(internal->header("Retry-After"), nullptr);
}

TEST_F(DispatcherTest, AnswersOnceTheToolHasEnded) {
    query_->sleep = 5s;
    const Exchange exchange = post(call("query_table"));
    EXPECT_FALSE(exchange->is_answered());
    EXPECT_FALSE(exchange->scope().empty());
    loop_.advance(5100ms);
    EXPECT_EQ(exchange->status(), 200);
    EXPECT_TRUE(exchange->scope().empty());
}

TEST_F(DispatcherTest, GivesACallADeadlineAndEndsItThen) {
    query_->sleep = 10min;
    const Exchange exchange = post(call("query_table"));
    EXPECT_EQ(query_->deadline.remaining(loop_.get()->now()), 60s);
    loop_.advance(59s);
    EXPECT_FALSE(exchange->is_answered());
    loop_.advance(3s);
    EXPECT_EQ(exchange->status(), 200);
    EXPECT_NE(exchange->body().find("cut short"), std::string::npos);
    EXPECT_NE(exchange->body().find("\"isError\":true"), std::string::npos);
}

TEST_F(DispatcherTest, EndsACallWhoseRequestIsCancelled) {
    query_->sleep = 10min;
    const Exchange exchange = post(call("query_table"));
    exchange->scope().cancel();
    loop_.get()->run_until_idle();
    EXPECT_EQ(query_->cancelled, 1);
    EXPECT_TRUE(exchange->scope().empty());
    EXPECT_TRUE(exchange->is_answered());
}

TEST_F(DispatcherTest, AllocatesNothingForPingAndTheList) {
    if (!test::alloc_counter_works()) GTEST_SKIP() << "the sanitizer has its own malloc";
    for (const std::string& body :
         {std::string(ping), std::string(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})"),
          std::string(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{)"
                      R"("io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                      R"("io.modelcontextprotocol/clientCapabilities":{}}}})")}) {
        uint64_t allocations = 0;
        for (int round = 0; round < 3; ++round) {  // the first ones fill the pools
            const bool is_stateless = body.find("2026-07-28") != std::string::npos;
            const Exchange exchange = request(body, is_stateless ? "2026-07-28" : "");
            if (is_stateless) {
                exchange->add_field(http::Field::mcp_method, "Mcp-Method", "tools/list");
            }
            const test::AllocationSpan span;
            (void)endpoint_->on_head(*exchange);
            endpoint_->on_request(*exchange);
            allocations = span.allocations();
            EXPECT_EQ(exchange->status(), 200) << exchange->body();
        }
        EXPECT_EQ(allocations, 0U) << body;
    }
}

TEST_F(DispatcherTest, AllocatesNothingOfItsOwnForACall) {
    if (!test::alloc_counter_works()) GTEST_SKIP() << "the sanitizer has its own malloc";
    uint64_t allocations = 0;
    for (int round = 0; round < 3; ++round) {
        const Exchange exchange = request(call("query_table"));
        const test::AllocationSpan span;
        (void)endpoint_->on_head(*exchange);
        endpoint_->on_request(*exchange);
        allocations = span.allocations();
        EXPECT_EQ(exchange->status(), 200);
    }
    EXPECT_EQ(allocations, 0U);
}

}  // namespace
}  // namespace fluxgate::rpc
