#include "app/nearest.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace fluxgate::app {
namespace {

constexpr std::array<std::string_view, 3> words{"serve", "bootstrap", "version"};

TEST(Nearest, FindsAMisspelledWord) {
    EXPECT_EQ(nearest("sevre", words), "serve");
    EXPECT_EQ(nearest("bootsrap", words), "bootstrap");
    EXPECT_EQ(nearest("versoin", words), "version");
}

TEST(Nearest, FindsNothingThatIsFar) {
    EXPECT_EQ(nearest("frobnicate", words), "");
    EXPECT_EQ(nearest("x", words), "");
    EXPECT_EQ(nearest("", words), "");
    EXPECT_EQ(nearest(std::string(100'000, 'a'), words), "");
}

TEST(Nearest, DoesNotTakeASectionForAKeyInIt) {
    constexpr std::array<std::string_view, 1> sections{"gateway.server"};
    EXPECT_EQ(nearest("gateway.server.adress", sections), "");
}

TEST(Nearest, CountsASwapAsOneStepAndCaseAsNone) {
    EXPECT_EQ(edit_distance("ab", "ba"), 1u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("GATEWAY", "gateway"), 0u);
    EXPECT_EQ(edit_distance("abcdefgh", "zyxwvuts"), distance_max + 1);
}

}  // namespace
}  // namespace fluxgate::app
