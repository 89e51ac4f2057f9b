// resources/*, prompts/* and completion/complete through the endpoint.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/rpc/fake_resource.h"
#include "tests/rpc/rpc_fixture.h"

namespace fluxgate::rpc {
namespace {

// ---- resources

class ResourceMethodTest : public test::RpcFixture {
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
    const struct {
        const char* uri;
        const char* hint;
    } unknown[] = {{"a://2", R"(; did you mean \"a://1\"?)"},
                   {"a://1/", R"(; did you mean \"a://1\"?)"},
                   {"A://1", R"(; did you mean \"a://1\"?)"},
                   {"", ""},
                   {"b://x/y/z", ""},
                   {"a://t/", R"(; did you mean \"a://1\" or \"a://t/{id}\"?)"},
                   {"a://t/{id}/x", R"(; did you mean \"a://t/{id}\"?)"}};
    for (const auto& [uri, hint] : unknown) {
        EXPECT_EQ(post(read(uri))->body(),
                  R"({"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":)"
                  R"("Resource not found: )" +
                      std::string(uri) + hint + R"(","data":{"uri":")" + uri + R"("}}})");
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
    EXPECT_EQ(foreign->body(),
              R"({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":)"
              R"("Invalid params: unknown `cursor`; leave it out to begin again"}})");
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
