#include "rpc/excerpt.h"

#include <gtest/gtest.h>

#include <string>

namespace fluxgate::rpc {
namespace {

TEST(Excerpt, CutsAt64Characters) {
    EXPECT_EQ(excerpt(std::string(64, 'a')), std::string(64, 'a'));
    EXPECT_EQ(excerpt(std::string(65, 'a')), std::string(64, 'a') + "…");
}

TEST(Excerpt, EscapesWhatAReaderCouldNotSee) {
    EXPECT_EQ(excerpt("a\nb\x7f\u202e"), "a\\u000ab\\u007f\\u202e");
    EXPECT_EQ(excerpt(std::string_view("a\0b", 3)), "a\\u0000b");
    EXPECT_EQ(quoted_excerpt("say \"hi\" \\"), "\"say \\\"hi\\\" \\\\\"");
}

TEST(Excerpt, NeverCutsACharacterAndReplacesBytesThatAreNotUtf8) {
    EXPECT_EQ(excerpt("äöü😀"), "äöü😀");
    EXPECT_EQ(excerpt("a\xffz"), "a\uFFFDz");
    EXPECT_EQ(excerpt("a\xe2\x82"), "a\uFFFD\uFFFD");
}

}  // namespace
}  // namespace fluxgate::rpc
