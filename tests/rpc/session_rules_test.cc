// What a session binds its requests to: its revision, and subscriptions to what there is. And with
// which id a request is refused.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/rpc/fake_resource.h"
#include "tests/rpc/rpc_fixture.h"

namespace fluxgate::rpc {
namespace {

class SessionRules : public test::RpcFixture {
protected:
    static void state(test::RecordingExchange& exchange, std::string_view version) {
        exchange.add_field(http::Field::mcp_protocol_version, "MCP-Protocol-Version", version);
    }
    // A POST in the session whose head states `version`.
    Exchange post_stating(std::string_view version, const std::string& session,
                          std::string_view body) {
        Exchange exchange = request(body, version);
        in_session(*exchange, session);
        send(*exchange);
        return exchange;
    }
    static bool has_id(const test::RecordingExchange& exchange) {
        return exchange.body().find(R"("id":)") != std::string::npos;
    }
};

// ---- the revision

TEST_F(SessionRules, ItsRevisionHoldsWhateverOtherOneTheHeadStates) {
    query_->structured = "{}";
    const std::string session = open_session("2024-11-05");
    for (const char* version : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"}) {
        const Exchange asked = post_stating(version, session, call("query_table"));
        EXPECT_EQ(asked->status(), 200) << version;
        EXPECT_EQ(query_->protocol, find_protocol("2024-11-05"));
        EXPECT_EQ(asked->body().find("structured"), std::string::npos);
        const Exchange stream = get_request(session);
        state(*stream, version);
        send_get(*stream);
        EXPECT_EQ(stream->status(), 200);
        stream->disconnect();
    }
}

TEST_F(SessionRules, ARevisionThatIsNotServedIsRefusedInASessionToo) {
    const std::string session = open_session("2025-11-25");
    EXPECT_EQ(post_stating("2025-12-01", session, method("ping"))->status(), 400);
    EXPECT_EQ(post_in(session, method("ping"))->status(), 200);  // not ended by that
}

TEST_F(SessionRules, ABatchIsOfTheSessionsRevisionToo) {
    const std::string batch = "[" + method("ping") + "]";
    for (const char* version : {"2025-03-26", "2025-06-18"}) {
        EXPECT_EQ(post_stating(version, open_session("2025-06-18"), batch)->status(), 400);
        EXPECT_EQ(post_stating(version, open_session("2025-03-26"), batch)->status(), 200);
    }
}

TEST_F(SessionRules, TheStatelessRevisionIsNoMatterOfSessions) {
    const std::string session = open_session("2025-11-25");
    const Exchange exchange = stateless_request("tools/list");
    in_session(*exchange, session);
    send(*exchange);
    EXPECT_EQ(exchange->status(), 200);
}

TEST_F(SessionRules, InitializeIsToldThatThereIsASession) {
    const Exchange exchange =
        post_stating("2025-06-18", open_session("2025-11-25"),
                     method("initialize", R"({"protocolVersion":"2025-06-18","capabilities":{}})"));
    EXPECT_EQ(exchange->status(), 400);
    expect_contains(exchange->body(), "initialized already");
}

// ---- subscriptions

TEST_F(SessionRules, WhatMatchesNoResourceCanNotBeFollowed) {
    resources_.add(std::make_unique<test::FakeResource>("flux://tables"));
    resources_.add(std::make_unique<test::FakeResource>("flux://tables/{name}"));
    const std::string session = open_session("2025-11-25");
    const auto follow = [&](std::string_view uri) {
        return post_in(session,
                       method("resources/subscribe", R"({"uri":")" + std::string(uri) + R"("})"))
            ->body();
    };
    const std::string done = R"({"jsonrpc":"2.0","id":1,"result":{}})";
    EXPECT_EQ(follow("flux://tables"), done);
    EXPECT_EQ(follow("flux://tables/not_there_yet"), done);
    EXPECT_EQ(follow("other://thing"), done);  // nobody's: see Dispatcher::subscribe
    expect_contains(follow("flux://tabels"),
                    R"("error":{"code":-32002,"message":"Resource not found: flux://tabels; )"
                    R"(did you mean \"flux://tables\"?","data":{"uri":"flux://tabels"}})");
    for (const char* uri : {"flux://tables/a/b", "flux://tables/", "flux:", "flux://tables/%zz"})
        expect_contains(follow(uri), R"("code":-32002)");
    // What it never followed may be unfollowed.
    EXPECT_EQ(
        post_in(session, method("resources/unsubscribe", R"({"uri":"flux://tabels"})"))->body(),
        done);
}

TEST_F(SessionRules, WithoutASessionNothingCanBeFollowed) {
    for (const char* name : {"resources/subscribe", "resources/unsubscribe"}) {
        const Exchange exchange = post(method(name, R"({"uri":"a://1"})", "7"));
        EXPECT_EQ(exchange->status(), 400) << name;
        expect_contains(exchange->body(),
                        R"("id":7,"error":{"code":-32000,"message":)"
                        R"("Bad Request: without a session nothing could be told)");
        expect_contains(exchange->body(), "Mcp-Session-Id");
    }
}

// ---- the id of an error: the request's; where it could not be read null, up to 2025-06-18, and
// left out from 2025-11-25 on, whose schema has no null there.

TEST_F(SessionRules, AnIdThatWasNotReadIsWrittenAsTheSessionsRevisionDoes) {
    const struct {
        const char* version;
        const char* stated;  // by the head; empty: nothing
        bool has_null;
    } revisions[] = {{"2025-03-26", "", true},
                     {"2025-06-18", "", true},
                     {"2025-11-25", "", false},
                     {"2025-06-18", "2025-11-25", true},
                     {"2025-11-25", "2025-06-18", false}};
    for (const auto& [version, stated, has_null] : revisions) {
        const std::string session = open_session(version);
        std::vector<Exchange> refused;
        refused.push_back(request("{"));  // 400: unreadable
        refused.push_back(std::make_unique<test::RecordingExchange>(loop_.get()));  // 415
        refused.back()->set_principal(everything_);
        refused.push_back(request("{}"));  // 406
        refused.back()->add_field(http::Field::accept, "Accept", "text/html");
        for (const Exchange& exchange : refused) {
            in_session(*exchange, session);
            if (*stated != '\0') state(*exchange, stated);
            send(*exchange);
        }
        refused.push_back(std::make_unique<test::RecordingExchange>(loop_.get()));  // GET: 406
        refused.back()->edit_request().method = http::Method::get;
        refused.back()->set_principal(everything_);
        in_session(*refused.back(), session);
        if (*stated != '\0') state(*refused.back(), stated);
        send_get(*refused.back());
        EXPECT_EQ(end_session(session)->status(), 200);
        refused.push_back(get_request(session));  // 404, and the head says which revision
        state(*refused.back(), version);
        send_get(*refused.back());
        const std::vector<int> expected = {400, 415, 406, 406, 404};
        for (size_t i = 0; i < refused.size(); ++i) {
            EXPECT_EQ(refused[i]->status(), expected[i]) << version;
            EXPECT_EQ(has_id(*refused[i]), has_null)
                << version << " stated " << stated << refused[i]->body();
        }
    }
}

TEST_F(SessionRules, AKnownIdIsRepeatedOnTheOldTransportToo) {
    const Exchange exchange = request(method("ping", "{}", "\"seven\""));
    exchange->edit_request().query = "sessionId=v1.a.b";
    send(*exchange);
    EXPECT_EQ(exchange->status(), 404);
    expect_contains(exchange->body(), R"("id":"seven")");
}

}  // namespace
}  // namespace fluxgate::rpc
