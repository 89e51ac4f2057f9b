// Every sort of type through query_table on a real PostgreSQL: against what we promise, and, where
// both mean the same, against PostgreSQL's own to_json.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/query_table_fixture.h"

namespace fluxgate::tools::test {
namespace {

class RowTypesPg : public QueryTableTest {
protected:
    RowTypesPg();
};

struct Typed {
    const char* expression;
    const char* json;
};

constexpr const char* types = R"(
    CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION vector;
    CREATE TYPE mood AS ENUM ('sad', 'so "so"');
    CREATE DOMAIN age AS int CHECK (VALUE >= 0);
    CREATE DOMAIN ages AS int[];
    CREATE TYPE point3 AS (x int, "la""bel" text, at timestamp, gone int, tags text[]);
    ALTER TYPE point3 DROP ATTRIBUTE gone;
    CREATE TYPE outline AS (name citext, points point3[], a age);
)";

RowTypesPg::RowTypesPg() {
    static const bool once = (cluster.execute(types), true);
    (void)once;
}

std::string select_of(const std::vector<Typed>& typed) {
    std::string sql;
    for (size_t i = 0; i < typed.size(); ++i) {
        sql +=
            (i == 0 ? "" : ", ") + std::string(typed[i].expression) + " AS c" + std::to_string(i);
    }
    return sql;
}

std::string row_of(const std::vector<Typed>& typed) {
    std::string row;
    for (size_t i = 0; i < typed.size(); ++i) {
        row += (i == 0 ? "{\"c" : ",\"c") + std::to_string(i) + "\":" + typed[i].json;
    }
    return "[" + row + "}]";
}

const std::vector<Typed>& promised() {
    static const std::vector<Typed> typed = {
        {"'-32768'::smallint", "-32768"},
        {"'9223372036854775807'::bigint", "9223372036854775807"},
        {"4294967295::oid", "4294967295"},
        {"'1.5'::real", "1.5"},
        {"'1e300'::double precision", "1e+300"},
        {"0.1::double precision + 0.2", "0.30000000000000004"},
        {"'NaN'::double precision", "\"NaN\""},
        {"'-Infinity'::real", "\"-Infinity\""},
        {"'1.50'::numeric", "1.50"},
        {"'NaN'::numeric", "\"NaN\""},
        {"'Infinity'::numeric", "\"Infinity\""},
        {"true", "true"},
        {"'a\"b\\c' || chr(10) || chr(1) || 'ü😀'", R"("a\"b\\c\n\u0001ü😀")"},
        {"'ab'::char(4)", "\"ab  \""},
        {"'x'::\"char\"", "\"x\""},
        {"'Ab'::citext", "\"Ab\""},
        {"'name'::name", "\"name\""},
        {"'11111111-1111-1111-1111-111111111111'::uuid",
         "\"11111111-1111-1111-1111-111111111111\""},
        {"'{\"b\": 1,  \"a\":[ ]}'::json", R"({"b": 1,  "a":[ ]})"},
        {"'{\"b\": 1e2, \"a\":12345678901234567890}'::jsonb",
         R"({"a": 12345678901234567890, "b": 100})"},
        {"'null'::jsonb", "null"},
        {"'2024-01-15 10:00:00.123456+02'::timestamptz", "\"2024-01-15T08:00:00.123456Z\""},
        {"'2024-01-15 10:00'::timestamp", "\"2024-01-15T10:00:00\""},
        {"'infinity'::timestamptz", "\"infinity\""},
        {"'-infinity'::timestamp", "\"-infinity\""},
        {"'0044-03-15 10:00:00 BC'::timestamp", "\"0044-03-15 10:00:00 BC\""},
        {"'2024-01-15'::date", "\"2024-01-15\""},
        {"'infinity'::date", "\"infinity\""},
        {"'0044-03-15 BC'::date", "\"0044-03-15 BC\""},
        {"'10:00:00.5'::time", "\"10:00:00.5\""},
        {"'10:00:00+02'::timetz", "\"10:00:00+02\""},
        {"'1 day 2 hours'::interval", "\"P1DT2H\""},
        {"'\\x00fbff'::bytea", "\"APv/\""},
        {"''::bytea", "\"\""},
        {"'12.34'::money", "\"$12.34\""},
        {"'10.0.0.1'::inet", "\"10.0.0.1\""},
        {"'10.0.0.0/8'::cidr", "\"10.0.0.0/8\""},
        {"'08:00:2b:01:02:03'::macaddr", "\"08:00:2b:01:02:03\""},
        {"'101'::bit(3)", "\"101\""},
        {"'101'::varbit", "\"101\""},
        {"'(1,2)'::point", "\"(1,2)\""},
        {"'[1,5)'::int4range", "\"[1,5)\""},
        {"'{[1,3),[5,7)}'::int4multirange", "\"{[1,3),[5,7)}\""},
        {"'a=>1'::hstore", R"("\"a\"=>\"1\"")"},
        {"'<a b=\"c\"/>'::xml", R"("<a b=\"c\"/>")"},
        {"to_tsvector('simple', 'a b')", R"("'a':1 'b':2")"},
        {"'pg_class'::regclass", "\"pg_class\""},
        {"'so \"so\"'::mood", R"("so \"so\"")"},
        {"7::age", "7"},
        {"'[0.1,-2,0.00001]'::vector", "[0.1,-2,1e-05]"},
        {"ARRAY['[1,2]'::vector]", "[[1,2]]"},
        {"NULL::int", "null"},
        {"'{}'::int[]", "[]"},
        {"'{1,NULL,3}'::int[]", "[1,null,3]"},
        {"'{{1,2},{3,4}}'::int[]", "[[1,2],[3,4]]"},
        {"'[0:1]={7,8}'::int[]", "[7,8]"},
        {"ARRAY['a,b', '\"', '\\', 'NULL', '', NULL, '{}']",
         R"(["a,b","\"","\\","NULL","",null,"{}"])"},
        {"ARRAY['{\"a\": \"x\\\\\"}'::jsonb]", R"([{"a": "x\\"}])"},
        {"ARRAY['2024-01-15 10:00:00Z'::timestamptz]", "[\"2024-01-15T10:00:00Z\"]"},
        {"ARRAY['\\x00'::bytea]", "[\"AA==\"]"},
        {"ARRAY['NaN'::numeric, 1.0]", "[\"NaN\",1.0]"},
        {"ARRAY['(1,1),(0,0)'::box, '(2,2),(0,0)'::box]", R"~(["(1,1),(0,0)","(2,2),(0,0)"])~"},
        {"ARRAY['sad', 'so \"so\"']::mood[]", R"(["sad","so \"so\""])"},
        {"ARRAY[1, 2]::age[]", "[1,2]"},
        {"'{1,2}'::ages", "[1,2]"},
        {"ARRAY['{1,2}'::ages]", "[[1,2]]"},
        {"ROW(1, 'a, \"b\" \\', '2024-01-15 10:00', ARRAY['x y', NULL])::point3",
         R"({"x":1,"la\"bel":"a, \"b\" \\","at":"2024-01-15T10:00:00","tags":["x y",null]})"},
        {"ROW('L'::citext, ARRAY[ROW(1, '(\"', NULL, '{}')::point3, NULL], 3::age)::outline",
         R"~({"name":"L","points":[{"x":1,"la\"bel":"(\"","at":null,"tags":[]},null],"a":3})~"},
        {"ROW(NULL, NULL, NULL)::outline", R"({"name":null,"points":null,"a":null})"},
    };
    return typed;
}

TEST_F(RowTypesPg, RenderAsPromised) {
    cluster.execute("SET lc_monetary = 'C'; CREATE VIEW typed AS SELECT " + select_of(promised()) +
                    "; GRANT SELECT ON typed TO authenticated");
    const Answer answer = call(R"({"table":"typed"})");
    ASSERT_FALSE(answer.is_error) << answer.text;
    EXPECT_EQ(answer.text, row_of(promised()));
    EXPECT_EQ(answer.structured, "{\"rows\":" + answer.text + "}");
}

TEST_F(RowTypesPg, AgreeWithToJsonWhereBothMeanTheSame) {
    // All but those that differ on purpose: timestamptz (Z for +00:00), BC with a time, bytea, oid,
    // vector, hstore, interval (ISO 8601).
    std::string columns;
    int count = 0;
    for (const Typed& typed : promised()) {
        const std::string expression = typed.expression;
        bool differs = false;
        for (const char* word :
             {"timestamptz", "BC'::timestamp", "bytea", "::oid", "vector", "hstore", "interval"}) {
            differs = differs || expression.find(word) != std::string::npos;
        }
        if (differs) {
            continue;
        }
        columns += (count == 0 ? "" : ", ") + expression + " AS c" + std::to_string(count);
        ++count;
    }
    EXPECT_GT(count, 50);
    cluster.execute("CREATE VIEW agreeing AS SELECT " + columns +
                    "; GRANT SELECT ON agreeing TO authenticated");
    const std::string theirs = cluster.value_of("SELECT json_agg(t) FROM agreeing t");
    EXPECT_EQ(call(R"({"table":"agreeing"})").text, theirs);
}

TEST_F(RowTypesPg, FiltersInferTheTypeOfTheColumn) {
    cluster.execute(R"(
        CREATE TABLE kinds (id int, m mood, a age, c citext, v varchar(9), b char(4), s smallint, f real,
            q numeric, u uuid, t timestamptz, d date, y bytea, i inet, r int4range, j jsonb, tags text[],
            ns int[], e vector(2), o json);
        INSERT INTO kinds VALUES (1, 'sad', 7, 'Ab', 'vc', 'ab', 3, 1.5, 1.50,
            '11111111-1111-1111-1111-111111111111', '2024-01-15 10:00:00Z', '2024-01-15', '\x00ff',
            '10.0.0.1', '[1,5)', '{"k": [1, 2]}', '{a,"b c"}', '{1,2}', '[1,2]', '{}');
    )");
    for (const char* hit : {R"({"m":"eq.sad"})",
                            R"~({"m":"in.(sad,\"so \"\"so\"\"\")"})~",
                            R"({"m":"gte.sad"})",
                            R"({"a":"eq.7"})",
                            R"~({"a":"in.(6,7)"})~",
                            R"({"c":"eq.aB"})",
                            R"~({"c":"in.(AB)"})~",
                            R"({"c":"like.a%"})",
                            R"({"v":"eq.vc"})",
                            R"~({"v":"in.(vc,x)"})~",
                            R"({"v":"ilike.V_"})",
                            R"({"b":"eq.ab"})",
                            R"~({"b":"in.(ab)"})~",
                            R"({"s":"lte.3"})",
                            R"~({"s":"nin.(1,2)"})~",
                            R"({"f":"eq.1.5"})",
                            R"({"q":"eq.1.5"})",
                            R"~({"q":"in.(1.5,2)"})~",
                            R"({"u":"eq.11111111-1111-1111-1111-111111111111"})",
                            R"~({"u":"in.(11111111-1111-1111-1111-111111111111)"})~",
                            R"({"t":"gt.2024-01-15T09:59:59Z"})",
                            R"({"t":"eq.2024-01-15T12:00:00+02:00"})",
                            R"({"d":"lt.2024-02-01"})",
                            R"({"y":"eq.\\x00ff"})",
                            R"({"i":"eq.10.0.0.1"})",
                            R"~({"r":"eq.[1,5)"})~",
                            R"({"r":"cs.[2,3]"})",
                            R"({"r":"ov.[4,9]"})",
                            R"({"j":"eq.{\"k\":[1,2]}"})",
                            R"({"j":"cs.{\"k\":[2]}"})",
                            R"({"j":"cd.{\"k\":[1,2],\"z\":0}"})",
                            R"({"tags":"cs.{b c}"})",
                            R"({"tags":"ov.{x,a}"})",
                            R"({"tags":"cd.{a,b c,z}"})",
                            R"({"tags":"eq.{a,b c}"})",
                            R"({"ns":"cs.{2}"})",
                            R"({"ns":"ov.{2,9}"})",
                            R"({"e":"eq.[1,2]"})",
                            R"({"o":"is.not_null"})"}) {
        const Answer answer =
            call(R"({"table":"kinds","select":"id","filter":)" + std::string(hit) + "}");
        EXPECT_EQ(answer.text, R"([{"id":1}])") << hit;
    }
    for (const char* bad : {R"({"m":"eq.happy"})", R"({"a":"eq.x"})", R"({"u":"eq.1"})",
                            R"({"t":"eq.yesterday-ish"})", R"({"o":"eq.{}"})", R"({"r":"eq.5"})",
                            R"({"e":"eq.[1]x"})", R"({"tags":"cs.a"})", R"({"d":"like.2024%"})",
                            R"({"q":"cs.1"})", R"({"j":"ov.{}"})", R"({"i":"eq.300.1.1.1"})"}) {
        const Answer answer =
            call(R"({"table":"kinds","select":"id","filter":)" + std::string(bad) + "}");
        EXPECT_TRUE(answer.is_error) << bad;
        EXPECT_TRUE(answer.text.starts_with("invalid value for column \"") ||
                    answer.text.starts_with("operator not supported for column \""))
            << bad << answer.text;
    }
    EXPECT_TRUE(call(R"({"table":"kinds","order":"o"})")
                    .text.starts_with("can not order by column \"o\" (json)"));
    EXPECT_TRUE(call(R"~({"table":"kinds","select":"o,count(*)"})~")
                    .text.starts_with("can not group by column \"o\" (json)"));
    EXPECT_EQ(call(R"~({"table":"kinds","select":"min(c),max(t)"})~").text,
              R"([{"min":"Ab","max":"2024-01-15T10:00:00Z"}])");
    EXPECT_EQ(call(R"~({"table":"kinds","select":"avg(e)"})~").text, R"([{"avg":[1,2]}])");
}

}  // namespace
}  // namespace fluxgate::tools::test
