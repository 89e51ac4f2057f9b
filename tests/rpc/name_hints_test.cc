// A name that is none: what the answer proposes, and to whom.
#include "rpc/name_hints.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/rpc/fake_resource.h"
#include "tests/rpc/rpc_fixture.h"

namespace fluxgate::rpc {
namespace {

using testing::Test;

class NameHints : public test::RpcFixture {
protected:
    NameHints() {
        for (const char* uri : {"flux://schema/tables", "flux://schema/tables/{schema}/{table}"}) {
            resources_.add(
                std::make_unique<test::FakeResource>(uri, std::vector<std::string>{"read:tables"}));
        }
        auto prompt = std::make_unique<test::FakePrompt>("explore_schema",
                                                         std::vector<std::string>{"read:tables"});
        prompt->edit_info().arguments = {
            {.name = "schema", .title = "", .description = "", .required = false},
            {.name = "depth", .title = "", .description = "", .required = false}};
        prompts_.add(std::move(prompt));
        prompts_.add(std::make_unique<test::FakePrompt>("hello"));
    }
    // What the error of `body` says; of a caller without scopes if `is_stranger`.
    std::string message_of(std::string_view body, bool is_stranger = false) {
        const Exchange exchange = request(body);
        if (is_stranger) exchange->set_principal(std::make_shared<http::Principal>());
        send(*exchange);
        EXPECT_EQ(exchange->status(), 200) << body;
        const std::string answer = exchange->body();
        constexpr std::string_view key = R"("message":")";
        const size_t begin = answer.find(key);
        if (begin == std::string::npos) return answer;
        std::string message;
        for (size_t i = begin + key.size(); i < answer.size() && answer[i] != '"'; ++i) {
            if (answer[i] == '\\') ++i;
            message += answer[i];
        }
        return message;
    }
    static std::string complete(std::string_view ref, std::string_view argument) {
        return method("completion/complete", R"({"ref":)" + std::string(ref) +
                                                 R"(,"argument":{"name":")" +
                                                 std::string(argument) + R"(","value":""}})");
    }
};

TEST_F(NameHints, ProposeATool) {
    EXPECT_EQ(message_of(method("tools/call", R"({"name":"query_tabel"})")),
              R"(Unknown tool: query_tabel; did you mean "query_table"?)");
    EXPECT_EQ(message_of(method("tools/call", R"({"name":"QUERY"})")),
              R"(Unknown tool: QUERY; did you mean "query_table"?)");
}

TEST_F(NameHints, AreEmptyWhereNothingIsNear) {
    EXPECT_EQ(message_of(method("tools/call", R"({"name":"zzz"})")), "Unknown tool: zzz");
    EXPECT_EQ(message_of(method("tools/call", R"({"name":""})")), "Unknown tool: ");
}

TEST_F(NameHints, NameNothingThatTheCallerMayNotSee) {
    const bool is_stranger = true;
    EXPECT_EQ(message_of(method("tools/call", R"({"name":"query_tabel"})"), is_stranger),
              "Unknown tool: query_tabel");
    EXPECT_EQ(message_of(method("tools/call", R"({"name":"thnik"})"), is_stranger),
              R"(Unknown tool: thnik; did you mean "think"?)");
    EXPECT_EQ(message_of(method("prompts/get", R"({"name":"explore_shema"})"), is_stranger),
              "Unknown prompt: explore_shema");
    EXPECT_EQ(message_of(method("resources/read", R"({"uri":"flux://schema/table"})"), is_stranger),
              "Resource not found: flux://schema/table");
    EXPECT_EQ(
        message_of(
            complete(R"({"type":"ref/resource","uri":"flux://schema/tables/{schema}"})", "schema"),
            is_stranger),
        "Unknown resource template: flux://schema/tables/{schema}");
}

TEST_F(NameHints, ProposeAPrompt) {
    constexpr std::string_view expected =
        R"(Unknown prompt: explore_shema; did you mean "explore_schema"?)";
    EXPECT_EQ(message_of(method("prompts/get", R"({"name":"explore_shema"})")), expected);
    EXPECT_EQ(message_of(complete(R"({"type":"ref/prompt","name":"explore_shema"})", "schema")),
              expected);
}

TEST_F(NameHints, ProposeAResource) {
    const auto read = [this](std::string_view uri) {
        return message_of(method("resources/read", R"({"uri":")" + std::string(uri) + R"("})"));
    };
    EXPECT_EQ(read("flux://schema/tabels"),
              "Resource not found: flux://schema/tabels; did you mean \"flux://schema/tables\"?");
    // With the values that were given.
    EXPECT_EQ(read("flux://shema/table/public/users"),
              "Resource not found: flux://shema/table/public/users; did you mean "
              "\"flux://schema/tables/public/users\"?");
    EXPECT_EQ(read("flux://schema/tables/public"),
              "Resource not found: flux://schema/tables/public; did you mean "
              "\"flux://schema/tables\" or \"flux://schema/tables/public/{table}\"?");
    // A bad escape: the same once more would be no help.
    EXPECT_EQ(read("flux://schema/tables/a/%zz").find("/a/%zz\""), std::string::npos);
    const std::string far = "flux://schema/tables/" + std::string(3000, 'x');
    EXPECT_EQ(read(far), "Resource not found: " + far.substr(0, 64));
}

TEST_F(NameHints, ProposeATemplate) {
    EXPECT_EQ(
        message_of(complete(
            R"({"type":"ref/resource","uri":"flux://schema/tables/{schema}/{tabel}"})", "table")),
        "Unknown resource template: flux://schema/tables/{schema}/{tabel}; did you mean "
        "\"flux://schema/tables/{schema}/{table}\"?");
}

TEST_F(NameHints, SayWhichArgumentsThereAreToComplete) {
    EXPECT_EQ(message_of(complete(R"({"type":"ref/prompt","name":"explore_schema"})", "shema")),
              "Invalid params: unknown argument: shema; did you mean \"schema\"? "
              "arguments: schema, depth");
    EXPECT_EQ(
        message_of(complete(
            R"({"type":"ref/resource","uri":"flux://schema/tables/{schema}/{table}"})", "zzz")),
        "Invalid params: unknown argument: zzz; arguments: schema, table");
    EXPECT_EQ(message_of(complete(R"({"type":"ref/prompt","name":"hello"})", "x")),
              "Invalid params: unknown argument: x; it has no arguments");
}

}  // namespace
}  // namespace fluxgate::rpc
