// Columns that the role has no grant for: query_table's arguments find them as little as columns
// that are not there.
#include <gtest/gtest.h>

#include <string>

#include "tests/tools/fixture.h"
#include "tools/table_query.h"

namespace fluxgate::tools {
namespace {

using http::Role;

// Of public.t `salary` is for service_role alone, and anon has no grant for anything of it.
pg::CatalogPtr partly_granted() {
    pg::CatalogBuilder builder;
    test::add_types(builder);
    pg::Table table = test::make_table("public", "t", {{"id", 20}, {"salary", 23}, {"name", 25}});
    table.selectable_by = 0b110;
    for (pg::Column& column : table.columns)
        column.selectable_by = 0b110;
    table.columns[1].selectable_by = 0b100;
    builder.add_table(std::move(table));
    return builder.build(1);
}

struct Built {
    std::string text;  // SQL, or the error
    std::string names;
    bool may_be_news = false;
};

// The other arguments than `table`.
Built build(const std::string& arguments, Role role = Role::authenticated) {
    static const pg::CatalogPtr catalog = partly_granted();
    test::JsonArguments json;
    SqlText sql(&json.arena());
    const rpc::Json* parsed = json.parse(R"({"table":"t")" + arguments + "}");
    EXPECT_NE(parsed, nullptr) << arguments;
    const Checked<TableQuery> query = build_table_query(parsed, *catalog, role, sql);
    if (!query) return {"error: " + query.error().text, "", query.error().may_be_news};
    Built built{std::string(sql.text()), "", false};
    for (const SelectOutput& output : query->select.outputs)
        built.names += std::string(output.name) + " ";
    return built;
}

std::string replace(std::string text, const std::string& from, const std::string& to) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}

// Arguments that name a column, which stands there as %.
constexpr const char* places[] = {
    R"(,"select":"%")",
    R"(,"select":"id,x:%")",
    R"~(,"select":"sum(%)")~",
    R"~(,"select":"count(distinct %)")~",
    R"(,"order":"%.desc")",
    R"(,"filter":{"%":"gt.1"})",
    R"(,"filter":{"%":"is.true"})",
    R"(,"filter":{"or":[{"%":"gt.1"},{"id":"eq.1"}]})",
};

TEST(ColumnGrants, AHiddenColumnIsAnsweredLikeOneThatIsNotThere) {
    for (const std::string place : places) {
        const Built hidden = build(replace(place, "%", "salary"));
        const Built absent = build(replace(place, "%", "zzzzzz"));
        EXPECT_NE(absent.text.find(R"(unknown column "zzzzzz" in public.t; columns: id, name)"),
                  std::string::npos)
            << absent.text;
        EXPECT_EQ(hidden.text, replace(absent.text, "zzzzzz", "salary"));
        EXPECT_TRUE(hidden.may_be_news && absent.may_be_news);  // it may have been granted by now
        const Built near = build(replace(place, "%", "salery"));
        EXPECT_EQ(near.text.find("salary"), std::string::npos) << near.text;
    }
}

TEST(ColumnGrants, WhoMayReadAColumnUsesIt) {
    for (const std::string place : places) {
        if (place.find("is.true") != std::string::npos) continue;  // it is no boolean
        const Built built = build(replace(place, "%", "salary"), Role::service_role);
        EXPECT_NE(built.text.find(R"("salary")"), std::string::npos) << built.text;
        EXPECT_FALSE(built.text.starts_with("error")) << built.text;
    }
}

TEST(ColumnGrants, AStarIsWhatMayBeRead) {
    for (const char* star : {"", R"(,"select":"*")", R"(,"select":" * ")"}) {
        EXPECT_EQ(build(star).text, R"(SELECT "id", "name" FROM "public"."t" LIMIT 100)") << star;
        EXPECT_EQ(build(star).names, "id name ");
        EXPECT_EQ(build(star, Role::service_role).text, R"(SELECT * FROM "public"."t" LIMIT 100)");
    }
    EXPECT_EQ(build(R"(,"select":"a:id,*,b:name")").names, "a id name b ");
    EXPECT_EQ(build(R"(,"select":"a:id,*,b:name")", Role::service_role).names,
              "a id salary name b ");
    EXPECT_EQ(build(R"(,"order":"name")").text,
              R"(SELECT "id", "name" FROM "public"."t" ORDER BY 2 LIMIT 100)");
    EXPECT_TRUE(
        build(R"(,"select":"*,salary:id")").text.starts_with(R"(SELECT "id", "name", "id")"));
}

TEST(ColumnGrants, OfATableWithoutAGrantNothingIsTold) {
    // What could be run is PostgreSQL's to refuse.
    EXPECT_EQ(build("", Role::anon).text, R"(SELECT * FROM "public"."t" LIMIT 100)");
    EXPECT_EQ(build(R"(,"select":"salary")", Role::anon).text,
              R"(SELECT "salary" FROM "public"."t" LIMIT 100)");
    EXPECT_EQ(build(R"(,"select":"*,x:id")", Role::anon).names, "id salary name x ");
    for (const char* bad :
         {R"(,"select":"zzzzzz")", R"(,"order":"zzzzzz")", R"(,"filter":{"zzzzzz":"eq.1"})",
          R"(,"filter":{"salary":"is.true"})", R"(,"filter":{"salary":"eq"})"}) {
        const Built refused = build(bad, Role::anon);
        EXPECT_EQ(refused.text,
                  "error: permission denied: the database role of this key has no GRANT for this "
                  "on public.t, or not for all of these columns");
        EXPECT_TRUE(refused.may_be_news);
    }
}

}  // namespace
}  // namespace fluxgate::tools
