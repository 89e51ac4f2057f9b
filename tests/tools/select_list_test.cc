// Refusals; what is accepted is in table_query_test.cc.
#include "tools/select_list.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/tools/fixture.h"

namespace fluxgate::tools {
namespace {

std::string error_of(std::string_view select, std::string_view table = "notes") {
    static const pg::CatalogPtr catalog = test::make_catalog();
    loop::Arena arena;
    const Checked<SelectList> list =
        parse_select(select, *catalog->find_table("public", table), http::Role::anon, &arena);
    return list ? "" : list.error().text;
}

TEST(SelectList, NamesTheNearestColumn) {
    EXPECT_EQ(error_of("bodi"),
              R"(unknown column "bodi" in public.notes; did you mean "body"? columns: id, owner, )"
              R"(body, n, ok, j, u, d)");
    EXPECT_TRUE(error_of("ID").starts_with(R"(unknown column "ID")"));
    EXPECT_TRUE(error_of("sum(nn)").starts_with(R"(unknown column "nn")"));
    EXPECT_TRUE(error_of("x:idd").starts_with(R"(unknown column "idd")"));
}

TEST(SelectList, RefusesExpressions) {
    for (const char* bad : {"set_config('role','service_role',true)",
                            "body::int",
                            "1",
                            "1+1",
                            "id+1",
                            "'x'",
                            "n - 1",
                            "(select 1)",
                            "pg_sleep(10)",
                            "notes.id",
                            "j->>'a'",
                            "id id2",
                            "count(*)+1",
                            "id;",
                            "id--",
                            "id/**/",
                            "upper(body)",
                            "count(1)",
                            "count()",
                            "count(id",
                            "count(*",
                            "count(id,n)",
                            "sum(distinct)",
                            "count(distinct *)",
                            "count(all id)",
                            "\"count\"(*)",
                            "coalesce(n,0)",
                            "case when true then 1 end",
                            "$1",
                            "*::text",
                            "**",
                            "\"id",
                            "\"\"",
                            "`id`",
                            "[id]",
                            "id as",
                            "as x",
                            "id as x y",
                            "x:y:id",
                            "x:id as y",
                            ":id",
                            "x:",
                            "id,",
                            ",id",
                            "id,,n",
                            ",",
                            "id as 'x'",
                            "id as \"\"",
                            "max(sum(n))",
                            "*.id",
                            "id::*",
                            "id *",
                            "* id",
                            "distinct id",
                            "current_user",
                            "ctid",
                            "xmin",
                            "tableoid",
                            "sum(*)",
                            "x:*",
                            "* as x",
                            "id\" from notes --",
                            "public.notes.id",
                            "(id)",
                            "id)",
                            "-id",
                            "id\\",
                            "id\xC2\xA0"}) {
        EXPECT_NE(error_of(bad), "") << bad;
    }
}

TEST(SelectList, SaysUnknownColumnAndCutsWhatItRepeats) {
    EXPECT_TRUE(
        error_of("set_config('role','service_role',true)")
            .starts_with("unknown column: set_config('role','service_role',true); select takes"));
    const std::string error = error_of("f(" + std::string(1000, 'a') + ")");
    EXPECT_TRUE(error.starts_with("unknown column: f(" + std::string(62, 'a') + "…")) << error;
    EXPECT_NE(error_of("f('\n\x1b')").find("\\u000a\\u001b"), std::string::npos);
}

TEST(SelectList, RefusesTwoOutputsOfOneName) {
    EXPECT_NE(error_of("id,id").find(R"(two outputs called "id")"), std::string::npos);
    EXPECT_NE(error_of("id,n as id"), "");
    EXPECT_NE(error_of("*,id"), "");
    EXPECT_NE(error_of("id,*"), "");
    EXPECT_NE(error_of("*,*"), "");
    EXPECT_NE(error_of("sum(n),sum(id)"), "");
    EXPECT_EQ(error_of("sum(n),ids:sum(id)"), "");
    EXPECT_EQ(error_of("id,other:id"), "");
}

TEST(SelectList, RefusesStarBesideAnAggregate) {
    EXPECT_NE(error_of("*,count(*)").find("can not have \"*\" beside an aggregate"),
              std::string::npos);
}

TEST(SelectList, RefusesWhatIsTooLong) {
    EXPECT_NE(error_of(std::string(16 * 1024 + 1, ' ')).find("longer than 16384"),
              std::string::npos);
    EXPECT_NE(error_of(std::string(64, 'a') + ":id").find("longer than 63"), std::string::npos);
    std::string many;
    for (int i = 0; i < 513; ++i) {
        many += "a" + std::to_string(i) + ":id,";
    }
    many.pop_back();
    EXPECT_NE(error_of(many).find("more than 512"), std::string::npos);
}

TEST(SelectList, RefusesNothing) {
    EXPECT_NE(error_of("").find("select is empty"), std::string::npos);
    EXPECT_NE(error_of(" \t").find("select is empty"), std::string::npos);
}

}  // namespace
}  // namespace fluxgate::tools
