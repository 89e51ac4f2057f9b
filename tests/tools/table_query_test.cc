// Golden SQL: what leaves the gateway for which arguments.
#include "tools/table_query.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/fixture.h"

namespace fluxgate::tools {
namespace {

struct Built {
    std::string sql;
    std::vector<std::string> parameters;
    std::vector<std::string> names;
    std::string error;
};

Built build(std::string_view arguments, http::Role role = http::Role::authenticated) {
    static const pg::CatalogPtr catalog = test::make_catalog();
    test::JsonArguments json;
    const rpc::Json* parsed = json.parse(arguments);
    EXPECT_NE(parsed, nullptr) << arguments;
    SqlText sql(&json.arena());
    const Checked<TableQuery> query = build_table_query(parsed, *catalog, role, sql);
    Built built;
    if (!query) {
        built.error = query.error().text;
        return built;
    }
    built.sql = sql.text();
    for (const pg::Parameter& parameter : sql.parameters()) {
        EXPECT_EQ(parameter.bytes.data()[parameter.bytes.size()], '\0');
        built.parameters.emplace_back(parameter.bytes);
    }
    for (const SelectOutput& output : query->select.outputs) {
        built.names.emplace_back(output.name);
    }
    return built;
}

using Strings = std::vector<std::string>;

TEST(TableQuery, WithoutAnythingReadsAHundredRows) {
    const Built built = build(R"({"table":"notes"})");
    EXPECT_EQ(built.sql, R"(SELECT * FROM "public"."notes" LIMIT 100)");
    EXPECT_TRUE(built.parameters.empty());
}

TEST(TableQuery, TakesNullForAbsent) {
    const Built built = build(
        R"({"table":"notes","select":null,"filter":null,"order":null,"limit":null,"offset":null,"vector_search":null})");
    EXPECT_EQ(built.sql, R"(SELECT * FROM "public"."notes" LIMIT 100)");
}

TEST(TableQuery, WritesAllPartsInOrder) {
    const Built built = build(
        R"({"table":"public.notes","select":"id, b:body","filter":{"n":"gte.1","ok":"is.true"},)"
        R"("order":"b.desc.nullslast,n","limit":10,"offset":20})");
    EXPECT_EQ(built.sql,
              R"(SELECT "id", "body" FROM "public"."notes" WHERE "n" >= $1 AND "ok" IS TRUE)"
              R"( ORDER BY 2 DESC NULLS LAST, "n" LIMIT 10 OFFSET $2)");
    EXPECT_EQ(built.parameters, (Strings{"1", "20"}));
    EXPECT_EQ(built.names, (Strings{"id", "b"}));
}

TEST(TableQuery, GroupsByThePlainColumnsBesideAnAggregate) {
    const Built built = build(
        R"({"table":"notes","select":"owner, count(*), total:sum(n), COUNT(DISTINCT body) AS bodies","order":"total.desc,owner"})");
    EXPECT_EQ(built.sql,
              R"(SELECT "owner", pg_catalog.count(*), pg_catalog.sum("n"), )"
              R"(pg_catalog.count(DISTINCT "body") FROM "public"."notes" GROUP BY "owner")"
              R"( ORDER BY 3 DESC, 1 LIMIT 100)");
    EXPECT_EQ(built.names, (Strings{"owner", "count", "total", "bodies"}));
}

TEST(TableQuery, AnAggregateAloneHasNoGroups) {
    EXPECT_EQ(build(R"~({"table":"notes","select":"count(*)"})~").sql,
              R"(SELECT pg_catalog.count(*) FROM "public"."notes" LIMIT 100)");
}

TEST(TableQuery, AliasesNeverReachTheSqlText) {
    const Built built = build(
        R"({"table":"notes","select":"\"x\"\"; drop table notes\":id","order":"\"x\"\"; drop table notes\""})");
    EXPECT_EQ(built.sql, R"(SELECT "id" FROM "public"."notes" ORDER BY 1 LIMIT 100)");
    EXPECT_EQ(built.names, (Strings{"x\"; drop table notes"}));
}

TEST(TableQuery, StarBesideAnAliasIsWrittenOut) {
    const Built built = build(R"({"table":"sales.orders","select":"*, mail:email"})");
    EXPECT_EQ(built.sql, R"(SELECT "id", "email", "email" FROM "sales"."orders" LIMIT 100)");
    EXPECT_EQ(built.names, (Strings{"id", "email", "mail"}));
    EXPECT_EQ(build(R"({"table":"sales.orders","select":"mail:email,*"})").names,
              (Strings{"mail", "id", "email"}));
    EXPECT_EQ(build(R"({"table":"notes","select":" * "})").sql,
              R"(SELECT * FROM "public"."notes" LIMIT 100)");
}

TEST(TableQuery, ReachesOddNamesInQuotes) {
    EXPECT_EQ(
        build(R"({"table":"things","select":"\"we\"\"ird\",Größe,\"a.b\"","order":"\"a.b\".desc"})")
            .sql,
        R"(SELECT "we""ird", "Größe", "a.b" FROM "public"."things" ORDER BY 3 DESC LIMIT 100)");
    EXPECT_EQ(build(R"({"table":"public.dotted.name"})").sql,
              R"(SELECT * FROM "public"."dotted.name" LIMIT 100)");
}

TEST(TableQuery, ColumnsMayBeCalledAsFunctionsAndKeywords) {
    EXPECT_EQ(build(R"({"table":"things","select":"count,distinct"})").sql,
              R"(SELECT "count", "distinct" FROM "public"."things" LIMIT 100)");
    EXPECT_EQ(
        build(
            R"~({"table":"things","select":"c:count(distinct),d:count(distinct distinct),max(count)"})~")
            .sql,
        R"(SELECT pg_catalog.count("distinct"), pg_catalog.count(DISTINCT "distinct"), )"
        R"(pg_catalog.max("count") FROM "public"."things" LIMIT 100)");
}

TEST(TableQuery, ExtensionsHaveAggregatesOfTheirOwn) {
    EXPECT_EQ(
        build(
            R"~({"table":"things","select":"avg(embedding),count(embedding),min(mood),max(citizen)"})~")
            .sql,
        R"(SELECT extensions.avg("embedding"), pg_catalog.count("embedding"), pg_catalog.min("mood"), )"
        R"("My.Schema".max("citizen") FROM "public"."things" LIMIT 100)");
}

TEST(TableQuery, ClampsTheLimitAndTakesIntegralNumbersOfAnySpelling) {
    EXPECT_TRUE(build(R"({"table":"notes","limit":1001})").sql.ends_with("LIMIT 1000"));
    EXPECT_TRUE(build(R"({"table":"notes","limit":1e1})").sql.ends_with("LIMIT 10"));
    EXPECT_TRUE(build(R"({"table":"notes","limit":10.0})").sql.ends_with("LIMIT 10"));
    EXPECT_TRUE(build(R"({"table":"notes","offset":0})").sql.ends_with("LIMIT 100"));
}

TEST(TableQuery, RefusesLimitsAndOffsetsThatAreNone) {
    for (const char* bad : {R"("limit":0)", R"("limit":-1)", R"("limit":1.5)", R"("limit":"10")",
                            R"("limit":9223372036854775808)", R"("limit":true)", R"("offset":-1)",
                            R"("offset":"0")", R"("offset":0.5)", R"("offset":[])"}) {
        const std::string error = build(std::string(R"({"table":"notes",)") + bad + "}").error;
        EXPECT_NE(error.find("must be"), std::string::npos) << bad << ": " << error;
    }
}

TEST(TableQuery, RefusesArgumentsThatItDoesNotKnow) {
    const std::string error = build(R"({"table":"notes","filters":{"n":"eq.1"}})").error;
    EXPECT_NE(error.find(R"(unknown argument "filters"; did you mean "filter"?)"),
              std::string::npos)
        << error;
    EXPECT_NE(build(R"({"table":"notes","where":"1=1"})").error.find("; known arguments: table"),
              std::string::npos);
    EXPECT_NE(build(R"({"table":"notes","vector_search":{}})")
                  .error.find("vector_search is not available on this server"),
              std::string::npos);
}

TEST(TableQuery, RefusesArgumentsOfTheWrongKind) {
    for (const char* bad :
         {R"({})", R"({"table":""})", R"({"table":1})", R"({"table":["notes"]})",
          R"({"table":"notes","select":["id"]})", R"({"table":"notes","order":{"id":"asc"}})",
          R"({"table":"notes","filter":"n=1"})", R"({"table":"notes","filter":[]})",
          R"({"table":"notes","filter":true})"}) {
        EXPECT_NE(build(bad).error, "") << bad;
    }
}

TEST(TableQuery, RefusesNulInEveryString) {
    for (const char* bad :
         {R"({"table":"notes\u0000"})", R"({"table":"notes","select":"id\u0000"})",
          R"({"table":"notes","order":"id\u0000"})",
          R"({"table":"notes","filter":{"body":"eq.\u0000"}})",
          R"({"table":"notes","filter":{"body":["eq.a","like.a\u0000"]}})"}) {
        const std::string error = build(bad).error;
        EXPECT_NE(error.find("NUL character is not allowed"), std::string::npos)
            << bad << ": " << error;
    }
}

TEST(TableQuery, LeadsParametersAndPositionsBackToColumns) {
    static const pg::CatalogPtr catalog = test::make_catalog();
    test::JsonArguments json;
    SqlText sql(&json.arena());
    const rpc::Json* arguments = json.parse(
        R"({"table":"things","filter":{"Größe":"eq.1","tags":"cs.{a}"},"order":"mood","offset":1})");
    ASSERT_TRUE(build_table_query(arguments, *catalog, http::Role::authenticated, sql));
    EXPECT_EQ(sql.column_of_parameter(0), nullptr);
    EXPECT_EQ(sql.column_of_parameter(1)->name, "Größe");
    EXPECT_EQ(sql.column_of_parameter(2)->name, "tags");
    EXPECT_EQ(sql.column_of_parameter(3), nullptr);  // the offset
    EXPECT_EQ(sql.column_of_parameter(4), nullptr);
    // In characters: ö and ß have two bytes each.
    const std::string text(sql.text());
    const auto position = [&text](std::string_view part) {
        const std::string before = text.substr(0, text.find(part));
        int characters = 1;
        for (char c : before) {
            characters += (static_cast<unsigned char>(c) & 0xC0u) == 0x80u ? 0 : 1;
        }
        return characters;
    };
    EXPECT_EQ(sql.place_at(position(" = $1"))->column->name, "Größe");
    EXPECT_EQ(sql.place_at(position("\"tags\""))->column->name, "tags");
    EXPECT_EQ(sql.place_at(position("@>"))->word, "cs");
    EXPECT_EQ(sql.place_at(position("\"mood\""))->word, "order");
    EXPECT_EQ(sql.place_at(0), nullptr);
    EXPECT_EQ(sql.place_at(1), nullptr);
}

}  // namespace
}  // namespace fluxgate::tools
