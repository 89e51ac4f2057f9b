#include "tools/order.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/tools/fixture.h"

namespace fluxgate::tools {
namespace {

std::string order(std::string_view text, std::string_view select = "*") {
    static const pg::CatalogPtr catalog = test::make_catalog();
    const pg::Table& table = *catalog->find_table("public", "notes");
    loop::Arena arena;
    SqlText sql(&arena);
    const Checked<SelectList> list = parse_select(select, table, http::Role::anon, &arena);
    EXPECT_TRUE(list) << select;
    const Checked<void> written = write_order(text, table, http::Role::anon, *list, sql);
    return written ? std::string(sql.text()) : "error: " + written.error().text;
}

TEST(Order, TakesBothForms) {
    EXPECT_EQ(order("n"), R"( ORDER BY "n")");
    EXPECT_EQ(order("n.asc"), R"( ORDER BY "n")");
    EXPECT_EQ(order("n.desc"), R"( ORDER BY "n" DESC)");
    EXPECT_EQ(order("n.desc.nullslast"), R"( ORDER BY "n" DESC NULLS LAST)");
    EXPECT_EQ(order("n.nullsfirst"), R"( ORDER BY "n" NULLS FIRST)");
    EXPECT_EQ(order("n DESC NULLS LAST"), R"( ORDER BY "n" DESC NULLS LAST)");
    EXPECT_EQ(order("n asc nulls first"), R"( ORDER BY "n" NULLS FIRST)");
    EXPECT_EQ(order(" n . desc").substr(0, 6), "error:");
    EXPECT_EQ(order(" n.desc , id asc ,d"), R"( ORDER BY "n" DESC, "id", "d")");
    EXPECT_EQ(order("\"n\".desc"), R"( ORDER BY "n" DESC)");
}

TEST(Order, SortsByOutputsThroughTheirPosition) {
    EXPECT_EQ(order("b.desc", "id,b:body"), " ORDER BY 2 DESC");
    EXPECT_EQ(order("count.desc,owner", "owner,count(*)"), " ORDER BY 2 DESC, 1");
    // As SQL does it: the name of an output before that of a column.
    EXPECT_EQ(order("n", "n:body,body:n"), " ORDER BY 1");
    EXPECT_EQ(order("d", "id"), R"( ORDER BY "d")");
}

TEST(Order, RefusesWhatIsNoColumn) {
    for (const char* bad : {"1",
                            "n.foo",
                            "n.desc.foo",
                            "n desc; drop table x",
                            "n desc,",
                            ",n",
                            "n,,id",
                            "n desc desc",
                            "n asc desc",
                            "n.desc desc",
                            "n.nullslast.desc",
                            "n nulls",
                            "n nulls last first",
                            "n.DESC.",
                            "count(*)",
                            "n+1",
                            "n,1",
                            "random()",
                            "\"n",
                            "n nullslast",
                            "nope",
                            "N",
                            "n using >",
                            "-n",
                            "n.desc id",
                            "public.notes.n",
                            "notes.n",
                            "n.nulls last",
                            "n collate \"C\"",
                            ".desc",
                            "."}) {
        EXPECT_TRUE(order(bad).starts_with("error: ")) << bad << ": " << order(bad);
    }
    EXPECT_TRUE(order("").starts_with("error: order is empty"));
    EXPECT_NE(order("nope").find(R"(unknown column "nope")"), std::string::npos);
}

TEST(Order, SortsByNothingButOutputsWithAnAggregate) {
    const std::string error = order("body", "owner,total:sum(n)");
    EXPECT_NE(error.find("\"body\" is not in select"), std::string::npos) << error;
    EXPECT_NE(error.find("owner, total"), std::string::npos) << error;
    EXPECT_NE(order("totl", "owner,total:sum(n)").find("did you mean \"total\"?"),
              std::string::npos);
}

TEST(Order, HasLimits) {
    EXPECT_NE(order(std::string(5000, ' ')).find("longer than 4096"), std::string::npos);
    std::string many = "n";
    for (int i = 0; i < 16; ++i) {
        many += ",n";
    }
    EXPECT_NE(order(many).find("more than 16 terms"), std::string::npos);
}

}  // namespace
}  // namespace fluxgate::tools
