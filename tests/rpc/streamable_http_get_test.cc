// GET /mcp: a session's own stream, and the transport of 2024-11-05.
#include "rpc/streamable_http_get.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "rpc/list_changed.h"
#include "tests/rpc/rpc_fixture.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;

class GetTest : public test::RpcFixture {
protected:
    void publish_tools() {
        sessions_.streams.publish(
            {.tools = true, .prompts = false, .resources = false, .updated = {}});
        loop_.get()->run_until_idle();
    }
    void publish_update(const std::string& uri) {
        sessions_.streams.publish(
            {.tools = false, .prompts = false, .resources = false, .updated = {{.uri = uri}}});
        loop_.get()->run_until_idle();
    }
};

// ---- refusals

TEST_F(GetTest, IsForClientsThatTakeEvents) {
    const std::string session = open_session("2025-11-25");
    for (const char* accept : {"", "*/*", "application/json", "text/event-stream;q=0"}) {
        test::RecordingExchange exchange(loop_.get());
        exchange.set_principal(everything_);
        in_session(exchange, session);
        if (*accept != '\0') exchange.add_field(http::Field::accept, "Accept", accept);
        send_get(exchange);
        EXPECT_EQ(exchange.status(), 406) << accept;
    }
    EXPECT_EQ(sessions_.streams.count(), 0U);
}

TEST_F(GetTest, IsUnknownToTheStatelessRevision) {
    for (const std::string& session : {std::string(), open_session("2025-11-25")}) {
        const Exchange exchange = get_request(session);
        exchange->add_field(http::Field::mcp_protocol_version, "MCP-Protocol-Version",
                            "2026-07-28");
        send_get(*exchange);
        EXPECT_EQ(exchange->status(), 405);
        ASSERT_NE(exchange->header("Allow"), nullptr);
        EXPECT_EQ(*exchange->header("Allow"), "POST, OPTIONS");
    }
}

TEST_F(GetTest, NeedsASessionWhereTheRevisionHasThem) {
    const Exchange without = get_request("");
    without->add_field(http::Field::mcp_protocol_version, "MCP-Protocol-Version", "2025-11-25");
    send_get(*without);
    EXPECT_EQ(without->status(), 405);
    const Exchange unknown = get_request("");
    unknown->add_field(http::Field::mcp_protocol_version, "MCP-Protocol-Version", "1999-01-01");
    send_get(*unknown);
    EXPECT_EQ(unknown->status(), 400);
}

TEST_F(GetTest, RefusesASessionThatIsGoneOrForeign) {
    const std::string session = open_session("2025-11-25");
    const std::string foreign = open_session("2025-11-25", "{}", somebody("mallory"));
    for (const std::string& id : {std::string("x"), session + "A", foreign}) {
        const Exchange exchange = get(id);
        EXPECT_EQ(exchange->status(), 404);
        expect_contains(exchange->body(), "-32001");
    }
    loop_.advance(3600s);
    EXPECT_EQ(get(session)->status(), 404);
    EXPECT_EQ(sessions_.streams.count(), 0U);
}

// ---- a session's stream

TEST_F(GetTest, PrimesTheRevisionThatKnowsIt) {
    for (const char* version : {"2025-03-26", "2025-06-18", "2025-11-25"}) {
        const std::string session = open_session(version);
        const Exchange exchange = get(session);
        EXPECT_EQ(exchange->status(), 200);
        EXPECT_EQ(exchange->content_type(), "text/event-stream");
        const bool is_primed = std::string_view(version) == "2025-11-25";
        EXPECT_EQ(events(*exchange).primes.size(), is_primed ? 1U : 0U) << version;
        EXPECT_EQ(events(*exchange).all.size(), 0U);
        EXPECT_FALSE(exchange->has_stream_ended());
        EXPECT_TRUE(exchange->cancels_on_disconnect());
        if (is_primed) expect_contains(exchange->body(), "retry: ");
    }
}

TEST_F(GetTest, TellsWhatHasChanged) {
    const std::string session = open_session("2025-06-18");
    const Exchange exchange = get(session);
    EXPECT_EQ(post_in(session, method("resources/subscribe", R"({"uri":"a://1"})"))->status(), 200);
    publish_tools();
    publish_update("a://1");
    publish_update("a://2");
    EXPECT_EQ(told(*exchange), R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})"
                               "\n"
                               R"({"jsonrpc":"2.0","method":"notifications/resources/updated",)"
                               R"("params":{"uri":"a://1"}})"
                               "\n");
    const Events seen = events(*exchange);
    EXPECT_EQ(seen.all[0].name, "message");
    EXPECT_NE(seen.all[0].id, "");
    EXPECT_NE(seen.all[0].id, seen.all[1].id);
}

TEST_F(GetTest, KeepsTheConnectionAlive) {
    const Exchange exchange = get(open_session("2025-06-18"));
    loop_.advance(14s);
    EXPECT_EQ(exchange->streamed(), "");
    loop_.advance(1100ms);
    EXPECT_EQ(exchange->streamed(), ": keepalive\n\n");
    publish_tools();
    loop_.advance(14s);
    EXPECT_EQ(events(*exchange).comments, 1);
    loop_.advance(1100ms);
    EXPECT_EQ(events(*exchange).comments, 2);
}

TEST_F(GetTest, ReplacesTheStreamBefore) {
    const std::string session = open_session("2025-06-18");
    const Exchange first = get(session);
    publish_tools();
    const Exchange second = get(session);
    EXPECT_TRUE(first->has_stream_ended());
    EXPECT_FALSE(second->has_stream_ended());
    publish_update("a://1");
    publish_tools();
    EXPECT_EQ(events(*first).all.size(), 1U);
    EXPECT_EQ(events(*second).all.size(), 1U);  // not what the first one was told
    EXPECT_EQ(sessions_.streams.count(), 1U);
}

TEST_F(GetTest, EndsWithItsPeer) {
    const Exchange exchange = get(open_session("2025-06-18"));
    exchange->disconnect();
    EXPECT_TRUE(exchange->scope().empty());
    EXPECT_TRUE(exchange->has_stream_ended());
    publish_tools();
    EXPECT_EQ(exchange->streamed(), "");
}

TEST_F(GetTest, EndsWithItsSession) {
    const std::string session = open_session("2025-06-18");
    const Exchange exchange = get(session);
    EXPECT_EQ(end_session(session)->status(), 200);
    EXPECT_TRUE(exchange->has_stream_ended());
    EXPECT_TRUE(exchange->scope().empty());
    EXPECT_EQ(sessions_.streams.count(), 0U);
}

TEST_F(GetTest, EndsWhenTheServerDrains) {
    const Exchange stream = get(open_session("2025-11-25"));
    const Exchange old = get("");
    sessions_.streams.close();
    loop_.get()->run_until_idle();
    EXPECT_TRUE(stream->has_stream_ended());
    EXPECT_TRUE(old->has_stream_ended());
    EXPECT_TRUE(stream->scope().empty() && old->scope().empty());
    EXPECT_TRUE(get(open_session("2025-11-25"))->has_stream_ended());  // at once
}

// ---- coming back

TEST_F(GetTest, GoesOnBehindTheLastEvent) {
    const std::string session = open_session("2025-11-25");
    const Exchange first = get(session);
    publish_tools();
    publish_tools();
    publish_tools();
    const Events seen = events(*first);
    ASSERT_EQ(seen.all.size(), 3U);
    first->disconnect();
    const Exchange second = get(session, seen.all[0].id);
    const Events again = events(*second);
    ASSERT_EQ(again.all.size(), 2U);
    EXPECT_EQ(again.all[0].id, seen.all[1].id);
    EXPECT_EQ(again.all[1].id, seen.all[2].id);
    EXPECT_EQ(again.primes, std::vector<std::string>{seen.all[0].id});
    EXPECT_EQ(events(*get(session, seen.primes[0])).all.size(), 3U);  // before the first one
    EXPECT_EQ(events(*get(session, seen.all[2].id)).all.size(), 0U);
}

TEST_F(GetTest, KeepsWhatCameWhileNobodyWasThere) {
    const std::string session = open_session("2025-11-25");
    const Exchange first = get(session);
    publish_tools();
    first->disconnect();
    publish_tools();
    EXPECT_EQ(events(*get(session)).all.size(), 1U);
}

TEST_F(GetTest, RefusesAnEventIdThatIsNotItsOwn) {
    const std::string session = open_session("2025-11-25");
    const std::string other = open_session("2025-11-25");
    const Exchange stream = get(session);
    publish_tools();
    const std::string id = events(*stream).all[0].id;
    for (const std::string& bad : {std::string("1"), id + "A", id.substr(1), "x" + id}) {
        const Exchange exchange = get(session, bad);
        EXPECT_EQ(exchange->status(), 400) << bad;
        expect_contains(exchange->body(), "-32000");
    }
    EXPECT_EQ(get(other, id)->status(), 400);
    EXPECT_FALSE(stream->has_stream_ended());
}

// What was kept is gone: the client is told to look again.
TEST_F(GetTest, BeginsAnewWhereNothingIsKept) {
    const std::string session = open_session("2025-11-25");
    const Exchange first = get(session);
    publish_tools();
    const std::string id = events(*first).all[0].id;
    first->disconnect();
    loop_.advance(EventStreams::kept_for + 6s);
    EXPECT_FALSE(get(open_session("2025-11-25"))->has_stream_ended());  // sweeps
    EXPECT_EQ(told(*get(session, id)), tools_list_changed({}) + "\n" + prompts_list_changed({}) +
                                           "\n" + resources_list_changed({}) + "\n");
}

TEST_F(GetTest, TellsASessionOfAnotherProcessToLookAgain) {
    Session session{.protocol = find_protocol("2025-06-18"),
                    .capabilities = {},
                    .principal = digest_of(everything_.get()),
                    .issued_s = loop::unix_seconds(loop_.get()->wall_now()),
                    .nonce = {'t', 'e', 's', 'T'}};
    const std::string id = sessions_.ids.make(session);
    const Exchange exchange = get(id);
    EXPECT_EQ(told(*exchange), tools_list_changed({}) + "\n" + prompts_list_changed({}) + "\n" +
                                   resources_list_changed({}) + "\n");
    exchange->disconnect();
    EXPECT_EQ(told(*get(id)), "");  // once
}

// ---- the transport of 2024-11-05

class OldTransportTest : public GetTest {
protected:
    OldTransportTest() : stream_(get("")) {
        const std::vector<Event> first = events(*stream_).all;
        EXPECT_EQ(first.size(), 1U);
        if (first.empty()) return;
        EXPECT_EQ(first[0].name, "endpoint");
        EXPECT_EQ(first[0].id, "");
        address_ = first[0].data;
    }
    [[nodiscard]] Exchange old_request(std::string_view body, const std::string& address) {
        Exchange exchange = request(body);
        exchange->edit_request().query =
            exchange->arena().copy(std::string_view(address).substr(address.find('?') + 1));
        return exchange;
    }
    [[nodiscard]] Exchange post_old(std::string_view body) {
        Exchange exchange = old_request(body, address_);
        send(*exchange);
        return exchange;
    }
    // What came behind the address.
    [[nodiscard]] std::string replies() const {
        const std::string text = told(*stream_);
        return text.substr(text.find('\n') + 1);
    }
    Exchange stream_;
    std::string address_;
};

TEST_F(OldTransportTest, AnswersOnTheStream) {
    EXPECT_TRUE(address_.starts_with("/mcp?sessionId=")) << address_;
    const Exchange exchange = post_old(method("ping"));
    EXPECT_EQ(exchange->status(), 202);
    EXPECT_EQ(exchange->body(), "");
    EXPECT_EQ(replies(), R"({"jsonrpc":"2.0","id":1,"result":{}})"
                         "\n");
    EXPECT_EQ(post_old(R"({"jsonrpc":"2.0","method":"notifications/initialized"})")->status(), 202);
    EXPECT_EQ(post_old(call("query_table", "2"))->status(), 202);
    expect_contains(replies(), R"({"jsonrpc":"2.0","id":2,"result":{"content")");
    EXPECT_EQ(post_old(method("nope", "{}", "3"))->status(), 202);
    expect_contains(replies(), R"("id":3,"error":{"code":-32601)");
    EXPECT_EQ(events(*stream_).primes.size(), 0U);
}

TEST_F(OldTransportTest, InitializesInTheStreamsOwnSession) {
    const Exchange exchange = post_old(
        method("initialize", R"({"protocolVersion":"2024-11-05","capabilities":{"roots":{}}})"));
    EXPECT_EQ(exchange->status(), 202);
    EXPECT_EQ(exchange->header("Mcp-Session-Id"), nullptr);
    expect_contains(replies(), R"("protocolVersion":"2024-11-05")");
}

TEST_F(OldTransportTest, SendsProgressAndTheResultThere) {
    query_->script = [](ToolCall* call) -> loop::Task<ToolOutcome> {
        co_await call->client->progress(1, 2, "half");
        co_await call->client->hang_up();  // this revision knows no such thing
        co_return ToolResult{};
    };
    const std::string params = R"({"name":"query_table","_meta":{"progressToken":7}})";
    EXPECT_EQ(post_old(method("tools/call", params))->status(), 202);
    const std::string text = replies();
    expect_contains(text, R"("progressToken":7,"progress":1,"total":2,"message":"half")");
    expect_contains(text.substr(text.find('\n')), R"("id":1,"result")");
}

TEST_F(OldTransportTest, TellsWhatHasChanged) {
    publish_tools();
    EXPECT_EQ(replies(), tools_list_changed({}) + "\n");
}

TEST_F(OldTransportTest, RefusesAnAddressThatIsNotItsOwn) {
    const Exchange foreign = old_request(method("ping"), address_);
    foreign->set_principal(somebody("mallory"));
    send(*foreign);
    EXPECT_EQ(foreign->status(), 404);
    expect_contains(foreign->body(), "-32001");
    for (const std::string& address :
         {address_ + "A", std::string("/mcp?sessionId="), std::string("/mcp?sessionId=v1.a.b"),
          address_.substr(0, address_.size() - 1)}) {
        const Exchange exchange = old_request(method("ping"), address);
        send(*exchange);
        EXPECT_EQ(exchange->status(), 404) << address;
    }
    EXPECT_EQ(replies(), "");
}

TEST_F(OldTransportTest, RefusesWhatIsNoMessageWithTheRequestItself) {
    EXPECT_EQ(post_old("[" + method("ping") + "]")->status(), 400);
    EXPECT_EQ(post_old("{}")->status(), 400);
    EXPECT_EQ(post_old("{")->status(), 400);
    EXPECT_EQ(replies(), "");
}

TEST_F(OldTransportTest, IsOverWithItsStream) {
    query_->sleep = 5s;
    const Exchange running = post_old(call("query_table"));
    stream_->disconnect();
    EXPECT_EQ(post_old(method("ping"))->status(), 404);
    EXPECT_EQ(sessions_.streams.count(), 0U);
    loop_.advance(6s);
    EXPECT_EQ(running->status(), 202);
}

TEST_F(OldTransportTest, SaysThatAResultIsTooLarge) {
    query_->text = std::string(EventStreams::old_bytes_max, 'x');
    EXPECT_EQ(post_old(call("query_table"))->status(), 202);
    expect_contains(replies(), R"("id":1,"error":{"code":-32603)");
}

TEST_F(OldTransportTest, CancelsACall) {
    query_->sleep = 10min;
    const Exchange running = post_old(call("query_table", "\"x\""));
    EXPECT_EQ(running->status(), 202);  // before the work: clients post one message at a time
    EXPECT_FALSE(running->scope().empty());
    const std::string cancel =
        R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}})";
    EXPECT_EQ(post_old(cancel)->status(), 202);
    EXPECT_EQ(query_->cancelled, 1);
    EXPECT_TRUE(running->scope().empty());
    EXPECT_EQ(replies(), "");
}

}  // namespace
}  // namespace fluxgate::rpc
