#include "rpc/tool_list.h"

#include <gtest/gtest.h>

#include <string>

#include "rpc/json_reader.h"
#include "tests/rpc/fake_tool.h"
#include "tests/rpc/padded.h"
#include "tests/support/alloc_counter.h"

namespace fluxgate::rpc {
namespace {

http::Principal with_scopes(std::vector<std::string> scopes) {
    http::Principal principal;
    principal.scopes = std::move(scopes);
    return principal;
}

class ToolListTest : public testing::Test {
protected:
    ToolListTest() {
        auto query = std::make_unique<test::FakeTool>("query_table",
                                                      std::vector<std::string>{"read:tables"});
        query->edit_info().read_only = true;
        query->edit_info().idempotent = true;
        query->edit_info().output_schema = R"({"type":"object","properties":{}})";
        tools_.add(std::move(query));
        tools_.add(std::make_unique<test::FakeTool>(
            "move", std::vector<std::string>{"read:tables", "write:tables"}));
        tools_.add(std::make_unique<test::FakeTool>("think"));
        all_.all_scopes = true;
    }
    static std::string names(std::string_view result) {
        loop::Arena arena;
        JsonReader reader(1 << 20);
        const test::Padded padded(result);
        const auto root = reader.read(padded.view(), arena);
        if (!root) return "not JSON";
        std::string out;
        for (const Json* tool = (*root)->find("tools")->first; tool != nullptr; tool = tool->next) {
            out += std::string(tool->find("name")->text) + " ";
        }
        return out;
    }
    std::string names_for(const http::Principal* principal) {
        return names(list_.emplace(tools_, &results_).result(principal, latest_legacy()));
    }

    Results results_{{.name = "n", .title = "t", .version = "1", .icons = {}}};
    ToolRegistry tools_{{}};
    http::Principal all_;
    std::optional<ToolList> list_;
};

TEST_F(ToolListTest, ShowsACallerWhatItMayCall) {
    EXPECT_EQ(names_for(&all_), "move query_table think ");
    EXPECT_EQ(names_for(nullptr), "think ");
    const http::Principal none = with_scopes({});
    const http::Principal other = with_scopes({"read:table", "READ:TABLES", "read:tables2"});
    const http::Principal reader = with_scopes({"read:tables"});
    const http::Principal half = with_scopes({"write:tables"});
    const http::Principal both = with_scopes({"write:tables", "read:tables"});
    EXPECT_EQ(names_for(&none), "think ");
    EXPECT_EQ(names_for(&other), "think ");
    EXPECT_EQ(names_for(&reader), "query_table think ");
    EXPECT_EQ(names_for(&half), "think ");
    EXPECT_EQ(names_for(&both), "move query_table think ");
}

TEST_F(ToolListTest, WritesWhatEachRevisionKnows) {
    const http::Principal reader = with_scopes({"read:tables"});
    ToolRegistry tools{{"query_table"}};
    auto query = std::make_unique<test::FakeTool>("query_table");
    query->edit_info().read_only = true;
    query->edit_info().output_schema = "{}";
    tools.add(std::move(query));
    ToolList list(tools, &results_);
    EXPECT_EQ(list.result(&reader, protocol_of(Revision::r2024_11_05)),
              R"({"tools":[{"name":"query_table","description":"Does \"query_table\".",)"
              R"("inputSchema":{"type":"object"}}]})");
    EXPECT_EQ(list.result(&reader, protocol_of(Revision::r2025_03_26)),
              R"({"tools":[{"name":"query_table","description":"Does \"query_table\".",)"
              R"("inputSchema":{"type":"object"},"annotations":{"title":"Title of query_table",)"
              R"("readOnlyHint":true,"destructiveHint":false,"idempotentHint":false,)"
              R"("openWorldHint":false}}]})");
    for (const Revision revision : {Revision::r2025_06_18, Revision::r2025_11_25}) {
        EXPECT_EQ(list.result(&reader, protocol_of(revision)),
                  R"({"tools":[{"name":"query_table","title":"Title of query_table",)"
                  R"("description":"Does \"query_table\".","inputSchema":{"type":"object"},)"
                  R"("outputSchema":{},"annotations":{"readOnlyHint":true,)"
                  R"("destructiveHint":false,"idempotentHint":false,"openWorldHint":false}}]})");
    }
}

TEST_F(ToolListTest, IsAnEmptyArrayWithoutTools) {
    const ToolRegistry tools({});
    ToolList list(tools, &results_);
    EXPECT_EQ(list.result(&all_, latest_legacy()), R"({"tools":[]})");
}

TEST_F(ToolListTest, SaysWhatEveryStatelessResultSays) {
    const ToolRegistry tools({});
    ToolList list(tools, &results_);
    EXPECT_EQ(list.result(&all_, stateless_protocol()),
              R"({"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":)"
              R"({"name":"n","title":"t","version":"1"}},"tools":[],)"
              R"("ttlMs":60000,"cacheScope":"private"})");
}

TEST_F(ToolListTest, AllocatesNothingWhenAskedAgain) {
    if (!test::alloc_counter_works()) GTEST_SKIP() << "the sanitizer has its own malloc";
    ToolList list(tools_, &results_);
    const http::Principal reader = with_scopes({"read:tables"});
    const std::string first(list.result(&reader, latest_legacy()));
    const test::AllocationSpan span;
    const std::string_view second = list.result(&reader, latest_legacy());
    EXPECT_EQ(span.allocations(), 0U);
    EXPECT_EQ(second, first);
}

TEST_F(ToolListTest, StaysRightWhenMoreSetsOfScopesComeThanItKeeps) {
    ToolRegistry tools({});
    constexpr size_t count = 10;
    for (size_t i = 0; i < count; ++i) {
        const std::string digit = std::to_string(i);
        tools.add(
            std::make_unique<test::FakeTool>("t" + digit, std::vector<std::string>{"s" + digit}));
    }
    ToolList list(tools, &results_);
    for (int round = 0; round < 2; ++round) {
        for (size_t set = 0; set < 3 * ToolList::lists_max; ++set) {
            std::string expected;
            http::Principal principal;
            for (size_t i = 0; i < count; ++i) {
                if ((set >> i & 1) == 0) continue;
                expected += "t" + std::to_string(i) + " ";
                principal.scopes.push_back("s" + std::to_string(i));
            }
            ASSERT_EQ(names(list.result(&principal, latest_legacy())), expected);
        }
    }
}

}  // namespace
}  // namespace fluxgate::rpc
