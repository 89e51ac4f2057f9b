#include "tools/filter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/fixture.h"

namespace fluxgate::tools {
namespace {

struct Written {
    std::string sql;
    std::vector<std::string> parameters;
};

Written write(std::string_view filter, std::string_view table = "notes") {
    static const pg::CatalogPtr catalog = test::make_catalog();
    test::JsonArguments json;
    SqlText sql(&json.arena());
    const rpc::Json* parsed = json.parse(filter);
    EXPECT_NE(parsed, nullptr) << filter;
    const Checked<void> written = write_filter(
        *parsed, *catalog, *catalog->find_table("public", table), http::Role::anon, sql);
    if (!written) {
        return {"error: " + written.error().text, {}};
    }
    Written out{std::string(sql.text()), {}};
    for (const pg::Parameter& parameter : sql.parameters()) {
        out.parameters.emplace_back(parameter.bytes);
    }
    return out;
}

std::string sql_of(std::string_view filter, std::string_view table = "notes") {
    return write(filter, table).sql;
}
std::string parameter_of(std::string_view filter) {
    const Written written = write(filter);
    return written.parameters.size() == 1 ? written.parameters[0] : written.sql;
}

TEST(Filter, HasFifteenOperators) {
    EXPECT_EQ(sql_of(R"({"n":"eq.1"})"), R"( WHERE "n" = $1)");
    EXPECT_EQ(sql_of(R"({"n":"neq.1"})"), R"( WHERE "n" <> $1)");
    EXPECT_EQ(sql_of(R"({"n":"gt.1"})"), R"( WHERE "n" > $1)");
    EXPECT_EQ(sql_of(R"({"n":"gte.1"})"), R"( WHERE "n" >= $1)");
    EXPECT_EQ(sql_of(R"({"n":"lt.1"})"), R"( WHERE "n" < $1)");
    EXPECT_EQ(sql_of(R"({"n":"lte.1"})"), R"( WHERE "n" <= $1)");
    EXPECT_EQ(sql_of(R"({"body":"like.a%"})"), R"( WHERE "body" ~~ $1)");
    EXPECT_EQ(sql_of(R"({"body":"ilike.a%"})"), R"( WHERE "body" ~~* $1)");
    EXPECT_EQ(sql_of(R"~({"n":"in.(1,2)"})~"), R"( WHERE "n" = ANY($1))");
    EXPECT_EQ(sql_of(R"~({"n":"nin.(1,2)"})~"), R"( WHERE "n" <> ALL($1))");
    EXPECT_EQ(sql_of(R"({"n":"is.null"})"), R"( WHERE "n" IS NULL)");
    EXPECT_EQ(sql_of(R"({"n":"isnot.null"})"), R"( WHERE "n" IS NOT NULL)");
    EXPECT_EQ(sql_of(R"({"j":"cs.{\"a\":1}"})"), R"( WHERE "j" @> $1)");
    EXPECT_EQ(sql_of(R"({"j":"cd.{\"a\":1}"})"), R"( WHERE "j" <@ $1)");
    EXPECT_EQ(sql_of(R"({"tags":"ov.{a,b}"})", "things"), R"( WHERE "tags" && $1)");
}

TEST(Filter, ValuesBecomeParametersAsTheyAre) {
    EXPECT_EQ(parameter_of(R"({"body":"eq."})"), "");
    EXPECT_EQ(parameter_of(R"({"body":"eq.a.b.c"})"), "a.b.c");
    EXPECT_EQ(parameter_of(R"({"body":"eq.' or '1'='1"})"), "' or '1'='1");
    EXPECT_EQ(parameter_of(R"({"body":"eq.$1"})"), "$1");
    EXPECT_EQ(parameter_of(R"({"body":"eq.  x "})"), "  x ");
    EXPECT_EQ(parameter_of(R"({"body":"eq.äöü😀"})"), "äöü😀");
}

TEST(Filter, IsHasAClosedListOfWords) {
    EXPECT_EQ(sql_of(R"({"n":"is.not_null"})"), R"( WHERE "n" IS NOT NULL)");
    EXPECT_EQ(sql_of(R"({"n":"isnot.not_null"})"), R"( WHERE "n" IS NULL)");
    EXPECT_EQ(sql_of(R"({"ok":"is.true"})"), R"( WHERE "ok" IS TRUE)");
    EXPECT_EQ(sql_of(R"({"ok":"isnot.false"})"), R"( WHERE "ok" IS NOT FALSE)");
    EXPECT_EQ(sql_of(R"({"ok":"is.Unknown"})"), R"( WHERE "ok" IS UNKNOWN)");
    EXPECT_EQ(sql_of(R"({"flag":"is.TRUE"})", "things"), R"( WHERE "flag" IS TRUE)");
    for (const char* bad :
         {"is.null or true", "is.NOT NULL", "is.", "is.nul", "is.null ", "is. null", "is.1",
          "isnot.null or true", "is.distinct from 1", "is.'null'"}) {
        EXPECT_TRUE(sql_of(std::string(R"({"ok":")") + bad + "\"}")
                        .starts_with("error: invalid filter for column \"ok\": is"))
            << bad;
    }
    EXPECT_NE(sql_of(R"({"n":"is.true"})").find("needs a boolean column, this one is integer"),
              std::string::npos);
}

TEST(Filter, ListsBecomeOneArrayParameter) {
    EXPECT_EQ(parameter_of(R"~({"body":"in.(a,\"b,c\",d)"})~"), R"({"a","b,c","d"})");
    EXPECT_EQ(parameter_of(R"~({"body":"in.( a , \" b \" )"})~"), R"({"a"," b "})");
    EXPECT_EQ(parameter_of(R"~({"body":"in.(\"\")"})~"), R"({""})");
    EXPECT_EQ(parameter_of(R"~({"body":"in.(\"say \"\"hi\"\"\",\"\\\"\",\"\\\\\",\"\\n\")"})~"),
              R"({"say \"hi\"","\"","\\","\\n"})");
    EXPECT_EQ(parameter_of(R"~({"body":"in.(a\\b,{x},NULL,null,f(x))"})~"),
              R"~({"a\\b","{x}","NULL","null","f(x)"})~");
    EXPECT_EQ(parameter_of(R"~({"body":"nin.(x)"})~"), R"({"x"})");
    const Written boxes = write(R"~({"box":"in.(\"(1,1),(0,0)\",\"(2,2),(0,0)\")"})~", "things");
    EXPECT_EQ(boxes.parameters.at(0), R"~({"(1,1),(0,0)";"(2,2),(0,0)"})~");
}

TEST(Filter, RefusesListsThatAreNone) {
    for (const char* bad : {"in.1,2",
                            "in.(1,2",
                            "in.1,2)",
                            "in.",
                            "in.()",
                            "in.( )",
                            "in.(\\\"a",
                            "in.(\\\"a)",
                            "in.(a,,b)",
                            "in.(a,)",
                            "in.(,a)",
                            "in.(,)",
                            "in.(\\\"a\\\"b)",
                            "in.(a\\\"b)",
                            "in.(a\\\"b\\\")",
                            "nin.()",
                            "nin.1",
                            "in.[1,2]",
                            "in.(\\\"a\\\" \\\"b\\\")",
                            "in.)(",
                            "in.(",
                            "in.(\\\"\\\\\\\")"}) {
        const std::string sql = sql_of(std::string(R"({"body":")") + bad + "\"}");
        EXPECT_TRUE(sql.starts_with("error: invalid filter for column \"body\": "))
            << bad << ": " << sql;
    }
    EXPECT_NE(sql_of(R"~({"tags":"in.(a)"})~", "things").find("is an array (text[])"),
              std::string::npos);
}

TEST(Filter, BoundsListsPatternsAndValues) {
    const auto list = [](size_t count) {
        std::string text = R"({"n":"in.(1)";
        for (size_t i = 1; i < count; ++i) {
            text += ",1";
        }
        return text + ")\"}";
    };
    EXPECT_EQ(sql_of(list(1000)), R"( WHERE "n" = ANY($1))");
    EXPECT_NE(sql_of(list(1001)).find("more than 1000 elements"), std::string::npos);
    const auto with = [](std::string_view value) {
        return R"({"body":")" + std::string(value) + "\"}";
    };
    EXPECT_EQ(sql_of(with("like." + std::string(256, 'a'))), R"( WHERE "body" ~~ $1)");
    EXPECT_NE(sql_of(with("like." + std::string(257, 'a'))).find("longer than 256"),
              std::string::npos);
    EXPECT_EQ(sql_of(with("like.%%%%%%%%")), R"( WHERE "body" ~~ $1)");
    EXPECT_EQ(sql_of(with("like.\\\\%%%%%%%%%")), R"( WHERE "body" ~~ $1)");
    EXPECT_NE(sql_of(with("ilike.%%%%%%%%%")).find("more than 8 %"), std::string::npos);
    EXPECT_NE(sql_of(with("like.a\\\\")).find("lone backslash"), std::string::npos);
    EXPECT_EQ(sql_of(with("like.a\\\\\\\\")), R"( WHERE "body" ~~ $1)");
    EXPECT_EQ(sql_of(with("eq." + std::string(65'533, 'a'))), R"( WHERE "body" = $1)");
    EXPECT_NE(sql_of(with("eq." + std::string(65'534, 'a'))).find("longer than 65536"),
              std::string::npos);
    // The worst growth of a list: one quote in each element.
    std::string quotes = "in.(";
    for (int i = 0; i < 1000; ++i) {
        quotes += i == 0 ? "\\\\" : ",\\\\";
    }
    EXPECT_EQ(write(with(quotes + ")")).parameters.at(0).size(), 2 + 1000 * 5 - 1u);
}

TEST(Filter, AnArrayIsSeveralConditionsOnOneColumn) {
    const Written written = write(R"({"n":["gte.1","lt.5","neq.3"],"ok":"is.true"})");
    EXPECT_EQ(written.sql, R"( WHERE "n" >= $1 AND "n" < $2 AND "n" <> $3 AND "ok" IS TRUE)");
    EXPECT_EQ(written.parameters, (std::vector<std::string>{"1", "5", "3"}));
    EXPECT_NE(sql_of(R"({"n":[]})").find("is empty"), std::string::npos);
    EXPECT_NE(sql_of(R"({"n":["eq.1",2]})").find("expected a string"), std::string::npos);
    EXPECT_NE(sql_of(R"({"n":[["eq.1"]]})").find("expected a string"), std::string::npos);
}

TEST(Filter, AKeyTwiceInOneObjectIsTwoConditions) {
    EXPECT_EQ(sql_of(R"({"n":"gte.1","n":"lt.5"})"), R"( WHERE "n" >= $1 AND "n" < $2)");
}

TEST(Filter, GroupsAreParenthesised) {
    EXPECT_EQ(sql_of(R"({"or":[{"n":"eq.1"},{"ok":"is.null","d":"gt.2024-01-01"}],"id":"lt.9"})"),
              R"( WHERE (("n" = $1) OR ("ok" IS NULL AND "d" > $2)) AND "id" < $3)");
    EXPECT_EQ(sql_of(R"({"and":[{"or":[{"n":"eq.1"},{"n":"eq.2"}]},{"ok":"is.true"}]})"),
              R"( WHERE (((("n" = $1) OR ("n" = $2))) AND ("ok" IS TRUE)))");
    EXPECT_EQ(sql_of(R"({"or":[{"n":"eq.1"}]})"), R"( WHERE (("n" = $1)))");
}

TEST(Filter, ColumnsCalledOrAndAndAreReachedByStrings) {
    EXPECT_EQ(sql_of(R"({"or":"eq.1","and":["like.a%","neq.ab"]})", "things"),
              R"( WHERE "or" = $1 AND "and" ~~ $2 AND "and" <> $3)");
    EXPECT_EQ(sql_of(R"({"or":[{"or":"eq.1"},{"and":"eq.1"}]})", "things"),
              R"( WHERE (("or" = $1) OR ("and" = $2)))");
    for (const char* bad : {R"({"or":"n.eq.1"})", R"({"or":["n.eq.1"]})", R"({"or":[]})",
                            R"({"or":{"n":"eq.1"}})", R"({"and":1})", R"({"or":null})"}) {
        EXPECT_NE(sql_of(bad).find("takes an array of objects"), std::string::npos)
            << bad << ": " << sql_of(bad);
    }
}

TEST(Filter, RefusesGroupsThatWouldWiden) {
    for (const char* bad :
         {R"({"or":[{}]})", R"({"or":[{"n":"eq.1"},{}]})", R"({"or":[{"n":"eq.1"},null]})",
          R"({"or":[{"n":"eq.1"},"n.eq.2"]})", R"({"or":[1]})", R"({"and":[{"n":"eq.1"},[]]})",
          R"({"or":[{"n":1},{"n":"eq.1"}]})", R"({"or":[{"nope":"eq.1"},{"n":"eq.1"}]})"}) {
        EXPECT_TRUE(sql_of(bad).starts_with("error: invalid filter")) << bad << ": " << sql_of(bad);
    }
}

TEST(Filter, BoundsDepthAndCount) {
    const auto nested = [](int depth) {
        std::string text = R"({"n":"eq.1"})";
        for (int i = 0; i < depth; ++i) {
            text = R"({"or":[)" + text + "]}";
        }
        return text;
    };
    EXPECT_FALSE(sql_of(nested(3)).starts_with("error"));
    EXPECT_NE(sql_of(nested(4)).find("more than 4 levels"), std::string::npos);
    const auto conditions = [](int count) {
        std::string text = R"({"n":["eq.1")";
        for (int i = 1; i < count; ++i) {
            text += ",\"eq.1\"";
        }
        return text + "]}";
    };
    EXPECT_FALSE(sql_of(conditions(100)).starts_with("error"));
    EXPECT_NE(sql_of(conditions(101)).find("more than 100 conditions"), std::string::npos);
}

TEST(Filter, NeverDropsACondition) {
    for (const char* bad : {R"({"n":1})",
                            R"({"n":1.5})",
                            R"({"n":null})",
                            R"({"n":true})",
                            R"({"n":{"eq":1}})",
                            R"({"n":{}})",
                            R"({"n":"eq"})",
                            R"({"n":""})",
                            R"({"n":"1"})",
                            R"({"n":"foo.1"})",
                            R"({"n":"EQ.1"})",
                            R"({"n":" eq.1"})",
                            R"({"n":"eq .1"})",
                            R"({"n":".1"})",
                            R"({"n":"=.1"})",
                            R"({"n":"not.eq.1"})",
                            R"({"n":"fts.x"})",
                            R"({"nope":"eq.1"})",
                            R"({"N":"eq.1"})",
                            R"({"":"eq.1"})",
                            R"({"n\" = 1 or \"n":"eq.1"})",
                            R"({" n":"eq.1"})",
                            R"({"n ":"eq.1"})",
                            R"({"\"n\"":"eq.1"})",
                            R"({"notes.n":"eq.1"})",
                            R"({"j->>a":"eq.1"})",
                            R"({"ctid":"eq.1"})",
                            R"({"n\u0000":"eq.1"})",
                            R"({"n":"eq.1","owner":7})",
                            R"({"n":"eq.1\u0000"})"}) {
        EXPECT_TRUE(sql_of(bad).starts_with("error: invalid filter")) << bad << ": " << sql_of(bad);
    }
    const std::string long_name(64, 'a');
    EXPECT_TRUE(sql_of("{\"" + long_name + "\":\"eq.1\"}").starts_with("error: invalid filter"));
}

TEST(Filter, SaysWhatWouldBeRight) {
    EXPECT_EQ(
        sql_of(R"({"n":18})"),
        R"(error: invalid filter for column "n": expected a string "operator.value", got the )"
        R"(number 18; write "eq.18")");
    EXPECT_NE(sql_of(R"({"n":null})").find(R"(write "is.null")"), std::string::npos);
    EXPECT_NE(sql_of(R"({"n":"ne.1"})").find(R"(unknown operator "ne"; did you mean)"),
              std::string::npos);
    EXPECT_NE(sql_of(R"({"n":"5"})").find("such as \"eq.5\", got \"5\""), std::string::npos)
        << sql_of(R"({"n":"5"})");
    EXPECT_NE(sql_of(R"({"onwer":"eq.1"})").find(R"(did you mean "owner"?)"), std::string::npos);
}

TEST(Filter, NamesTheSchemaOfAnExtensionsOperator) {
    EXPECT_EQ(sql_of(R"({"embedding":"eq.[1]"})", "things"),
              R"( WHERE "embedding" OPERATOR(extensions.=) $1)");
    EXPECT_EQ(sql_of(R"~({"citizen":["ilike.a%","in.(a)"]})~", "things"),
              R"( WHERE "citizen" OPERATOR("My.Schema".~~*) $1 AND)"
              R"( "citizen" OPERATOR("My.Schema".=) ANY($2))");
    EXPECT_EQ(sql_of(R"({"mood":"eq.sad","embedding":"is.null"})", "things"),
              R"( WHERE "mood" = $1 AND "embedding" IS NULL)");
}

TEST(Filter, MustBeAnObject) {
    for (const char* bad : {"[]", "\"n=1\"", "1", "true"}) {
        EXPECT_NE(sql_of(bad).find("filter must be an object"), std::string::npos) << bad;
    }
    EXPECT_EQ(sql_of("{}"), "");
}

}  // namespace
}  // namespace fluxgate::tools
