#include "pg/backoff.h"

#include <gtest/gtest.h>

namespace fluxgate::pg {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class FixedEntropy final : public loop::Entropy {
public:
    explicit FixedEntropy(std::byte value) : value_(value) {}
    void fill(std::span<std::byte> out) override { std::ranges::fill(out, value_); }

private:
    std::byte value_;
};

TEST(Backoff, DoublesFromFirstToMaximum) {
    FixedEntropy middle(std::byte{0x80});
    Backoff backoff(50, 5'000);
    EXPECT_NEAR(std::chrono::duration<double>(backoff.next(middle)).count(), 0.050, 0.001);
    EXPECT_NEAR(std::chrono::duration<double>(backoff.next(middle)).count(), 0.100, 0.001);
    EXPECT_NEAR(std::chrono::duration<double>(backoff.next(middle)).count(), 0.200, 0.001);
    for (int at = 0; at < 100; ++at)
        EXPECT_LE(backoff.next(middle), seconds(5));
    backoff.reset();
    EXPECT_NEAR(std::chrono::duration<double>(backoff.next(middle)).count(), 0.050, 0.001);
}

TEST(Backoff, JitterIsAFifthEachWayAndNeverPassesTheMaximum) {
    FixedEntropy low(std::byte{0}), high(std::byte{0xFF});
    Backoff early(50, 5'000), late(50, 5'000);
    EXPECT_NEAR(std::chrono::duration<double>(early.next(low)).count(), 0.040, 0.001);
    EXPECT_NEAR(std::chrono::duration<double>(late.next(high)).count(), 0.060, 0.001);
    for (int at = 0; at < 40; ++at)
        EXPECT_LE(late.next(high), seconds(5));
}

}  // namespace
}  // namespace fluxgate::pg
