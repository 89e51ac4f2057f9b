#include "rpc/nearest.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace fluxgate::rpc {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsSubstitutionsAndSwaps) {
    EXPECT_EQ(edit_distance("email", "email", 3), 0u);
    EXPECT_EQ(edit_distance("emial", "email", 3), 1u);
    EXPECT_EQ(edit_distance("emai", "email", 3), 1u);
    EXPECT_EQ(edit_distance("emaill", "email", 3), 1u);
    EXPECT_EQ(edit_distance("amail", "email", 3), 1u);
    EXPECT_EQ(edit_distance("kitten", "sitting", 3), 3u);
    EXPECT_EQ(edit_distance("", "abc", 3), 3u);
    EXPECT_EQ(edit_distance("abc", "", 3), 3u);
}

TEST(EditDistance, IgnoresTheCaseOfAsciiLetters) {
    EXPECT_EQ(edit_distance("EMAIL", "email", 3), 0u);
}

TEST(EditDistance, StopsAtItsBound) {
    EXPECT_EQ(edit_distance("abcdefgh", "zyxwvuts", 3), 4u);
    EXPECT_EQ(edit_distance("a", std::string(1000, 'a'), 3), 4u);
    EXPECT_EQ(edit_distance(std::string(1000, 'a'), std::string(1000, 'a'), 3), 4u);
}

TEST(EditDistance, AgreesWithTheWholeMatrixOnAllShortWords) {
    // Every pair of words of up to four letters of {a, b}; the reference fills the whole matrix.
    std::vector<std::string> words = {""};
    for (size_t i = 0; words[i].size() < 4; ++i) {
        words.push_back(words[i] + "a");
        words.push_back(words[i] + "b");
    }
    for (const std::string& left : words) {
        for (const std::string& right : words) {
            size_t d[6][6] = {};
            for (size_t i = 0; i <= left.size(); ++i) {
                for (size_t j = 0; j <= right.size(); ++j) {
                    if (i == 0 || j == 0) {
                        d[i][j] = i + j;
                        continue;
                    }
                    const size_t cost = left[i - 1] == right[j - 1] ? 0 : 1;
                    d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost});
                    if (i > 1 && j > 1 && left[i - 1] == right[j - 2] &&
                        left[i - 2] == right[j - 1]) {
                        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
                    }
                }
            }
            for (size_t bound = 1; bound <= 4; ++bound) {
                EXPECT_EQ(edit_distance(left, right, bound),
                          std::min(d[left.size()][right.size()], bound + 1))
                    << left << " " << right << " " << bound;
            }
        }
    }
}

TEST(Nearest, PutsTheBestFirst) {
    constexpr std::array<std::string_view, 4> names = {"id", "mail", "email", "name"};
    const auto found = nearest("emial", names);
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found[0], "email");
}

TEST(Nearest, FindsANameThatBeginsWithWhatWasWanted) {
    constexpr std::array<std::string_view, 2> names = {"user_id", "created_at"};
    EXPECT_EQ(nearest("user", names).at(0), "user_id");
    EXPECT_EQ(nearest("created_at_time", names).at(0), "created_at");
}

TEST(Nearest, ProposesNothingWhereNothingIsNear) {
    constexpr std::array<std::string_view, 2> names = {"user_id", "created_at"};
    EXPECT_TRUE(nearest("zzz", names).empty());
    EXPECT_TRUE(nearest("", names).empty());
    EXPECT_EQ(did_you_mean("zzz", names), "");
}

TEST(DidYouMean, QuotesNamesWhole) {
    const std::string uri =
        "fluxbase://schema/tables/" + std::string(60, 's') + "/" + std::string(60, 't');
    const std::array<std::string_view, 1> names = {uri};
    EXPECT_EQ(did_you_mean(uri + "x", names), "; did you mean \"" + uri + "\"?");
    // Characters of two bytes, of which none is halved.
    std::string odd = "x\"";
    for (int i = 0; i < 100; ++i)
        odd += "é";
    const std::array<std::string_view, 1> odd_names = {odd};
    EXPECT_EQ(did_you_mean(odd + "x", odd_names), "; did you mean \"x\\\"" + odd.substr(2) + "\"?");
}

TEST(DidYouMean, CutsWhatIsLongerThanAnyNameOfOurs) {
    std::string endless = "x";
    for (int i = 0; i < 200; ++i)
        endless += "é";
    const std::array<std::string_view, 1> names = {endless};
    EXPECT_EQ(did_you_mean("xéé", names),
              "; did you mean \"" + endless.substr(0, name_proposed_bytes_max - 1) + "…\"?");
    const std::string broken(300, '\x80');
    EXPECT_TRUE(proposal_of(std::array<std::string_view, 1>{broken}).ends_with("\uFFFD…\"?"));
    EXPECT_EQ(proposal_of({}), "");
}

TEST(ListNames, EndsLongListsWithACount) {
    std::vector<std::string_view> names(33, "x");
    EXPECT_TRUE(list_names(names).ends_with(", … (3 more)"));
}

}  // namespace
}  // namespace fluxgate::rpc
