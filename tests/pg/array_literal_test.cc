#include "pg/array_literal.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fluxgate::pg {
namespace {

TEST(ArrayLiteral, QuotesWhatHasAMeaningInIt) {
    const std::vector<std::string> items{"a:b", "x\"y\\z", "{,}", "NULL", ""};
    EXPECT_EQ(array_literal(items), R"({"a:b","x\"y\\z","{,}","NULL",""})");
    EXPECT_EQ(array_literal(std::vector<std::string>()), "{}");
}

}  // namespace
}  // namespace fluxgate::pg
