#include "rpc/envelope.h"

#include <gtest/gtest.h>

#include <string>

#include "rpc/json_reader.h"
#include "tests/rpc/padded.h"

namespace fluxgate::rpc {
namespace {

class EnvelopeTest : public testing::Test {
protected:
    // The value as the message's params, which is where the reader keeps tokens.
    const Json* params(std::string_view text) {
        const test::Padded padded(R"({"params":)" + std::string(text) + "}");
        const auto document = reader_.read(padded.view(), arena_);
        EXPECT_TRUE(document.has_value()) << text;
        return document ? (*document)->find("params") : nullptr;
    }
    std::string_view token(std::string_view value) {
        return read_progress_token(
            find_meta(params(R"({"_meta":{"progressToken":)" + std::string(value) + "}}")));
    }
    uint8_t capabilities(std::string_view value) { return read_capabilities(params(value)).bits(); }

    loop::Arena arena_;
    JsonReader reader_{1 << 20};
};

TEST_F(EnvelopeTest, LooksForMembersInMetaOnly) {
    for (const char* text : {"{}", "[]", "1", R"({"_meta":[]})", R"({"_meta":null})",
                             R"({"io.modelcontextprotocol/protocolVersion":"2026-07-28"})",
                             R"({"_meta":{"a":{"progressToken":1}}})",
                             R"({"_meta":{"IO.modelcontextprotocol/protocolVersion":"x"}})"}) {
        const RequestMeta meta = find_meta(params(text));
        EXPECT_EQ(meta.protocol_version, nullptr) << text;
        EXPECT_EQ(meta.progress_token, nullptr) << text;
    }
    EXPECT_EQ(find_meta(nullptr).protocol_version, nullptr);
}

TEST_F(EnvelopeTest, KeepsAProgressTokenByteForByte) {
    for (const char* value : {"1", "-0", "1e2", "7.0", "18446744073709551615", "\"\"", "\"abc\"",
                              R"("a\u0041\"")", R"("\/")"}) {
        EXPECT_EQ(token(value), value);
    }
}

TEST_F(EnvelopeTest, IgnoresWhatIsNoProgressToken) {
    for (const char* value :
         {"null", "true", "1.5", "18446744073709551616", "1e400", "{}", "[1]"}) {
        EXPECT_EQ(token(value), "") << value;
    }
    EXPECT_NE(token('"' + std::string(progress_token_bytes_max, 'x') + '"'), "");
    EXPECT_EQ(token('"' + std::string(progress_token_bytes_max + 1, 'x') + '"'), "");
    EXPECT_EQ(token("1." + std::string(progress_token_bytes_max, '0')), "");
}

TEST_F(EnvelopeTest, ReadsTheCapabilitiesThatAreObjects) {
    EXPECT_EQ(capabilities("{}"), 0);
    EXPECT_EQ(capabilities(R"({"roots":{"listChanged":true}})"), 1);
    EXPECT_EQ(capabilities(R"({"sampling":{}})"), 2);
    EXPECT_EQ(capabilities(R"({"roots":{},"sampling":{},"elicitation":{"form":{},"url":{}}})"), 15);
    for (const char* text : {R"({"roots":true,"sampling":null,"elicitation":[]})", "[]", "1",
                             R"({"Roots":{},"experimental":{"sampling":{}}})"}) {
        EXPECT_EQ(capabilities(text), 0) << text;
    }
    EXPECT_EQ(read_capabilities(nullptr).bits(), 0);
}

TEST_F(EnvelopeTest, TakesElicitationWithoutModesForForms) {
    EXPECT_EQ(capabilities(R"({"elicitation":{}})"), 4);
    EXPECT_EQ(capabilities(R"({"elicitation":{"other":{}}})"), 4);
    EXPECT_EQ(capabilities(R"({"elicitation":{"form":{}}})"), 4);
    EXPECT_EQ(capabilities(R"({"elicitation":{"url":{}}})"), 8);
    EXPECT_EQ(capabilities(R"({"elicitation":{"url":true}})"), 4);
}

}  // namespace
}  // namespace fluxgate::rpc
