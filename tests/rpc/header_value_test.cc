#include "rpc/header_value.h"

#include <gtest/gtest.h>

namespace fluxgate::rpc {
namespace {

TEST(HeaderValue, IsALiteralWithoutBothEndsOfTheSentinel) {
    for (const char* value :
         {"", "us-west1", "=?base64?SGVsbG8=", "SGVsbG8=?=", "=?base64?",
          "?=", "=?base64?=", "=?BASE64?SGVsbG8=?=", "=?utf-8?SGVsbG8=?=", " =?base64?SGVsbG8=?=",
          "=?base64?SGVsbG8=?= ", "=?base64SGVsbG8=?="}) {
        EXPECT_EQ(decode_header_value(value), value);
    }
}

TEST(HeaderValue, IsDecodedBetweenThem) {
    EXPECT_EQ(decode_header_value("=?base64?SGVsbG8=?="), "Hello");
    EXPECT_EQ(decode_header_value("=?base64?"
                                  "?="),
              "");
    EXPECT_EQ(decode_header_value("=?base64?Pz8/Pj4+?="),
              "??"
              "?>>>");
    EXPECT_EQ(decode_header_value("=?base64?w7zDnw==?="), "\xC3\xBC\xC3\x9F");
    EXPECT_EQ(decode_header_value("=?base64?PT9iYXNlNjQ/Pz0=?="),
              "=?base64?"
              "?=");
    EXPECT_EQ(decode_header_value("=?base64?AA==?="), std::string(1, '\0'));
}

TEST(HeaderValue, IsNothingWhereTheBase64IsNotStrict) {
    for (const char* value : {"=?base64?SGVsbG8?=", "=?base64?SGVsbG8==?=", "=?base64?SGVs!G8=?=",
                              "=?base64?SGVsbG9=?=",  // unused bits
                              "=?base64?Pz8_Pj4-?=",  // the other alphabet
                              "=?base64? SGVsbG8=?=", "=?base64?SGVs bG8=?=", "=?base64?S?=",
                              "=?base64?=?=", "=?base64?====?=", "=?base64?SGVs=G8=?="}) {
        EXPECT_EQ(decode_header_value(value), std::nullopt) << value;
    }
}

TEST(HeaderValue, IsNothingWhereTheBytesAreNoUtf8) {
    for (const char* value : {"=?base64?/w==?=", "=?base64?7aCA?=", "=?base64?wIA=?="}) {
        EXPECT_EQ(decode_header_value(value), std::nullopt) << value;
    }
}

TEST(HeaderValue, IsComparedByteForByte) {
    EXPECT_TRUE(header_value_is("abc", "abc"));
    EXPECT_TRUE(header_value_is("=?base64?YWJj?=", "abc"));
    EXPECT_FALSE(header_value_is("ABC", "abc"));
    EXPECT_FALSE(header_value_is("=?base64?YWJj?=", "=?base64?YWJj?="));
    EXPECT_FALSE(header_value_is("=?base64?YWJ?=", "=?base64?YWJ?="));
    EXPECT_FALSE(header_value_is("", "abc"));
}

}  // namespace
}  // namespace fluxgate::rpc
