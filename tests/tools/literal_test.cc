#include "tools/literal.h"

#include <gtest/gtest.h>

#include <string>

namespace fluxgate::tools {
namespace {

std::string array_tokens(std::string_view text, char delimiter = ',') {
    ArrayReader reader(text, delimiter);
    std::string out;
    for (int i = 0; i < 100; ++i) {
        switch (reader.next()) {
            case LiteralToken::open:
                out += "{ ";
                break;
            case LiteralToken::close:
                out += "} ";
                break;
            case LiteralToken::null:
                out += "null ";
                break;
            case LiteralToken::end:
                return out + "end";
            case LiteralToken::broken:
                return "broken";
            case LiteralToken::value: {
                std::string plain(reader.text());
                if (reader.is_escaped()) {
                    unescape_literal(reader.text(), plain);
                }
                out += "<" + plain + "> ";
            }
        }
    }
    return "endless";
}

std::string fields(std::string_view text) {
    CompositeReader reader(text);
    std::string out;
    for (int i = 0; i < 100; ++i) {
        const LiteralToken token = reader.next();
        if (token == LiteralToken::end) {
            return out + "end";
        }
        if (token == LiteralToken::broken) {
            return "broken";
        }
        std::string plain(reader.text());
        if (reader.is_escaped()) {
            unescape_literal(reader.text(), plain);
        }
        out += token == LiteralToken::null ? "null " : "<" + plain + "> ";
    }
    return "endless";
}

TEST(ArrayReader, ReadsWhatPostgresqlWrites) {
    EXPECT_EQ(array_tokens("{}"), "{ } end");
    EXPECT_EQ(array_tokens("{1,NULL,3}"), "{ <1> null <3> } end");
    EXPECT_EQ(array_tokens(R"({"a b","","NULL","say \"x\" \\"})"),
              R"({ <a b> <> <NULL> <say "x" \> } end)");
    EXPECT_EQ(array_tokens("{{1,2},{3,4}}"), "{ { <1> <2> } { <3> <4> } } end");
    EXPECT_EQ(array_tokens("[0:1]={1,2}"), "{ <1> <2> } end");
    EXPECT_EQ(array_tokens("[0:1][2:3]={{1,2},{3,4}}"), "{ { <1> <2> } { <3> <4> } } end");
    EXPECT_EQ(array_tokens("{(1,1),(0,0);(2,2),(1,1)}", ';'),
              "{ <(1,1),(0,0)> <(2,2),(1,1)> } end");
    EXPECT_EQ(array_tokens("{{{{{{1}}}}}}"), "{ { { { { { <1> } } } } } } end");
}

TEST(ArrayReader, StopsAtWhatItDoesNotWrite) {
    for (const char* bad : {"",         "1",
                            "{",        "}",
                            "{1",       "{1,",
                            "{1,}",     "{,1}",
                            "{1 {2}}",  "{\"a}",
                            "{\"a\"b}", "{a\"b\"}",
                            "{1}}",     "{1}{2}",
                            "{1}x",     "[0:1]",
                            "[0:1]=",   "{1,,2}",
                            "{{1}2}",   "{a\\,b}",
                            "{\"a\\",   "{{{{{{{1}}}}}}}",
                            "{}{",      "{},",
                            "{1},",     "={1}"}) {
        EXPECT_EQ(array_tokens(bad), "broken") << bad;
    }
}

TEST(CompositeReader, ReadsWhatPostgresqlWrites) {
    EXPECT_EQ(fields("(1,abc)"), "<1> <abc> end");
    EXPECT_EQ(fields("(1,)"), "<1> null end");
    EXPECT_EQ(fields("(,)"), "null null end");
    EXPECT_EQ(fields("()"), "null end");
    EXPECT_EQ(fields(R"((1,"a, ""b"" \\",""))"), R"(<1> <a, "b" \> <> end)");
    EXPECT_EQ(fields(R"~(("(1,""x"")",2))~"), R"(<(1,"x")> <2> end)");
}

TEST(CompositeReader, StopsAtWhatItDoesNotWrite) {
    for (const char* bad : {"", "(", ")", "1,2", "(1", "1)", "(\"a)", "(\"a\"b)", "(a\"b)",
                            "(a\\,b)", "((1)", "(1))", "(\"a\\)"}) {
        EXPECT_EQ(fields(bad), "broken") << bad;
    }
}

}  // namespace
}  // namespace fluxgate::tools
