#include "tools/table_name.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/tools/fixture.h"

namespace fluxgate::tools {
namespace {

std::string find(std::string_view name, http::Role role = http::Role::authenticated) {
    static const pg::CatalogPtr catalog = test::make_catalog();
    const Checked<const pg::Table*> table = find_table(*catalog, name, role);
    return table ? (*table)->quoted : table.error().text;
}

TEST(TableName, DefaultsToThePublicSchema) {
    EXPECT_EQ(find("notes"), R"("public"."notes")");
    EXPECT_EQ(find("public.notes"), R"("public"."notes")");
    EXPECT_EQ(find("sales.orders"), R"("sales"."orders")");
}

TEST(TableName, SplitsAtTheFirstDot) {
    EXPECT_EQ(find("public.dotted.name"), R"("public"."dotted.name")");
}

TEST(TableName, RefusesWhatIsNotExactlyATable) {
    for (const char* bad :
         {"notes notes2", "notes;select 1", "notes--", " notes", "notes ", ".notes", "public.", ".",
          "NOTES", "Public.notes", "pg_temp.notes", "\"notes\"", "\xd0\xb0uth.users",
          "public.public.notes", "dotted.name"}) {
        EXPECT_TRUE(find(bad).starts_with("table not found: ")) << bad << ": " << find(bad);
    }
    EXPECT_TRUE(find(std::string(10'000, 'a')).starts_with("table not found: aaa"));
    EXPECT_LT(find(std::string(10'000, 'a')).size(), 200u);
    EXPECT_NE(find(""), "");
    EXPECT_EQ(find(std::string_view("notes\0", 6)), "NUL character is not allowed");
}

TEST(TableName, HidesInternalSchemasFromAllButServiceKeys) {
    EXPECT_EQ(find("auth.users", http::Role::service_role), R"("auth"."users")");
    // The same answer as for a schema that is not there.
    std::string hidden = find("auth.users");
    const std::string missing = find("nono.users");
    EXPECT_TRUE(hidden.starts_with("table not found: auth.users;")) << hidden;
    hidden.replace(hidden.find("auth"), 4, "nono");
    EXPECT_EQ(hidden, missing);
    EXPECT_EQ(find("auth.users", http::Role::anon).substr(0, 27), "table not found: auth.users");
    EXPECT_TRUE(find("pg_toast.t").starts_with("table not found: pg_toast.t"));
}

TEST(TableName, KnowsEveryInternalSchema) {
    for (const char* schema :
         {"information_schema", "pg_catalog", "pg_toast", "pg_temp_3", "auth", "fluxgate"}) {
        EXPECT_TRUE(is_internal_schema(schema, true)) << schema;
        EXPECT_TRUE(is_internal_schema(schema, false)) << schema;
    }
    for (const char* schema :
         {"app", "dashboard", "functions", "jobs", "ai", "storage", "realtime", "migrations", "mcp",
          "rpc", "branching", "logging", "system", "api", "_fluxbase"}) {
        EXPECT_TRUE(is_internal_schema(schema, true)) << schema;
        EXPECT_FALSE(is_internal_schema(schema, false)) << schema;
    }
    for (const char* schema : {"public", "sales", "authentic", "Auth", "application", "", "pg"}) {
        EXPECT_FALSE(is_internal_schema(schema, true)) << schema;
    }
}

// A table of the schema `app`, beside key tables with that comment.
std::string find_in_app(const char* comment_of_keys, bool has_migrations) {
    pg::CatalogBuilder builder;
    if (comment_of_keys != nullptr) {
        pg::Table keys = test::make_table("auth", "service_keys", {{"id", 2950}});
        keys.comment = comment_of_keys;
        builder.add_table(std::move(keys));
    }
    if (has_migrations)
        builder.add_table(test::make_table("migrations", "fluxbase", {{"version", 20}}));
    builder.add_table(test::make_table("app", "things", {{"id", 20}}));
    const pg::CatalogPtr catalog = builder.build(1);
    const auto table = find_table(*catalog, "app.things", http::Role::authenticated);
    EXPECT_TRUE(find_table(*catalog, "app.things", http::Role::service_role));
    EXPECT_FALSE(find_table(*catalog, "auth.service_keys", http::Role::authenticated));
    return table ? (*table)->quoted : "hidden";
}

TEST(TableName, HidesFluxbasesOwnSchemasOnFluxbasesDatabaseOnly) {
    const std::string mark(own_mark);
    EXPECT_EQ(find_in_app(mark.c_str(), false), R"("app"."things")");
    EXPECT_EQ(find_in_app("", false), "hidden");
    EXPECT_EQ(find_in_app("made by somebody", false), "hidden");
    EXPECT_EQ(find_in_app(nullptr, false), "hidden") << "nobody knows whose database this is";
    EXPECT_EQ(find_in_app(mark.c_str(), true), "hidden") << "Fluxbase came after bootstrap";
}

TEST(TableName, NamesTheNearestTablesThatTheRoleMayRead) {
    EXPECT_NE(find("nots").find("did you mean \"notes\"?"), std::string::npos) << find("nots");
    EXPECT_NE(find("orders").find("did you mean"), 0u);
    EXPECT_NE(find("sales.order").find("did you mean \"sales.orders\"?"), std::string::npos);
    // notices is not readable, auth.users not visible: neither is proposed.
    EXPECT_EQ(find("notice").find("notices"), std::string::npos);
    EXPECT_NE(find("notice", http::Role::service_role).find("notices"), std::string::npos);
    EXPECT_EQ(find("zzzzzz").find("users"), std::string::npos);
    EXPECT_NE(find("zzzzzz").find("; tables: "), std::string::npos);
}

TEST(TableName, ProposesPublicTablesFirstAndTheSystemsNever) {
    const std::string text = find("zzzzzz", http::Role::service_role);
    EXPECT_LT(text.find("notes"), text.find("sales.orders")) << text;
    EXPECT_LT(text.find("sales.orders"), text.find("auth.users")) << text;
    EXPECT_NE(text.find("auth.users"), std::string::npos) << text;
    EXPECT_EQ(text.find("pg_toast"), std::string::npos) << text;
}

TEST(TableName, FindsTablesThatTheRoleMayNotRead) {
    // PostgreSQL says "permission denied", and so does the tool.
    EXPECT_EQ(find("notices"), R"("public"."notices")");
}

TEST(UnknownColumn, NamesTheNearestOnesAndAll) {
    const pg::CatalogPtr catalog = test::make_catalog();
    const auto found =
        find_readable_column(*catalog->find_table("sales", "orders"), "emial", http::Role::anon);
    ASSERT_FALSE(found);
    EXPECT_EQ(
        found.error().text,
        R"(unknown column "emial" in sales.orders; did you mean "email"? columns: id, email)");
    EXPECT_TRUE(found.error().may_be_news);
}

TEST(NearestTables, AreToldApartWhereTheirNamesLookAlike) {
    pg::CatalogBuilder builder;
    builder.add_table(test::make_table("a", "bcd", {}));
    builder.add_table(test::make_table("public", "a.bcd", {}));
    const pg::CatalogPtr catalog = builder.build(1);
    const auto near = nearest_tables(*catalog, "a", "bce", http::Role::anon);
    ASSERT_EQ(near.size(), 2u);
    EXPECT_NE(near[0], near[1]);
    EXPECT_TRUE(nearest_tables(*catalog, "zzz", "zzzzz", http::Role::anon).empty());
}

}  // namespace
}  // namespace fluxgate::tools
