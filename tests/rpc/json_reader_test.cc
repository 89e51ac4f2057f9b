#include "rpc/json_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/rpc/padded.h"
#include "tests/support/alloc_counter.h"

namespace fluxgate::rpc {
namespace {

class JsonReaderTest : public testing::Test {
protected:
    // The tree stays until the next read.
    std::expected<const Json*, ReadError> read(std::string_view text, char fill = '\0') {
        arena_.reset();
        const test::Padded padded(text, fill);
        return reader_.read(padded.view(), arena_);
    }
    // For documents that are JSON.
    const Json* tree(std::string_view text) {
        const auto result = read(text);
        EXPECT_TRUE(result.has_value()) << text.substr(0, 100);
        static const Json nothing;
        return result ? *result : &nothing;
    }
    void expect_error(std::string_view text, ReadError error) {
        const auto result = read(text);
        ASSERT_FALSE(result.has_value()) << text.substr(0, 100);
        EXPECT_EQ(result.error(), error) << text.substr(0, 100);
    }

    loop::Arena arena_;
    JsonReader reader_{10'485'760};
};

std::string nested(std::string_view open, size_t depth, std::string_view close) {
    std::string text;
    for (size_t i = 0; i < depth; ++i) {
        text += open;
    }
    text += "1";
    for (size_t i = 0; i < depth; ++i) {
        text += close;
    }
    return text;
}

std::string members(size_t count) {
    std::string text = "{";
    for (size_t i = 0; i < count; ++i) {
        text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":0";
    }
    return text + "}";
}

TEST_F(JsonReaderTest, KeepsKindsOrderAndCounts) {
    const Json* root = tree(R"( {"a":[1,"x",null,true,false,{}],"b":{"c":-2.50}} )");
    ASSERT_TRUE(root->is_object());
    EXPECT_EQ(root->count, 2U);
    const Json* array = root->find("a");
    ASSERT_NE(array, nullptr);
    EXPECT_EQ(array->count, 6U);
    const Json* item = array->first;
    EXPECT_EQ(item->text, "1");
    item = item->next;
    EXPECT_EQ(item->text, "x");
    item = item->next;
    EXPECT_TRUE(item->is_null());
    item = item->next;
    EXPECT_TRUE(item->boolean);
    item = item->next;
    EXPECT_FALSE(item->boolean);
    EXPECT_EQ(item->kind, Json::Kind::boolean);
    item = item->next;
    EXPECT_TRUE(item->is_object());
    EXPECT_EQ(item->next, nullptr);
    EXPECT_EQ(root->find("b")->find("c")->text, "-2.50");
    EXPECT_EQ(root->find("c"), nullptr);
}

TEST_F(JsonReaderTest, KeepsNumbersAsTheyCame) {
    const Json* root = tree("[123456789012345678901234567890, 1E400 ,-0,1.0\n]");
    EXPECT_EQ(root->first->text, "123456789012345678901234567890");
    EXPECT_EQ(root->first->next->text, "1E400");
    EXPECT_EQ(root->first->next->next->text, "-0");
    EXPECT_EQ(root->first->next->next->next->text, "1.0");
}

TEST_F(JsonReaderTest, UnescapesStringsAndNamesAndEndsThemWithNul) {
    const Json* root = tree(R"({"k\u0065y":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z","":""})");
    const Json* value = root->find("key");
    ASSERT_NE(value, nullptr);
    EXPECT_EQ(value->text, "a\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80z");
    EXPECT_EQ(value->text.data()[value->text.size()], '\0');
    EXPECT_EQ(value->key.data()[value->key.size()], '\0');
    EXPECT_EQ(root->find("")->text, "");
}

TEST_F(JsonReaderTest, KeepsAnEscapedNulInsideAString) {
    EXPECT_EQ(tree(R"(["a\u0000b"])")->first->text, std::string_view("a\0b", 3));
}

TEST_F(JsonReaderTest, CopiesStringsOfAllLengths) {
    for (size_t length = 0; length < 200; ++length) {
        const std::string text(length, 'x');
        EXPECT_EQ(tree("[\"" + text + "\",\"" + text + "\\n\"]")->first->text, text);
        EXPECT_EQ(tree("[\"" + text + "\",\"" + text + "\\n\"]")->first->next->text, text + "\n");
    }
}

TEST_F(JsonReaderTest, ReadsScalarsAtTheTop) {
    EXPECT_EQ(tree(" 12 ")->text, "12");
    EXPECT_EQ(tree("\"x\\n\"")->text, "x\n");
    EXPECT_TRUE(tree("\tnull\r\n")->is_null());
    EXPECT_TRUE(tree("true")->boolean);
}

TEST_F(JsonReaderTest, KeepsTheTokenOfAnId) {
    EXPECT_EQ(tree(R"({"id": "a\u0041\"" })")->find("id")->token, R"("a\u0041\"")");
    EXPECT_EQ(tree(R"({"id":"x\\"})")->find("id")->token, R"("x\\")");
    EXPECT_EQ(tree(R"({"id":1e2 })")->find("id")->token, "1e2");
    EXPECT_EQ(tree(R"([{"id":"\/"}])")->first->find("id")->token, R"("\/")");
    EXPECT_EQ(tree(R"({"params":{"id":"x"}})")->find("params")->find("id")->token, "");
}

TEST_F(JsonReaderTest, KeepsTheTokenOfAProgressToken) {
    const auto token = [this](std::string_view text) {
        const Json* value = tree(text)->find("params")->find("_meta")->find("progressToken");
        return value->token;
    };
    EXPECT_EQ(token(R"({"params":{"_meta":{"progressToken": "a\u0041\"" }}})"), R"("a\u0041\"")");
    EXPECT_EQ(token(R"({"params":{"_meta":{"id":"x","progressToken":1e2}}})"), "1e2");
    EXPECT_EQ(token(R"({"params":{"_meta":{"progressToken":{}}}})"), "");
    const Json* deeper =
        tree(R"({"params":{"a":{"_meta":{"progressToken":"x"}},"_meta":{"id":"y"}}})");
    const Json* params = deeper->find("params");
    EXPECT_EQ(params->find("a")->find("_meta")->find("progressToken")->token, "");
    EXPECT_EQ(params->find("_meta")->find("id")->token, "");
}

TEST_F(JsonReaderTest, DoesNotDependOnTheInputAfterwards) {
    std::string text = R"({"id":"abc","n":12})";
    text.resize(text.size() + 64);
    const auto root = reader_.read(std::string_view(text).substr(0, text.size() - 64), arena_);
    ASSERT_TRUE(root.has_value());
    std::ranges::fill(text, '#');
    EXPECT_EQ((*root)->find("id")->text, "abc");
    EXPECT_EQ((*root)->find("id")->token, "\"abc\"");
    EXPECT_EQ((*root)->find("n")->text, "12");
}

TEST_F(JsonReaderTest, RefusesWhatIsNotOneDocument) {
    for (const char* text : {"",
                             " ",
                             "{}x",
                             "{}{}",
                             "[1]2",
                             "[1] 2",
                             "{",
                             "[",
                             "]",
                             "\"",
                             "\"a",
                             "1 2",
                             "nul",
                             "nulll",
                             "truefalse",
                             "01",
                             "+1",
                             "1.",
                             ".5",
                             "1e",
                             "-",
                             "--1",
                             "0x1",
                             "NaN",
                             "Infinity",
                             "'a'",
                             "[1,]",
                             "[,1]",
                             "[1,,2]",
                             "[1 2]",
                             "{\"a\":1,}",
                             "{,}",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{a:1}",
                             "{1:1}",
                             "{\"a\":1 \"b\":2}",
                             "{\"a\" 1}",
                             "[\"a\":1]",
                             "{\"a\",1}",
                             "[1}",
                             "{\"a\":1]",
                             "[1/*x*/]",
                             "[1]//",
                             "\"\\x\"",
                             "\"\\u12\"",
                             "\"\\\"",
                             "[1a]",
                             "[tru]",
                             "[\"a\"b]",
                             "{}\x01",
                             "[\f1]",
                             "[-]",
                             "[1.e1]",
                             "[1e+]"}) {
        expect_error(text, ReadError::syntax);
    }
}

TEST_F(JsonReaderTest, RefusesNulBytesAroundTheDocument) {
    expect_error(std::string_view("{}\0", 3), ReadError::syntax);
    expect_error(std::string_view("\0{}", 3), ReadError::syntax);
    expect_error(std::string_view("1\0", 2), ReadError::syntax);
    expect_error(std::string_view("[1\0]", 4), ReadError::syntax);
}

TEST_F(JsonReaderTest, RefusesAByteOrderMark) {
    expect_error("\xEF\xBB\xBF{}", ReadError::syntax);
    expect_error("\xEF\xBB\xBF", ReadError::syntax);
}

TEST_F(JsonReaderTest, RefusesRawControlCharactersInStrings) {
    for (char byte = 0; byte < 0x20; ++byte) {
        expect_error(std::string("[\"a") + byte + "b\"]", ReadError::syntax);
        expect_error(std::string("{\"a") + byte + "b\":1}", ReadError::syntax);
    }
    EXPECT_EQ(tree("[\"\x7F\"]")->first->text, "\x7F");
}

TEST_F(JsonReaderTest, RefusesLoneSurrogates) {
    for (const char* text :
         {R"("\ud800")", R"("\udc00")", R"("\ud800\ud800")", R"("\ud800x")", R"("\ud800\n")",
          R"("\udc00\ud800")", R"(["\ud83d\u0041"])", R"({"\ud800":1})"}) {
        expect_error(text, ReadError::syntax);
    }
}

TEST_F(JsonReaderTest, RefusesBadUtf8AnywhereInTheText) {
    for (const char* bytes : {"\xFF", "\xC0\x80", "\xC3", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                              "\x80", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF"}) {
        expect_error(std::string("[\"") + bytes + "\"]", ReadError::syntax);
        expect_error(std::string("{\"") + bytes + "\":1}", ReadError::syntax);
        expect_error(std::string("[1") + bytes + "]", ReadError::syntax);
        expect_error(std::string("[]") + bytes, ReadError::syntax);
    }
}

TEST_F(JsonReaderTest, IsNotFooledByWhatStandsBehindTheText) {
    for (const char fill : {'"', ']', '}', '1', 'x', ' ', '\xFF', '\\'}) {
        EXPECT_TRUE(read("[1]", fill).has_value());
        EXPECT_TRUE(read("12", fill).has_value());
        EXPECT_TRUE(read("\"ab\"", fill).has_value());
        EXPECT_FALSE(read("[1", fill).has_value());
        EXPECT_FALSE(read("{\"a\":1", fill).has_value());
        EXPECT_FALSE(read("\"ab", fill).has_value());
        EXPECT_FALSE(read("tru", fill).has_value());
        EXPECT_FALSE(read("-", fill).has_value());
        EXPECT_FALSE(read("[\"a\\", fill).has_value());
    }
}

TEST_F(JsonReaderTest, AllowsADepthOf64AndRefuses65) {
    EXPECT_TRUE(read(nested("[", json_depth_max, "]")).has_value());
    EXPECT_TRUE(read(nested("{\"a\":", json_depth_max, "}")).has_value());
    expect_error(nested("[", json_depth_max + 1, "]"), ReadError::too_deep);
    expect_error(nested("{\"a\":", json_depth_max + 1, "}"), ReadError::too_deep);
    expect_error(nested("[", 100'000, "]"), ReadError::too_deep);
    expect_error(nested("{\"a\":", 50'000, "}"), ReadError::too_deep);
    expect_error(std::string(100'000, '['), ReadError::syntax);
}

TEST_F(JsonReaderTest, CountsMembersOfEachObject) {
    EXPECT_TRUE(read(members(json_members_max)).has_value());
    expect_error(members(json_members_max + 1), ReadError::too_many_members);
    EXPECT_TRUE(
        read("[" + members(json_members_max) + "," + members(json_members_max) + "]").has_value());
}

TEST_F(JsonReaderTest, CountsTheValuesOfADocument) {
    std::string text = "[";
    for (size_t i = 0; i < json_values_max; ++i) {
        text += "0,";
    }
    text.back() = ']';
    EXPECT_TRUE(read(text).has_value());
    text.back() = ',';
    text += "0]";
    expect_error(text, ReadError::too_many_values);
}

TEST_F(JsonReaderTest, RefusesMoreBytesThanItWasMadeFor) {
    JsonReader small(10);
    const test::Padded fits("[12345678]");
    const test::Padded longer("[123456789]");
    EXPECT_TRUE(small.read(fits.view(), arena_).has_value());
    EXPECT_EQ(small.read(longer.view(), arena_).error(), ReadError::too_large);
}

TEST_F(JsonReaderTest, RefusesDuplicatesWhereTheyCouldBeReadTwoWays) {
    expect_error(R"({"id":1,"id":2})", ReadError::duplicate_top);
    expect_error(R"({"method":"a","m\u0065thod":"b"})", ReadError::duplicate_top);
    expect_error(R"({"params":{"name":1,"name":2}})", ReadError::duplicate_params);
    expect_error(R"({"params":{"n\u0061me":1,"name":2}})", ReadError::duplicate_params);
    expect_error(R"({"params":{"arguments":{"a":1,"b":2,"a":3}}})", ReadError::duplicate_params);
    expect_error(R"({"p\u0061rams":{"a":1,"a":2}})", ReadError::duplicate_params);
    expect_error(R"({"params":{"_meta":{"a":1,"\u0061":2}}})", ReadError::duplicate_params);
    expect_error(R"([{"id":1},{"id":1,"id":1}])", ReadError::duplicate_top);
    expect_error(R"({"params":{"a":1,"a":1},"params":{}})", ReadError::duplicate_top);
    expect_error(R"({"":1,"":2})", ReadError::duplicate_top);
}

TEST_F(JsonReaderTest, AllowsDuplicatesWhereNobodyLooks) {
    EXPECT_TRUE(read(R"({"params":{"arguments":{"data":{"a":1,"a":2}}}})").has_value());
    EXPECT_TRUE(read(R"({"other":{"a":1,"a":2},"arguments":{"a":1,"a":2}})").has_value());
    EXPECT_TRUE(read(R"({"id":1,"ID":2})").has_value());
    EXPECT_TRUE(read(R"({"params":[{"a":1,"a":2}]})").has_value());
}

TEST_F(JsonReaderTest, CallsABrokenDocumentBrokenThoughItHasDuplicates) {
    expect_error(R"({"id":1,"id":2}x)", ReadError::syntax);
    expect_error(R"({"id":1,"id":2)", ReadError::syntax);
}

TEST_F(JsonReaderTest, FindsOneDuplicateAmongThousandsOfMembers) {
    std::string text = members(json_members_max - 1);
    text.back() = ',';
    EXPECT_TRUE(read(text + "\"x\":0}").has_value());
    expect_error(text + "\"k5000\":0}", ReadError::duplicate_top);
    expect_error("{\"params\":{\"arguments\":" + text + "\"k\\u0030\":0}}}",
                 ReadError::duplicate_params);
    for (const size_t count : {16U, 17U, 18U}) {  // around the change of the method
        text = members(count);
        EXPECT_TRUE(read(text).has_value());
        text.back() = ',';
        expect_error(text + "\"k0\":0}", ReadError::duplicate_top);
    }
}

TEST_F(JsonReaderTest, ReadsManyDocumentsOfGrowingSize) {
    for (size_t size = 1; size < 2'000'000; size = size * 3 + 1) {
        const std::string text(size, 'a');
        EXPECT_EQ(tree("[\"" + text + "\"]")->first->text, text);
        EXPECT_EQ(tree("[1]")->first->text, "1");
    }
}

TEST_F(JsonReaderTest, AllocatesNothingWhenItIsWarm) {
    if (!test::alloc_counter_works()) GTEST_SKIP() << "the sanitizer has its own malloc";
    const test::Padded padded(
        R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"q","arguments":{"a":1}}})");
    EXPECT_TRUE(reader_.read(padded.view(), arena_).has_value());
    arena_.reset();
    const test::AllocationSpan span;
    const bool is_read = reader_.read(padded.view(), arena_).has_value();
    EXPECT_EQ(span.allocations(), 0U);
    EXPECT_TRUE(is_read);
}

TEST(IsUtf8, RefusesIllFormedText) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("z\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
    EXPECT_FALSE(is_utf8("\xED\xA0\x80"));
    EXPECT_FALSE(is_utf8("\xC3"));
}

}  // namespace
}  // namespace fluxgate::rpc
