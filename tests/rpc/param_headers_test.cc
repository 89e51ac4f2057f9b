#include "rpc/param_headers.h"

#include <gtest/gtest.h>

#include "loop/arena.h"
#include "rpc/json_reader.h"
#include "tests/rpc/padded.h"

namespace fluxgate::rpc {
namespace {

std::string schema(std::string_view properties) {
    return R"({"type":"object","properties":{)" + std::string(properties) + "}}";
}

void expect_error(std::string_view text, std::string_view why) {
    const ParamHeaders found = find_param_headers(text);
    EXPECT_EQ(found.error, why) << text;
    EXPECT_TRUE(found.headers.empty()) << text;
}

TEST(FindParamHeaders, FindsTheMarkedPropertiesInTheirOrder) {
    const ParamHeaders found = find_param_headers(schema(
        R"("plain":{"type":"string"},"region":{"type":"string","x-mcp-header":"Region"},)"
        R"("page":{"type":"object","properties":{"size":{"type":"integer","x-mcp-header":"Size"}}},)"
        R"("dry":{"type":"boolean","x-mcp-header":"dry_run"})"));
    EXPECT_EQ(found.error, "");
    ASSERT_EQ(found.headers.size(), 3U);
    EXPECT_EQ(found.headers[0].field, "mcp-param-region");
    EXPECT_EQ(found.headers[0].path, std::vector<std::string>{"region"});
    EXPECT_EQ(found.headers[1].field, "mcp-param-size");
    EXPECT_EQ(found.headers[1].path, (std::vector<std::string>{"page", "size"}));
    EXPECT_EQ(found.headers[2].field, "mcp-param-dry_run");
}

TEST(FindParamHeaders, FindsNothingWhereNothingIsMarked) {
    for (const std::string& text :
         {std::string("{}"), schema(""), schema(R"("x-mcp-header":{"type":"string"})"),
          schema(R"("a":{"type":"object","default":{"x-mcp-header":"A"}})"),
          schema(R"("a":{"enum":[{"x-mcp-header":"A"}]})")}) {
        const ParamHeaders found = find_param_headers(text);
        EXPECT_EQ(found.error, "") << text;
        EXPECT_TRUE(found.headers.empty()) << text;
    }
}

TEST(FindParamHeaders, RefusesWhatIsNoToken) {
    for (const char* mark : {"\"\"", "\"a b\"", "\"a:\"", "\"a\\r\\nb\"", "\"gr\xC3\xBC\"", "1",
                             "null", "true", "[\"a\"]"}) {
        expect_error(schema(R"("a":{"type":"string","x-mcp-header":)" + std::string(mark) + "}"),
                     "a: x-mcp-header is no token of HTTP");
    }
}

TEST(FindParamHeaders, RefusesTheSameNameTwice) {
    expect_error(schema(R"("a":{"type":"string","x-mcp-header":"Region"},)"
                        R"("b":{"type":"string","x-mcp-header":"REGION"})"),
                 "b: x-mcp-header is there twice");
}

TEST(FindParamHeaders, RefusesOtherTypes) {
    for (const char* type : {R"("type":"number",)", R"("type":"object",)", R"("type":"array",)",
                             R"("type":"null",)", R"("type":["string","null"],)", ""}) {
        expect_error(schema(R"("a":{)" + std::string(type) + R"("x-mcp-header":"A"})"),
                     "a: x-mcp-header is not on a string, integer or boolean");
    }
}

TEST(FindParamHeaders, RefusesWhatPropertiesAloneDoNotReach) {
    const std::string marked = R"({"type":"string","x-mcp-header":"A"})";
    const std::string why = "a: x-mcp-header is not reached through `properties` alone";
    expect_error(schema(R"("a":{"items":)" + marked + "}"), why);
    expect_error(schema(R"("a":{"anyOf":[{"type":"null"},)" + marked + "]}"), why);
    expect_error(schema(R"("a":{"additionalProperties":)" + marked + "}"), why);
    expect_error(schema(R"("a":{"not":)" + marked + "}"), why);
    expect_error(R"({"$defs":{"d":)" + marked + "}}",
                 "the schema: x-mcp-header is not reached through `properties` alone");
    expect_error(schema(R"("a":{"items":{"properties":{"b":)" + marked + "}}}"),
                 "a.b: x-mcp-header is not reached through `properties` alone");
    expect_error(R"({"type":"string","x-mcp-header":"A"})",
                 "the schema: x-mcp-header is not reached through `properties` alone");
}

TEST(FindParamHeaders, RefusesWhatIsNoJson) {
    expect_error("", "the schema is not JSON");
    expect_error("{", "the schema is not JSON");
}

class ParamMismatch : public testing::Test {
protected:
    ParamMismatch() {
        headers_ =
            find_param_headers(schema(R"("region":{"type":"string","x-mcp-header":"Region"},)"
                                      R"("dry":{"type":"boolean","x-mcp-header":"Dry"},)"
                                      R"("page":{"type":"object","properties":)"
                                      R"({"size":{"type":"integer","x-mcp-header":"Size"}}})"))
                .headers;
    }
    // The field of the first mismatch, "" if all fit.
    std::string mismatch(std::string_view arguments, const std::vector<FieldView>& fields) {
        const test::Padded padded(arguments);
        const auto document = reader_.read(padded.view(), arena_);
        EXPECT_TRUE(document.has_value()) << arguments;
        const ParamHeader* header = find_param_mismatch(headers_, *document, fields);
        return header == nullptr ? "" : header->field;
    }
    std::string region(std::string_view value) {
        return mismatch(R"({"region":"us-west1"})", {{"Mcp-Param-Region", value}});
    }
    std::string size(std::string_view number, std::string_view value) {
        return mismatch(R"({"page":{"size":)" + std::string(number) + "}}",
                        {{"mcp-param-size", value}});
    }

    std::vector<ParamHeader> headers_;
    loop::Arena arena_;
    JsonReader reader_{1 << 20};
};

TEST_F(ParamMismatch, IsNothingWhereAllFit) {
    EXPECT_EQ(mismatch(R"({"region":"us-west1","dry":false,"page":{"size":7}})",
                       {{"accept", "x"},
                        {"MCP-PARAM-REGION", "us-west1"},
                        {"mcp-param-dry", "false"},
                        {"Mcp-Param-Size", "7"}}),
              "");
    EXPECT_EQ(region("=?base64?dXMtd2VzdDE=?="), "");
}

TEST_F(ParamMismatch, ExpectsNoFieldWithoutAnArgument) {
    EXPECT_EQ(find_param_mismatch(headers_, nullptr, {}), nullptr);
    for (const char* arguments : {"{}", R"({"region":null,"page":{}})", R"({"page":null})",
                                  R"({"page":1})", R"({"region":{},"dry":[]})"}) {
        EXPECT_EQ(mismatch(arguments, {}), "") << arguments;
        EXPECT_EQ(mismatch(arguments, {{"Mcp-Param-Region", "x"}}), "") << arguments;
    }
}

TEST_F(ParamMismatch, IsAnAbsentOrRepeatedField) {
    EXPECT_EQ(mismatch(R"({"region":"us-west1"})", {}), "mcp-param-region");
    EXPECT_EQ(mismatch(R"({"region":"us-west1"})", {{"Mcp-Param-Regio", "us-west1"}}),
              "mcp-param-region");
    EXPECT_EQ(mismatch(R"({"region":"a"})", {{"Mcp-Param-Region", "a"}, {"mcp-param-region", "a"}}),
              "mcp-param-region");
    EXPECT_EQ(mismatch(R"({"region":""})", {}), "mcp-param-region");
}

TEST_F(ParamMismatch, IsAnotherOrAnUndecodableValue) {
    for (const char* value : {"", "US-WEST1", "us-west", "us-west1x",
                              "=?base64?dXMtd2VzdDE?=", "=?base64?dXMtd2VzdDE!?=",
                              "=?base64?dXMtd2VzdDE=", "dXMtd2VzdDE=?=", "=?base64?/w==?="}) {
        EXPECT_EQ(region(value), "mcp-param-region") << value;
    }
    for (const char* value : {"True", "1", "false", "\"true\"", ""}) {
        EXPECT_EQ(mismatch(R"({"dry":true})", {{"Mcp-Param-Dry", value}}), "mcp-param-dry");
    }
}

TEST_F(ParamMismatch, ComparesIntegersByTokenOrValue) {
    for (const auto [number, value] : std::vector<std::pair<const char*, const char*>>{
             {"42", "42"},
             {"42.0", "42"},
             {"42", "42.0"},
             {"4.2e1", "42"},
             {"-7", "-7"},
             {"42", "=?base64?NDI=?="},
             {"18446744073709551616", "18446744073709551616"},
             {"1.5", "1.5"}}) {
        EXPECT_EQ(size(number, value), "") << number << " " << value;
    }
    for (const auto [number, value] : std::vector<std::pair<const char*, const char*>>{
             {"42", "43"},
             {"42", ""},
             {"42", "0x2a"},
             {"42", "4.2e1"},
             {"42", "+42"},
             {"42", "42."},
             {"42", ".42"},
             {"42", "-"},
             {"42", "42 "},
             {"42", "-42"},
             {"9007199254740993", "9007199254740992"},
             {"1.5", "1"},
             {"18446744073709551616", "18446744073709551617"}}) {
        EXPECT_EQ(size(number, value), "mcp-param-size") << number << " " << value;
    }
}

}  // namespace
}  // namespace fluxgate::rpc
