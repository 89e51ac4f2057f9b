#include "rpc/arguments.h"

#include <gtest/gtest.h>

#include <string>

#include "rpc/json_reader.h"
#include "tests/rpc/padded.h"

namespace fluxgate::rpc {
namespace {

class ArgumentsTest : public testing::Test {
protected:
    Arguments of(std::string_view text) {
        const test::Padded padded(text);
        return Arguments(*reader_.read(padded.view(), arena_), &arena_);
    }
    std::string limit_error(std::string_view value) {
        Arguments arguments = of(R"({"limit":)" + std::string(value) + "}");
        (void)arguments.positive_integer("limit", 100, 1000);
        return std::string(arguments.error());
    }
    loop::Arena arena_;
    JsonReader reader_{1 << 20};
};

TEST_F(ArgumentsTest, ReadsWhatIsThere) {
    Arguments arguments = of(R"({"t":"x","n":5.0,"z":0,"d":0.5,"b":true,"o":{},"a":[1]})");
    EXPECT_EQ(arguments.required_string("t"), "x");
    EXPECT_EQ(arguments.positive_integer("n", 1, 10), 5);
    EXPECT_EQ(arguments.non_negative_integer("z", 7), 0);
    EXPECT_EQ(arguments.number("d", 0), 0.5);
    EXPECT_TRUE(arguments.boolean("b", false));
    EXPECT_NE(arguments.required_object("o"), nullptr);
    EXPECT_NE(arguments.optional_array("a"), nullptr);
    EXPECT_EQ(arguments.error(), "");
}

TEST_F(ArgumentsTest, FallsBackWhereAnArgumentIsAbsentOrNull) {
    for (Arguments arguments : {Arguments(nullptr, &arena_),
                                of(R"({"t":null,"n":null,"d":null,"b":null,"o":null,"a":null})")}) {
        EXPECT_FALSE(arguments.optional_string("t").has_value());
        EXPECT_EQ(arguments.positive_integer("n", 100, 1000), 100);
        EXPECT_EQ(arguments.non_negative_integer("n", 3), 3);
        EXPECT_EQ(arguments.number("d", 0.7), 0.7);
        EXPECT_TRUE(arguments.boolean("b", true));
        EXPECT_EQ(arguments.optional_object("o"), nullptr);
        EXPECT_EQ(arguments.optional_array("a"), nullptr);
        EXPECT_EQ(arguments.error(), "");
    }
}

TEST_F(ArgumentsTest, ClampsALimitThatIsTooLarge) {
    EXPECT_EQ(of(R"({"limit":100000})").positive_integer("limit", 100, 1000), 1000);
    EXPECT_EQ(limit_error("1e3"), "");
}

TEST_F(ArgumentsTest, SaysWhatALimitMustBe) {
    EXPECT_EQ(limit_error("\"10\""), "`limit` must be a positive integer; got string");
    EXPECT_EQ(limit_error("0"), "`limit` must be a positive integer; got 0");
    EXPECT_EQ(limit_error("-5"), "`limit` must be a positive integer; got -5");
    EXPECT_EQ(limit_error("1.5"), "`limit` must be a positive integer; got 1.5");
    EXPECT_EQ(limit_error("true"), "`limit` must be a positive integer; got boolean");
    EXPECT_EQ(limit_error("[1]"), "`limit` must be a positive integer; got array");
    EXPECT_EQ(limit_error("1e99"), "`limit` must be a positive integer; got 1e99");
    EXPECT_EQ(limit_error(std::string(100, '9')), "`limit` must be a positive integer; got number");
}

TEST_F(ArgumentsTest, KeepsTheFirstError) {
    Arguments arguments = of(R"({"b":1,"o":[],"n":-1,"d":"x"})");
    (void)arguments.boolean("b", false);
    (void)arguments.optional_object("o");
    (void)arguments.non_negative_integer("n", 0);
    (void)arguments.number("d", 0);
    EXPECT_EQ(arguments.error(), "`b` must be true or false; got 1");
}

TEST_F(ArgumentsTest, WantsRequiredOnes) {
    Arguments none(nullptr, &arena_);
    EXPECT_EQ(none.required_string("table"), "");
    EXPECT_EQ(none.error(), "`table` is required: a string that is not empty");
    Arguments empty = of(R"({"table":""})");
    EXPECT_EQ(empty.required_string("table"), "");
    EXPECT_EQ(empty.error(), "`table` is required: a string that is not empty");
    Arguments object(nullptr, &arena_);
    EXPECT_EQ(object.required_object("data"), nullptr);
    EXPECT_EQ(object.error(), "`data` is required: an object");
}

TEST_F(ArgumentsTest, RefusesNulInStrings) {
    Arguments arguments = of(R"({"t":"a\u0000b"})");
    EXPECT_FALSE(arguments.optional_string("t").has_value());
    EXPECT_EQ(arguments.error(), "NUL character is not allowed in `t`");
}

TEST_F(ArgumentsTest, RefusesTheOtherKinds) {
    EXPECT_EQ(
        [this] {
            Arguments arguments = of(R"({"t":{}})");
            (void)arguments.optional_string("t");
            return std::string(arguments.error());
        }(),
        "`t` must be a string; got object");
    EXPECT_EQ(
        [this] {
            Arguments arguments = of(R"({"a":"x"})");
            (void)arguments.optional_array("a");
            return std::string(arguments.error());
        }(),
        "`a` must be an array; got string");
}

}  // namespace
}  // namespace fluxgate::rpc
