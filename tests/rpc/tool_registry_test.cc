#include "rpc/tool_registry.h"

#include <gtest/gtest.h>

#include "tests/rpc/fake_tool.h"

namespace fluxgate::rpc {
namespace {

void add(ToolRegistry& tools, const char* name) {
    tools.add(std::make_unique<test::FakeTool>(name));
}

TEST(ToolRegistry, KeepsToolsInTheOrderOfTheirNames) {
    ToolRegistry tools({});
    add(tools, "query_table");
    add(tools, "delete_record");
    add(tools, "list.objects");
    ASSERT_EQ(tools.all().size(), 3U);
    EXPECT_EQ(tools.all()[0]->info().name, "delete_record");
    EXPECT_EQ(tools.all()[1]->info().name, "list.objects");
    EXPECT_EQ(tools.all()[2]->info().name, "query_table");
    EXPECT_EQ(tools.find("query_table"), tools.all()[2].get());
}

TEST(ToolRegistry, FindsOnlyTheExactName) {
    ToolRegistry tools({});
    add(tools, "query_table");
    for (const char* name : {"", "query", "query_table2", "Query_table", "query_table "}) {
        EXPECT_EQ(tools.find(name), nullptr) << name;
    }
    EXPECT_EQ(tools.find(std::string_view("query_table\0", 12)), nullptr);
}

TEST(ToolRegistry, NeitherListsNorFindsWhatIsNotAllowed) {
    ToolRegistry tools({"query_table", "not_there"});
    add(tools, "delete_record");
    add(tools, "query_table");
    EXPECT_EQ(tools.all().size(), 1U);
    EXPECT_EQ(tools.find("delete_record"), nullptr);
    EXPECT_NE(tools.find("query_table"), nullptr);
}

TEST(ToolRegistryDeathTest, StopsAtAToolThatIsOurMistake) {
    ToolRegistry tools({});
    add(tools, "query_table");
    EXPECT_DEATH(add(tools, "query_table"), "");
    EXPECT_DEATH(add(tools, ""), "");
    EXPECT_DEATH(add(tools, "custom:tool"), "");
    EXPECT_DEATH(add(tools, "with space"), "");
    EXPECT_DEATH(add(tools, std::string(65, 'x').c_str()), "");
}

TEST(ToolError, IsMarkedAndEscaped) {
    const ToolResult result = tool_error("no \"x\"\n");
    EXPECT_TRUE(result.is_error);
    EXPECT_EQ(result.text.to_string(), "no \\\"x\\\"\\n");
    EXPECT_TRUE(result.structured.empty());
}

}  // namespace
}  // namespace fluxgate::rpc
