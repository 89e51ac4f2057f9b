#include "rpc/json.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace fluxgate::rpc {
namespace {

Json number(std::string_view token) {
    Json json;
    json.kind = Json::Kind::number;
    json.text = token;
    return json;
}

TEST(Json, ReadsIntegersThatAreWrittenWithAFractionOrAnExponent) {
    EXPECT_EQ(number("10.0").integer(), 10);
    EXPECT_EQ(number("1e1").integer(), 10);
    EXPECT_EQ(number("1E+2").integer(), 100);
    EXPECT_EQ(number("1200e-2").integer(), 12);
    EXPECT_EQ(number("1.25e2").integer(), 125);
    EXPECT_EQ(number("-0").integer(), 0);
    EXPECT_EQ(number("-0.0e5").integer(), 0);
    EXPECT_EQ(number("0e999999999999").integer(), 0);
    EXPECT_EQ(number("0.1e1").integer(), 1);
    EXPECT_EQ(number("100e-2").integer(), 1);
}

TEST(Json, KeepsEveryDigitOfALargeInteger) {
    EXPECT_EQ(number("9007199254740993.0").integer(), 9007199254740993);
    EXPECT_EQ(number("9223372036854775807").integer(), std::numeric_limits<int64_t>::max());
    EXPECT_EQ(number("-9223372036854775808").integer(), std::numeric_limits<int64_t>::min());
    EXPECT_EQ(number("18446744073709551615").unsigned_integer(),
              std::numeric_limits<uint64_t>::max());
}

TEST(Json, RefusesIntegersThatDoNotFit) {
    EXPECT_FALSE(number("9223372036854775808").integer());
    EXPECT_FALSE(number("-9223372036854775809").integer());
    EXPECT_FALSE(number("18446744073709551616").unsigned_integer());
    EXPECT_FALSE(number("1e400").integer());
    EXPECT_FALSE(number("1e99999999999999999999").integer());
    EXPECT_FALSE(number("100000000000000000000").integer());
    EXPECT_FALSE(number("-1").unsigned_integer());
}

TEST(Json, RefusesFractionsAsIntegers) {
    EXPECT_FALSE(number("1.5").integer());
    EXPECT_FALSE(number("15e-1").integer());
    EXPECT_FALSE(number("1e-99999999999999999999").integer());
    EXPECT_FALSE(number("0.0001").integer());
}

TEST(Json, RefusesOtherKindsAsNumbers) {
    Json text;
    text.kind = Json::Kind::string;
    text.text = "1";
    EXPECT_FALSE(text.integer());
    EXPECT_FALSE(text.unsigned_integer());
    EXPECT_FALSE(text.real());
    EXPECT_FALSE(Json{}.integer());
    EXPECT_EQ(text.find("x"), nullptr);
}

TEST(Json, RefusesARealBeyondADouble) {
    EXPECT_FALSE(number("1e400").real());
    EXPECT_EQ(number("-1.5e3").real(), -1500.0);
}

TEST(Json, NamesItsKinds) {
    EXPECT_EQ(to_string(Json::Kind::null), "null");
    EXPECT_EQ(to_string(Json::Kind::boolean), "boolean");
    EXPECT_EQ(to_string(Json::Kind::number), "number");
    EXPECT_EQ(to_string(Json::Kind::string), "string");
    EXPECT_EQ(to_string(Json::Kind::array), "array");
    EXPECT_EQ(to_string(Json::Kind::object), "object");
}

}  // namespace
}  // namespace fluxgate::rpc
