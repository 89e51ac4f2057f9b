#include "loop/failure_count.h"

#include <gtest/gtest.h>

#include <vector>

namespace fluxgate::test {
namespace {

TEST(FailureCount, SpeaksAtEachDoublingAndStartsOverAfterASuccess) {
    loop::FailureCount failures;
    std::vector<uint64_t> said;
    for (int i = 0; i < 20; ++i) {
        if (failures.add()) said.push_back(failures.in_a_row());
    }
    EXPECT_EQ(said, (std::vector<uint64_t>{1, 2, 4, 8, 16}));
    failures.reset();
    EXPECT_TRUE(failures.add());
    EXPECT_EQ(failures.in_a_row(), 1u);
}

}  // namespace
}  // namespace fluxgate::test
