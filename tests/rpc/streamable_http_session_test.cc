// Sessions of the revisions up to 2025-11-25, and the methods that they share with sessionless
// requests.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

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
    const Exchange own = request(ping());
    own->set_principal(somebody("mallory"));
    in_session(*own, session);
    send(*own);
    EXPECT_EQ(own->status(), 200);
}

TEST_F(SessionTest, IsCheckedAlsoAfterItWasSeen) {
    const std::string session = open_session("2025-11-25", "{}", somebody("mallory"));
    const auto ping_as = [&](http::PrincipalPtr principal) {
        const Exchange exchange = request(ping());
        exchange->set_principal(std::move(principal));
        in_session(*exchange, session);
        send(*exchange);
        return exchange->status();
    };
    const http::PrincipalPtr mallory = somebody("mallory");
    EXPECT_EQ(ping_as(mallory), 200);
    EXPECT_EQ(ping_as(mallory), 200);
    EXPECT_EQ(ping_as(somebody("alice")), 404);
    EXPECT_EQ(ping_as(nullptr), 404);
    EXPECT_EQ(ping_as(somebody("mallory")), 200);  // resolved anew
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
    const Exchange own = request(ping());
    own->set_principal(somebody("mallory"));
    in_session(*own, session);
    send(*own);
    EXPECT_EQ(own->status(), 200);
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
        EXPECT_EQ(post(method(name, R"({"uri":"a://1"})"))->body(), done);  // forgotten at once
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
    EXPECT_EQ(post(subscribe)->status(), 200);
}

// ---- resources

class ResourceMethodTest : public SessionTest {
protected:
    ResourceMethodTest() {
        auto resource = std::make_unique<test::FakeResource>("a://1");
        one_ = resource.get();
        one_->text = "hello \"you\"";
        resources_.add(std::move(resource));
        auto item = std::make_unique<test::FakeResource>("a://t/{id}",
                                                         std::vector<std::string>{"read:tables"});
        template_ = item.get();
        template_->text = "member";
        template_->values = {"10", "11"};
        resources_.add(std::move(item));
    }
    static std::string read(std::string_view uri) {
        return method("resources/read", R"({"uri":")" + std::string(uri) + R"("})");
    }
    test::FakeResource* one_ = nullptr;
    test::FakeResource* template_ = nullptr;
};

TEST_F(ResourceMethodTest, ReadsAResource) {
    expect_answer(read("a://1"), 200,
                  R"({"jsonrpc":"2.0","id":1,"result":{"contents":[{"uri":"a://1",)"
                  R"("mimeType":"text/plain","text":"hello \"you\""}]}})");
    expect_contains(post(read("a://t/7"))->body(), R"("uri":"a://t/7")");
}

TEST_F(ResourceMethodTest, SaysWhichResourceIsUnknown) {
    for (const char* uri : {"a://2", "a://1/", "A://1", "", "a://t/", "a://t/{id}/x"}) {
        EXPECT_EQ(post(read(uri))->body(),
                  R"({"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":)"
                  R"("Resource not found: )" +
                      std::string(uri) + R"(","data":{"uri":")" + uri + R"("}}})");
    }
    template_->is_found = false;  // only the resource itself knows
    expect_contains(post(read("a://t/7"))->body(), R"("code":-32002)");
    EXPECT_EQ(one_->reads, 0);
}

TEST_F(ResourceMethodTest, RefusesParamsOfTheWrongShape) {
    for (const char* params : {"{}", R"({"uri":1})", R"({"uri":null})", R"({"uri":{}})"}) {
        expect_contains(post(method("resources/read", params))->body(),
                        R"("id":1,"error":{"code":-32602)");
    }
    expect_contains(post(R"({"jsonrpc":"2.0","id":1,"method":"resources/read"})")->body(),
                    R"("code":-32602)");
}

TEST_F(ResourceMethodTest, RefusesAReadWithoutTheScope) {
    const Exchange exchange = request(read("a://t/7"));
    exchange->set_principal(somebody("alice", {"write:tables"}));
    send(*exchange);
    EXPECT_EQ(exchange->status(), 403);
    ASSERT_NE(exchange->header("WWW-Authenticate"), nullptr);
    expect_contains(*exchange->header("WWW-Authenticate"), R"(scope="read:tables")");
    EXPECT_EQ(template_->reads, 0);
}

TEST_F(ResourceMethodTest, TurnsAFailureIntoItsStatus) {
    one_->failure = CallFailure{.code = 503, .message = "away", .retry_after_s = 1};
    const Exchange exchange = post(read("a://1"));
    EXPECT_EQ(exchange->status(), 503);
    EXPECT_NE(exchange->header("Retry-After"), nullptr);
}

TEST_F(ResourceMethodTest, ListsInPagesOfOnesOwn) {
    for (int i = 0; i < 150; ++i)
        template_->members.push_back("a://t/" + std::to_string(1000 + i));
    const std::string first = post(method("resources/list"))->body();
    const std::string mark = R"("nextCursor":")";
    const size_t at = first.find(mark);
    ASSERT_NE(at, std::string::npos);
    const size_t begin = at + mark.size();
    const std::string cursor = first.substr(begin, first.find('"', begin) - begin);
    const std::string next = R"({"cursor":")" + cursor + R"("})";
    const std::string second = post(method("resources/list", next))->body();
    expect_contains(second, "a://t/1149");
    EXPECT_EQ(second.find("nextCursor"), std::string::npos);
    EXPECT_EQ(second.find("\"a://1\""), std::string::npos);

    for (const char* list : {"resources/templates/list", "prompts/list", "tools/list"}) {
        expect_contains(post(method(list, next))->body(), R"("code":-32602)");
    }
    const Exchange foreign = request(method("resources/list", next));
    foreign->set_principal(somebody("mallory", {"read:tables"}));
    send(*foreign);
    EXPECT_EQ(foreign->body(), R"({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":)"
                               R"("Invalid params: unknown `cursor`"}})");
    for (const std::string& bad : {std::string("\"\""), std::string("1"), std::string("{}"),
                                   "\"" + cursor + "A\"", "\"" + cursor.substr(1) + "\""}) {
        expect_contains(post(method("resources/list", R"({"cursor":)" + bad + "}"))->body(),
                        R"("code":-32602)");
    }
    EXPECT_EQ(post(method("resources/list", R"({"cursor":null})"))->body().substr(0, 60),
              first.substr(0, 60));
}

// ---- prompts and completion

class PromptMethodTest : public ResourceMethodTest {
protected:
    PromptMethodTest() {
        auto prompt =
            std::make_unique<test::FakePrompt>("explore", std::vector<std::string>{"read:tables"});
        prompt_ = prompt.get();
        prompt_->edit_info().arguments = {
            {.name = "table", .title = "", .description = "", .required = true},
            {.name = "depth", .title = "", .description = "", .required = false}};
        prompts_.add(std::move(prompt));
    }
    static std::string complete(std::string_view ref, std::string_view argument) {
        return method("completion/complete", R"({"ref":)" + std::string(ref) + R"(,"argument":)" +
                                                 std::string(argument) + "}");
    }
    test::FakePrompt* prompt_ = nullptr;
};

TEST_F(PromptMethodTest, GetsAPrompt) {
    expect_answer(
        method("prompts/get", R"({"name":"explore","arguments":{"table":"t\"","more":"x"}})"), 200,
        R"({"jsonrpc":"2.0","id":1,"result":{"description":"Asks.","messages":[{"role":"user",)"
        R"("content":{"type":"text","text":"Explore t\""}}]}})");
}

TEST_F(PromptMethodTest, RefusesParamsOfTheWrongShape) {
    for (const char* params :
         {"{}", R"({"name":1})", R"({"name":"explore"})", R"({"name":"explore","arguments":{}})",
          R"({"name":"explore","arguments":{"table":""}})",
          R"({"name":"explore","arguments":{"table":1}})",
          R"({"name":"explore","arguments":{"table":null}})",
          R"({"name":"explore","arguments":{"table":"t","depth":2}})",
          R"({"name":"explore","arguments":[]})", R"({"name":"explore","arguments":"t"})",
          R"({"name":"Explore","arguments":{"table":"t"}})"}) {
        const Exchange exchange = post(method("prompts/get", params));
        EXPECT_EQ(exchange->status(), 200);
        expect_contains(exchange->body(), R"("id":1,"error":{"code":-32602)");
    }
    EXPECT_EQ(prompt_->gets, 0);
}

TEST_F(PromptMethodTest, NamesWhatIsMissingOrUnknown) {
    expect_contains(post(method("prompts/get", R"({"name":"explore"})"))->body(),
                    "missing argument: table");
    expect_contains(post(method("prompts/get", R"({"name":"nope"})"))->body(),
                    "Unknown prompt: nope");
}

TEST_F(PromptMethodTest, RefusesAPromptWithoutTheScope) {
    for (const std::string& body :
         {method("prompts/get", R"({"name":"explore","arguments":{"table":"t"}})"),
          complete(R"({"type":"ref/prompt","name":"explore"})", R"({"name":"table","value":""})"),
          complete(R"({"type":"ref/resource","uri":"a://t/{id}"})",
                   R"({"name":"id","value":""})")}) {
        const Exchange exchange = request(body);
        exchange->set_principal(somebody("alice"));
        send(*exchange);
        EXPECT_EQ(exchange->status(), 403) << body;
        EXPECT_NE(exchange->header("WWW-Authenticate"), nullptr);
    }
    EXPECT_EQ(prompt_->gets, 0);
    EXPECT_EQ(prompt_->seen, "");
}

TEST_F(PromptMethodTest, CompletesArguments) {
    prompt_->values = {"users", "us\"ers"};
    expect_answer(
        method("completion/complete",
               R"({"ref":{"type":"ref/prompt","name":"explore"},"argument":{"name":"table",)"
               R"("value":"us"},"context":{"arguments":{"schema":"public"}}})"),
        200,
        R"({"jsonrpc":"2.0","id":1,"result":{"completion":{"values":["users","us\"ers"],)"
        R"("total":2,"hasMore":false}}})");
    EXPECT_EQ(prompt_->seen, "table=us public");
    expect_contains(post(complete(R"({"type":"ref/resource","uri":"a://t/{id}"})",
                                  R"({"name":"id","value":"1"})"))
                        ->body(),
                    R"("values":["10","11"])");
}

TEST_F(PromptMethodTest, CompletesWithAtMost100Values) {
    prompt_->values = std::vector<std::string>(101, "v");
    const std::string body = post(complete(R"({"type":"ref/prompt","name":"explore"})",
                                           R"({"name":"table","value":""})"))
                                 ->body();
    expect_contains(body, R"("total":101,"hasMore":true)");
    size_t count = 0;
    for (size_t at = body.find("\"v\""); at != std::string::npos; at = body.find("\"v\"", at + 1))
        ++count;
    EXPECT_EQ(count, 100U);
}

TEST_F(PromptMethodTest, RefusesToCompleteWhatIsNotListed) {
    const char* argument = R"({"name":"table","value":""})";
    for (const char* ref :
         {"null", "1", "{}", R"({"type":"ref/prompt"})", R"({"type":"ref/prompt","name":1})",
          R"({"type":"ref/prompt","name":"nope"})", R"({"type":"ref/prompt","uri":"a://t/{id}"})",
          R"({"type":"ref/resource","name":"explore"})", R"({"type":"ref/resource","uri":"a://t"})",
          R"({"type":"ref/resource","uri":"a://t/7"})", R"({"type":"ref/tool","name":"explore"})",
          R"({"name":"explore"})"}) {
        expect_contains(post(complete(ref, argument))->body(), R"("id":1,"error":{"code":-32602)");
    }
    const char* ref = R"({"type":"ref/prompt","name":"explore"})";
    for (const char* bad : {"null", "[]", "{}", R"({"name":"table"})", R"({"value":"x"})",
                            R"({"name":1,"value":""})", R"({"name":"table","value":1})"}) {
        expect_contains(post(complete(ref, bad))->body(), R"("id":1,"error":{"code":-32602)");
    }
    EXPECT_EQ(prompt_->seen, "");
}

}  // namespace
}  // namespace fluxgate::rpc
