#include "tools/row_json.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/tools/fixture.h"

namespace fluxgate::tools {
namespace {

using rpc::Escape;
using test::Cell;
using test::make_result;

const pg::Catalog& catalog() {
    static const pg::CatalogPtr made = test::make_catalog();
    return *made;
}

// One value of a column c, as JSON.
std::string once(uint32_t type, Cell value) {
    const std::string rows =
        test::render<Escape::once>(catalog(), make_result({{"c", type}}, {{std::move(value)}}));
    EXPECT_TRUE(rows.starts_with("[{\"c\":") && rows.ends_with("}]")) << rows;
    return rows.substr(6, rows.size() - 8);
}

// The inside of a JSON string -> what is in it, by our own reader.
std::string unescape(std::string_view inside) {
    test::JsonArguments json;
    const rpc::Json* text = json.parse("[\"" + std::string(inside) + "\"]");
    EXPECT_NE(text, nullptr) << inside;
    return text == nullptr ? "" : std::string(text->first->text);
}

TEST(RowJson, NoRowsAreAnEmptyArray) {
    const pg::Result result = make_result({{"id", 20}}, {});
    EXPECT_EQ(test::render<Escape::once>(catalog(), result), "[]");
    EXPECT_EQ(test::render<Escape::twice>(catalog(), result), "[]");
}

TEST(RowJson, KeepsTheOrderOfTheColumns) {
    const pg::Result result = make_result({{"z", 23}, {"a", 25}, {"m", 16}},
                                          {{"1", "x", "t"}, {"2", Cell(), "f"}, {"3", "", Cell()}});
    EXPECT_EQ(test::render<Escape::once>(catalog(), result),
              R"([{"z":1,"a":"x","m":true},{"z":2,"a":null,"m":false},{"z":3,"a":"","m":null}])");
    EXPECT_EQ(test::render<Escape::twice>(catalog(), result),
              R"([{\"z\":1,\"a\":\"x\",\"m\":true},{\"z\":2,\"a\":null,\"m\":false},)"
              R"({\"z\":3,\"a\":\"\",\"m\":null}])");
}

TEST(RowJson, ARowWithoutColumnsIsAnEmptyObject) {
    PGresult* raw = PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK);
    const pg::Result result(raw);
    EXPECT_EQ(test::render<Escape::once>(catalog(), result), "[]");
}

TEST(RowJson, TakesTheGivenNames) {
    const pg::Result result = make_result({{"id", 23}, {"count", 20}}, {{"1", "2"}});
    constexpr std::array<std::string_view, 2> names = {"a", "say \"n\"\n"};
    EXPECT_EQ(test::render<Escape::once>(catalog(), result, names), R"([{"a":1,"say \"n\"\n":2}])");
    EXPECT_EQ(unescape(test::render<Escape::twice>(catalog(), result, names)),
              R"([{"a":1,"say \"n\"\n":2}])");
}

TEST(RowJson, NumbersKeepTheirDigits) {
    EXPECT_EQ(once(20, "9223372036854775807"), "9223372036854775807");
    EXPECT_EQ(once(1700, "1.50"), "1.50");
    EXPECT_EQ(once(1700, "123456789012345678901234567890.123456789"),
              "123456789012345678901234567890.123456789");
    EXPECT_EQ(once(701, "1e-05"), "1e-05");
    EXPECT_EQ(once(701, "-0"), "-0");
    EXPECT_EQ(once(26, "4294967295"), "4294967295");
    for (uint32_t type : {700u, 701u, 1700u}) {
        EXPECT_EQ(once(type, "NaN"), "\"NaN\"");
        EXPECT_EQ(once(type, "Infinity"), "\"Infinity\"");
        EXPECT_EQ(once(type, "-Infinity"), "\"-Infinity\"");
    }
}

TEST(RowJson, WhatIsNotANumberIsAString) {
    for (const char* bad :
         {"", "01", "1.", ".5", "+1", "1e", "1e+", "--1", "-", "1,0", "0x1", "1 ", "١"}) {
        EXPECT_TRUE(once(20, bad).starts_with('"')) << bad;
    }
}

TEST(RowJson, EscapesTextAtBothLevels) {
    std::string all;
    for (int c = 1; c < 128; ++c) {
        all += static_cast<char>(c);
    }
    for (const std::string& text :
         {std::string("a\"b\\c\nd\te\x01"), all, std::string("äöü€😀\u2028"),
          std::string(5000, '"'), std::string(100'000, 'x'), std::string("1234567\"90123456\\"),
          std::string("\"")}) {
        const pg::Result result = make_result({{"c", 25}}, {{text}});
        const std::string document = test::render<Escape::once>(catalog(), result);
        test::JsonArguments json;
        const rpc::Json* rows = json.parse(document);
        ASSERT_NE(rows, nullptr) << document.substr(0, 200);
        EXPECT_EQ(rows->first->first->text, text);
        EXPECT_EQ(unescape(test::render<Escape::twice>(catalog(), result)), document);
    }
}

TEST(RowJson, ReplacesBytesThatAreNotUtf8) {
    test::JsonArguments json;
    const pg::Result result = make_result({{"c", 25}, {"\xff", 25}}, {{"a\xff\x80z", "\xc3"}});
    EXPECT_NE(json.parse(test::render<Escape::once>(catalog(), result)), nullptr);
    EXPECT_NE(unescape(test::render<Escape::twice>(catalog(), result)), "");
}

TEST(RowJson, JsonColumnsGoThroughAsTheyAre) {
    EXPECT_EQ(once(3802, R"({"a": [1, "x\u0000"]})"), R"({"a": [1, "x\u0000"]})");
    EXPECT_EQ(once(114, "{\n\"a\":\r\n1}"), "{ \"a\":  1}");
    const pg::Result result = make_result({{"c", 3802}}, {{R"({"a": "\"\\\n"})"}});
    EXPECT_EQ(unescape(test::render<Escape::twice>(catalog(), result)),
              R"([{"c":{"a": "\"\\\n"}}])");
}

TEST(RowJson, TimestampsAreRfc3339) {
    EXPECT_EQ(once(1184, "2024-01-15 10:00:00+00"), "\"2024-01-15T10:00:00Z\"");
    EXPECT_EQ(once(1184, "2024-01-15 10:00:00.123456+00"), "\"2024-01-15T10:00:00.123456Z\"");
    EXPECT_EQ(once(1184, "2024-01-15 10:00:00.5+02"), "\"2024-01-15T10:00:00.5+02:00\"");
    EXPECT_EQ(once(1184, "2024-01-15 10:00:00-05:30"), "\"2024-01-15T10:00:00-05:30\"");
    EXPECT_EQ(once(1114, "2024-01-15 10:00:00.5"), "\"2024-01-15T10:00:00.5\"");
    EXPECT_EQ(once(1184, "10000-01-01 00:00:00+00"), "\"10000-01-01T00:00:00Z\"");
    EXPECT_EQ(once(1082, "2024-01-15"), "\"2024-01-15\"");
}

TEST(RowJson, WhatIsNoRfc3339StaysAsPostgresqlWritesIt) {
    for (const char* text : {"infinity", "-infinity", "0044-03-15 10:00:00+00 BC",
                             "15/01/2024 10:00:00 UTC", "2024-01-15", "2024-01-15 10:00:00", "",
                             "2024-01-15 \"0:00:00+00", "2024-01-15 10:00:00+\"x"}) {
        test::JsonArguments json;
        const rpc::Json* value = json.parse("[" + once(1184, text) + "]");
        ASSERT_NE(value, nullptr) << text;
        EXPECT_EQ(value->first->text, text);
    }
    EXPECT_EQ(once(1114, "2024-01-15 10:00:00+00"), "\"2024-01-15 10:00:00+00\"");
}

TEST(RowJson, BytesAreBase64) {
    EXPECT_EQ(once(17, "\\x"), "\"\"");
    EXPECT_EQ(once(17, "\\x66"), "\"Zg==\"");
    EXPECT_EQ(once(17, "\\x666f"), "\"Zm8=\"");
    EXPECT_EQ(once(17, "\\x666F6f"), "\"Zm9v\"");
    EXPECT_EQ(once(17, "\\xfbff"), "\"+/8=\"");
    EXPECT_EQ(once(17, "\\x6"), "\"\\\\x6\"");
    EXPECT_EQ(once(17, "\\x6g"), "\"\\\\x6g\"");
    EXPECT_EQ(once(17, "abc\\000"), "\"abc\\\\000\"");
    // Across the pieces it is written in: 9,000 bytes of zero.
    EXPECT_EQ(once(17, "\\x" + std::string(18'000, '0')), "\"" + std::string(12'000, 'A') + "\"");
}

TEST(RowJson, ArraysKeepTheirDimensions) {
    EXPECT_EQ(once(1007, "{}"), "[]");
    EXPECT_EQ(once(1007, "{1,NULL,3}"), "[1,null,3]");
    EXPECT_EQ(once(1007, "{{1,2},{3,4}}"), "[[1,2],[3,4]]");
    EXPECT_EQ(once(1007, "[0:1]={7,8}"), "[7,8]");
    EXPECT_EQ(once(1009, R"({a,"b c","NULL","say \"x\" \\"})"),
              R"(["a","b c","NULL","say \"x\" \\"])");
    EXPECT_EQ(once(1000, "{t,f}"), "[true,false]");
    EXPECT_EQ(once(1020, "{(1,1),(0,0);(2,2),(1,1)}"), R"~(["(1,1),(0,0)","(2,2),(1,1)"])~");
    EXPECT_EQ(once(1185, R"({"2024-01-15 10:00:00+00"})"), R"(["2024-01-15T10:00:00Z"])");
    EXPECT_EQ(once(3807, R"({"{\"a\": \"x\\\\\"}",NULL})"), R"([{"a": "x\\"},null])");
    EXPECT_EQ(once(test::ages_oid, "{1,2}"), "[1,2]");
}

TEST(RowJson, CompositesAreObjectsByFieldNames) {
    EXPECT_EQ(once(test::point3_oid, R"((1,"a ""b"" \\","{""k"": 1}"))"),
              R"({"x":1,"label":"a \"b\" \\","we\"ird":{"k": 1}})");
    EXPECT_EQ(once(test::point3_oid, "(,,)"), R"({"x":null,"label":null,"we\"ird":null})");
    EXPECT_EQ(once(test::point3s_oid, R"~({"(1,a,)",NULL})~"),
              R"([{"x":1,"label":"a","we\"ird":null},null])");
    EXPECT_EQ(once(test::line_oid, R"~((l,"{""(1,\\""a b\\"",)"",""(2,,)""}"))~"),
              R"({"name":"l","points":[{"x":1,"label":"a b","we\"ird":null},)"
              R"({"x":2,"label":null,"we\"ird":null}]})");
}

TEST(RowJson, ABrokenLiteralIsAString) {
    EXPECT_EQ(once(1007, "{1"), "\"{1\"");
    EXPECT_EQ(once(1007, "1 2"), "\"1 2\"");
    EXPECT_EQ(once(test::point3_oid, "(1,2)"), "\"(1,2)\"");
    EXPECT_EQ(once(test::point3_oid, "(1,2,3,4)"), "\"(1,2,3,4)\"");
    EXPECT_EQ(once(test::point3_oid, "x"), "\"x\"");
}

TEST(RowJson, DomainsEnumsVectorsAndUnknownTypes) {
    EXPECT_EQ(once(test::age_oid, "7"), "7");
    EXPECT_EQ(once(test::flag_oid, "t"), "true");
    EXPECT_EQ(once(test::mood_oid, "happy"), "\"happy\"");
    EXPECT_EQ(once(test::vector_oid, "[0.1,-2,3e-05]"), "[0.1,-2,3e-05]");
    EXPECT_EQ(once(test::vector_oid, "[]"), "[]");
    EXPECT_EQ(once(test::vector_oid, "[1,]"), "\"[1,]\"");
    EXPECT_EQ(once(test::vector_oid, "[1,x]"), "\"[1,x]\"");
    EXPECT_EQ(once(3904, "[1,5)"), "\"[1,5)\"");
    EXPECT_EQ(once(2950, "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
              "\"b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"");
    EXPECT_EQ(once(99'999, "anything"), "\"anything\"");
}

TEST(RowJson, StopsAtItsBudget) {
    const pg::Result rows = make_result({{"c", 25}}, {{"0123456789"}, {"0123456789"}});
    EXPECT_EQ(test::render<Escape::once>(catalog(), rows, {}, 20), "too large");
    EXPECT_NE(test::render<Escape::once>(catalog(), rows, {}, 100), "too large");
    // One value that is small enough, but not after escaping: refused before it is written.
    const pg::Result controls = make_result({{"c", 25}}, {{std::string(300'000, '\x01')}});
    EXPECT_EQ(test::render<Escape::twice>(catalog(), controls, {}, 1'000'000), "too large");
    std::string many = "{\"(,,)\"";
    for (int i = 0; i < 1000; ++i) {
        many += ",\"(,,)\"";
    }
    const pg::Result points = make_result({{"c", test::point3s_oid}}, {{many + "}"}});
    EXPECT_EQ(test::render<Escape::once>(catalog(), points, {}, 10'000), "too large");
}

TEST(RowJson, GoesOnWhereAnEarlierCallStopped) {
    loop::Arena arena;
    loop::BlockChain out;
    const pg::Result result = make_result({{"c", 23}}, {{"1"}, {"2"}, {"3"}});
    const RowPlan plan = make_row_plan(catalog(), result, {}, &arena);
    EXPECT_TRUE(append_rows<Escape::once>(plan, result, 0, 1, 1000, out));
    EXPECT_TRUE(append_rows<Escape::once>(plan, result, 1, 3, 1000, out));
    EXPECT_EQ(test::flatten(out), R"({"c":1},{"c":2},{"c":3})");
}

}  // namespace
}  // namespace fluxgate::tools
