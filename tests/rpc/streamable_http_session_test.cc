// Sessions of the revisions up to 2025-11-25.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "tests/rpc/fake_resource.h"
#include "tests/rpc/rpc_fixture.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view gone =
    R"({"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":)"
    R"("Session not found: it has expired or ended; initialize again"}})";

class SessionTest : public test::RpcFixture {
protected:
    static std::string ping() { return method("ping"); }
    int ping_as(http::PrincipalPtr principal, std::string_view session) {
        const Exchange exchange = request(ping());
        exchange->set_principal(std::move(principal));
        in_session(*exchange, session);
        send(*exchange);
        return exchange->status();
    }
    void expect_gone(std::string_view session) {
        const Exchange exchange = post_in(session, ping());
        EXPECT_EQ(exchange->status(), 404);
        EXPECT_EQ(exchange->body(), gone);
    }
};

TEST_F(SessionTest, BeginsWithInitialize) {
    const std::string first = open_session("2025-11-25");
    const std::string second = open_session("2025-11-25");
    EXPECT_NE(first, second);
    for (const char character : first) {
        EXPECT_GE(character, 0x21);
        EXPECT_LE(character, 0x7e);
    }
    EXPECT_EQ(post_in(first, R"({"jsonrpc":"2.0","method":"notifications/initialized"})")->status(),
              202);
    const Exchange exchange = post_in(first, ping());
    EXPECT_EQ(exchange->status(), 200);
    EXPECT_EQ(exchange->header("Mcp-Session-Id"), nullptr);  // the client has it
}

TEST_F(SessionTest, IsNotOpenedByARefusedInitialize) {
    for (const char* params : {R"({"protocolVersion":1})", "[]"}) {
        const Exchange exchange = post(method("initialize", params));
        expect_contains(exchange->body(), "error");
        EXPECT_EQ(exchange->header("Mcp-Session-Id"), nullptr);
    }
}

TEST_F(SessionTest, LendsItsRevisionToRequestsWithoutAHeader) {
    query_->structured = "{}";
    expect_contains(post_in(open_session("2025-06-18"), call("query_table"))->body(),
                    "structuredContent");
    EXPECT_EQ(query_->protocol, find_protocol("2025-06-18"));
    EXPECT_EQ(post_in(open_session("2024-11-05"), call("query_table"))->body().find("structured"),
              std::string::npos);
    EXPECT_EQ(query_->protocol, find_protocol("2024-11-05"));
}

TEST_F(SessionTest, IsNotInitializedTwice) {
    const std::string session = open_session("2025-11-25");
    const Exchange exchange =
        post_in(session, method("initialize", R"({"protocolVersion":"2025-11-25"})"));
    EXPECT_EQ(exchange->status(), 400);
    expect_contains(exchange->body(), R"("id":1,"error":{"code":-32600)");
    EXPECT_EQ(exchange->header("Mcp-Session-Id"), nullptr);
    EXPECT_EQ(post_in(session, ping())->status(), 200);
}

TEST_F(SessionTest, ThatIsGoneMayBeginAnew) {
    const Exchange exchange =
        post_in("v1.x.y", method("initialize", R"({"protocolVersion":"2025-11-25"})"));
    EXPECT_EQ(exchange->status(), 200);
    EXPECT_NE(exchange->header("Mcp-Session-Id"), nullptr);
}

TEST_F(SessionTest, ThatWasChangedIsNotFound) {
    const std::string session = open_session("2025-11-25");
    for (const size_t at : {size_t{0}, size_t{5}, session.size() / 2, session.size() - 2}) {
        std::string changed = session;
        changed[at] = changed[at] == 'A' ? 'B' : 'A';
        expect_gone(changed);
    }
    for (const char* id : {"", "1868a90c-8f54-4d3e-9c7b-0f6f3f0f7c11", "v1..", "v1.AAAA.AAAA"}) {
        expect_gone(id);
    }
    const Exchange two = request(ping());
    in_session(*two, session);
    in_session(*two, session);
    send(*two);
    EXPECT_EQ(two->status(), 404);
}

TEST_F(SessionTest, OfAnotherPrincipalIsNotFound) {
    const std::string session = open_session("2025-11-25", "{}", somebody("mallory"));
    expect_gone(session);
    EXPECT_EQ(ping_as(somebody("mallory"), session), 200);
}

TEST_F(SessionTest, IsCheckedAlsoAfterItWasSeen) {
    const std::string session = open_session("2025-11-25", "{}", somebody("mallory"));
    const http::PrincipalPtr mallory = somebody("mallory");
    EXPECT_EQ(ping_as(mallory, session), 200);
    EXPECT_EQ(ping_as(mallory, session), 200);
    EXPECT_EQ(ping_as(somebody("alice"), session), 404);
    EXPECT_EQ(ping_as(nullptr, session), 404);
    EXPECT_EQ(ping_as(somebody("mallory"), session), 200);  // resolved anew
    std::string changed = session;
    changed.back() = changed.back() == 'A' ? 'B' : 'A';
    expect_gone(changed);
}

TEST_F(SessionTest, ThatIsGoneAnswersNothingElse) {
    const std::string session = open_session("2025-11-25");
    EXPECT_EQ(end_session(session)->status(), 200);
    EXPECT_EQ(post_in(session, call("think"))->body(), gone);
    EXPECT_EQ(think_->calls, 0);
    const Exchange notification =
        post_in(session, R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
    EXPECT_EQ(notification->status(), 404);
    expect_contains(notification->body(), R"("id":null)");
    // A response's id is the server's own.
    const Exchange response = post_in(session, R"({"jsonrpc":"2.0","id":"x","result":{}})");
    EXPECT_EQ(response->status(), 404);
    expect_contains(response->body(), R"("id":null)");
    const Exchange batch = post_in(session, "[" + ping() + "]");
    EXPECT_EQ(batch->status(), 404);
}

TEST_F(SessionTest, Expires) {
    const std::string session = open_session("2025-11-25");
    loop_.advance(3599s);
    EXPECT_EQ(post_in(session, ping())->status(), 200);
    loop_.advance(1s);
    expect_gone(session);
}

TEST_F(SessionTest, IsRenewedAfterHalfItsTime) {
    const std::string session = open_session("2025-11-25");
    loop_.advance(1799s);
    EXPECT_EQ(post_in(session, ping())->header("Mcp-Session-Id"), nullptr);
    loop_.advance(1s);
    const Exchange exchange = post_in(session, ping());
    ASSERT_NE(exchange->header("Mcp-Session-Id"), nullptr);
    const std::string renewed = *exchange->header("Mcp-Session-Id");
    EXPECT_NE(renewed, session);
    loop_.advance(1801s);
    expect_gone(session);
    EXPECT_EQ(post_in(renewed, ping())->status(), 200);
    // It is the same one: ended under one name, it is ended under the other.
    EXPECT_EQ(end_session(renewed)->status(), 200);
    expect_gone(renewed);
}

TEST_F(SessionTest, EndsWithDelete) {
    const std::string session = open_session("2025-11-25");
    const std::string other = open_session("2025-11-25");
    const Exchange ended = end_session(session);
    EXPECT_EQ(ended->status(), 200);
    EXPECT_EQ(ended->body(), "");
    expect_gone(session);
    EXPECT_EQ(end_session(session)->status(), 404);
    EXPECT_EQ(get(session)->status(), 404);
    EXPECT_EQ(post_in(other, ping())->status(), 200);
}

TEST_F(SessionTest, IsNotEndedByOthers) {
    const std::string session = open_session("2025-11-25", "{}", somebody("mallory"));
    EXPECT_EQ(end_session(session)->status(), 404);
    const Exchange none = end_session("");
    EXPECT_EQ(none->status(), 400);
    expect_contains(none->body(), "-32000");
    EXPECT_EQ(end_session("x")->status(), 404);
    EXPECT_EQ(ping_as(somebody("mallory"), session), 200);
}

TEST_F(SessionTest, DeleteIsUnknownToTheStatelessRevision) {
    const std::string session = open_session("2025-11-25");
    test::RecordingExchange exchange(loop_.get());
    exchange.set_principal(everything_);
    in_session(exchange, session);
    exchange.add_field(http::Field::mcp_protocol_version, "MCP-Protocol-Version", "2026-07-28");
    delete_.on_request(exchange);
    EXPECT_EQ(exchange.status(), 405);
    ASSERT_NE(exchange.header("Allow"), nullptr);
    EXPECT_EQ(*exchange.header("Allow"), "POST, OPTIONS");
    EXPECT_EQ(post_in(session, ping())->status(), 200);
}

TEST_F(SessionTest, IsIgnoredByStatelessRequests) {
    for (const char* id : {"", "nonsense"}) {
        const Exchange exchange = stateless_request("server/discover");
        in_session(*exchange, id);
        send(*exchange);
        EXPECT_EQ(exchange->status(), 200);
        EXPECT_EQ(exchange->header("Mcp-Session-Id"), nullptr);
    }
}

TEST_F(SessionTest, IsNotNeeded) {
    EXPECT_EQ(post(ping())->status(), 200);
    EXPECT_EQ(post(call("query_table"), "2025-11-25")->status(), 200);
}

// ---- what a session remembers

TEST_F(SessionTest, SetsTheLevelOfItsLogMessages) {
    const std::string session = open_session("2025-11-25");
    expect_answer(method("logging/setLevel", R"({"level":"debug"})"), 200,
                  R"({"jsonrpc":"2.0","id":1,"result":{}})");
    EXPECT_EQ(post_in(session, method("logging/setLevel", R"({"level":"error"})"))->body(),
              R"({"jsonrpc":"2.0","id":1,"result":{}})");
    for (const char* params : {"{}", R"({"level":"loud"})", R"({"level":"Error"})",
                               R"({"level":""})", R"({"level":3})", R"({"level":null})"}) {
        const Exchange exchange = post_in(session, method("logging/setLevel", params));
        EXPECT_EQ(exchange->status(), 200);
        expect_contains(exchange->body(), R"("id":1,"error":{"code":-32602)");
    }
}

TEST_F(SessionTest, SubscribesToResources) {
    const std::string session = open_session("2025-11-25");
    const std::string done = R"({"jsonrpc":"2.0","id":1,"result":{}})";
    for (const char* name : {"resources/subscribe", "resources/unsubscribe"}) {
        EXPECT_EQ(post_in(session, method(name, R"({"uri":"a://1"})"))->body(), done);
        for (const char* params : {"{}", R"({"uri":1})", R"({"uri":null})", R"({"uri":["a"]})"}) {
            expect_contains(post_in(session, method(name, params))->body(),
                            R"("id":1,"error":{"code":-32602)");
        }
    }
}

TEST_F(SessionTest, SubscribesToALimitedNumber) {
    const std::string session = open_session("2025-11-25");
    const auto subscribe = [&](const std::string& uri) {
        return post_in(session, method("resources/subscribe", R"({"uri":")" + uri + R"("})"))
            ->body();
    };
    expect_contains(subscribe(std::string(SessionStates::uri_bytes_max + 1, 'u')), "-32602");
    for (size_t i = 0; i < SessionStates::uris_max; ++i)
        ASSERT_EQ(subscribe("a://" + std::to_string(i)), R"({"jsonrpc":"2.0","id":1,"result":{}})");
    expect_contains(subscribe("a://more"), "-32602");
    EXPECT_EQ(subscribe("a://0"), R"({"jsonrpc":"2.0","id":1,"result":{}})");
}

TEST_F(SessionTest, DoesNotSubscribeToWhatItMayNotRead) {
    resources_.add(std::make_unique<test::FakeResource>("a://secret",
                                                        std::vector<std::string>{"read:secret"}));
    const std::string subscribe = method("resources/subscribe", R"({"uri":"a://secret"})");
    const Exchange exchange = request(subscribe);
    exchange->set_principal(somebody("alice", {"read:tables"}));
    send(*exchange);
    EXPECT_EQ(exchange->status(), 403);
    expect_contains(exchange->body(), "insufficient scope: read:secret");
    EXPECT_EQ(post_in(open_session("2025-11-25"), subscribe)->status(), 200);
}

}  // namespace
}  // namespace fluxgate::rpc
