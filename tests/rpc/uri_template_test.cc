#include "rpc/uri_template.h"

#include <gtest/gtest.h>

#include <random>

#include "rpc/json_reader.h"

namespace fluxgate::rpc {
namespace {

const UriTemplate& tables() {
    static const UriTemplate made("fluxbase://schema/tables/{schema}/{table}");
    return made;
}

// "schema|table", or "-" if it does not match.
std::string match(std::string_view uri) {
    loop::Arena arena;
    const auto variables = tables().match(uri, &arena);
    if (!variables) return "-";
    EXPECT_EQ(variables->size(), 2U);
    EXPECT_EQ((*variables)[0].name, "schema");
    EXPECT_EQ((*variables)[1].name, "table");
    return std::string((*variables)[0].value) + "|" + std::string((*variables)[1].value);
}

std::string with_table(std::string_view table) {
    return "fluxbase://schema/tables/public/" + std::string(table);
}

TEST(UriTemplate, GivesItsVariablesDecoded) {
    EXPECT_EQ(match(with_table("users")), "public|users");
    EXPECT_EQ(match(with_table("%75sers")), "public|users");
    EXPECT_EQ(match(with_table("a%2Fb")), "public|a/b");
    EXPECT_EQ(match(with_table("a%2fb%20c")), "public|a/b c");
    EXPECT_EQ(match(with_table("Gr%C3%B6%C3%9Fe")), "public|Größe");
    EXPECT_EQ(match(with_table("Größe")), "public|Größe");
    EXPECT_EQ(match(with_table("%2525")), "public|%25");  // once, not twice
    EXPECT_EQ(match(with_table("..")), "public|..");
    EXPECT_EQ(match(with_table("{table}")), "public|{table}");
}

TEST(UriTemplate, NeedsEachSegmentAndNoMore) {
    for (const char* uri :
         {"", "/", "fluxbase:", "fluxbase://", "fluxbase://schema/tables",
          "fluxbase://schema/tables/", "fluxbase://schema/tables/public",
          "fluxbase://schema/tables/public/", "fluxbase://schema/tables//users",
          "fluxbase://schema/tables/public/users/", "fluxbase://schema/tables/public/users/x",
          "fluxbase:///schema/tables/public/users", "fluxbase://schema//tables/public/users",
          "fluxbase://schema/table/public/users", "fluxbase://schema/tables2/public/users",
          "FLUXBASE://schema/tables/public/users", "fluxbase://schema/%74ables/public/users",
          " fluxbase://schema/tables/public/users", "schema/tables/public/users"}) {
        EXPECT_EQ(match(uri), "-") << uri;
    }
}

TEST(UriTemplate, RefusesWhatIsNoText) {
    for (const char* table :
         {"%",    "u%",   "u%4",       "u%4g",   "u%g4", "%-1",  "% 1",
          "%%34", "%00",  "u%00",      "u?x",    "?",    "u#x",  "%FF",
          "%C3",  "%C3u", "%ED%A0%80", "%C0%AF", "\xFF", "\xC3", "%F4%90%80%80"}) {
        EXPECT_EQ(match(with_table(table)), "-") << table;
    }
    EXPECT_EQ(match(with_table(std::string_view("a\0b", 3))), "-");
}

TEST(UriTemplate, RefusesAUriThatIsTooLong) {
    const size_t room = uri_bytes_max - with_table("").size();
    EXPECT_NE(match(with_table(std::string(room, 'x'))), "-");
    EXPECT_EQ(match(with_table(std::string(room + 1, 'x'))), "-");
    EXPECT_EQ(match(std::string(1 << 20, '/')), "-");
}

TEST(UriTemplate, EncodingLeadsBack) {
    EXPECT_EQ(encode_segment("a-z_A.Z~09"), "a-z_A.Z~09");
    EXPECT_EQ(encode_segment("a/b c%?#{}\"ö"), "a%2Fb%20c%25%3F%23%7B%7D%22%C3%B6");
    for (const char* name : {"a/b", "100%", "Größe", "what?", "#1", "{table}", "a\nb", " "}) {
        EXPECT_EQ(match(with_table(encode_segment(name))), "public|" + std::string(name));
    }
}

TEST(UriTemplate, HostileUrisMatchWithGoodValuesOrNotAtAll) {
    constexpr std::string_view bytes = "/%aF0bcdefgh.:{}?#\xC3\xB6\xFF 1";
    std::mt19937 random(7);
    size_t matched = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string uri = round % 4 == 0 ? "" : "fluxbase://schema/tables/";
        const size_t size = random() % 24;
        for (size_t i = 0; i < size; ++i) {
            uri += random() % 32 == 0 ? '\0' : bytes[random() % bytes.size()];
        }
        loop::Arena arena;
        const auto variables = tables().match(uri, &arena);
        if (!variables) continue;
        ++matched;
        for (const TemplateVariable& variable : *variables) {
            ASSERT_TRUE(!variable.value.empty() && is_utf8(variable.value)) << uri;
            ASSERT_EQ(variable.value.find('\0'), std::string_view::npos) << uri;
        }
    }
    EXPECT_GT(matched, 40U);
}

TEST(UriTemplateDeathTest, StopsAtATemplateThatIsOurMistake) {
    for (const char* text : {"", "a://b", "a://{}", "a://{b", "a://x{b}", "a://{b}x", "a://{B}",
                             "a://b}", "a://{+b}", "a://{b,c}"}) {
        EXPECT_DEATH(UriTemplate made(text), "") << text;
    }
}

TEST(UriTemplate, HasTheVariablesThatItNames) {
    EXPECT_TRUE(tables().has_variable("schema"));
    EXPECT_TRUE(tables().has_variable("table"));
    for (const char* name : {"", "tables", "{table}", "Table", "tabl"})
        EXPECT_FALSE(tables().has_variable(name)) << name;
}

}  // namespace
}  // namespace fluxgate::rpc
