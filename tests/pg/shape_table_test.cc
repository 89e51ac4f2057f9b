// Which statements are slow: small rules with numbers.
#include "pg/shape_table.h"

#include <gtest/gtest.h>

namespace fluxgate::pg {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const loop::Instant start{seconds(1000)};

TEST(ShapeTable, QuickShapesLeaveNoTrace) {
    ShapeTable shapes;
    for (uint64_t shape = 0; shape < 100; ++shape)
        shapes.ran(shape, milliseconds(1), start);
    EXPECT_EQ(shapes.size(), 0u);
    EXPECT_FALSE(shapes.is_slow(1));
}

TEST(ShapeTable, ATimeoutMakesAShapeSlowAtOnce) {
    ShapeTable shapes;
    shapes.timed_out(1, start);
    EXPECT_TRUE(shapes.is_slow(1));
    EXPECT_FALSE(shapes.is_slow(2));
}

TEST(ShapeTable, OneLongRunDoesNotMakeAShapeSlow) {
    ShapeTable shapes;
    shapes.ran(1, milliseconds(100), start);
    EXPECT_FALSE(shapes.is_slow(1));
    for (int at = 0; at < 10; ++at)
        shapes.ran(1, milliseconds(1), start);
    EXPECT_EQ(shapes.size(), 0u);
}

TEST(ShapeTable, ALongAverageMakesAShapeSlow) {
    ShapeTable shapes;
    for (int at = 0; at < 20; ++at)
        shapes.ran(1, milliseconds(40), start);
    EXPECT_TRUE(shapes.is_slow(1));
}

TEST(ShapeTable, AShapeComesBackWhenItIsQuickAgainButNotAtOnce) {
    ShapeTable shapes;
    shapes.timed_out(1, start);
    for (int at = 0; at < 50; ++at)
        shapes.ran(1, milliseconds(2), start + seconds(10));
    EXPECT_TRUE(shapes.is_slow(1));
    shapes.ran(1, milliseconds(2), start + seconds(61));
    EXPECT_FALSE(shapes.is_slow(1));
    EXPECT_EQ(shapes.size(), 0u);
}

TEST(ShapeTable, AShapeThatStaysLongStaysSlow) {
    ShapeTable shapes;
    shapes.timed_out(1, start);
    for (int minute = 1; minute < 60; ++minute)
        shapes.ran(1, milliseconds(400), start + std::chrono::minutes(minute));
    EXPECT_TRUE(shapes.is_slow(1));
}

TEST(ShapeTable, IsBounded) {
    ShapeTable shapes;
    for (uint64_t shape = 0; shape < 3 * ShapeTable::shapes_max; ++shape)
        shapes.timed_out(shape, start);
    EXPECT_EQ(shapes.size(), ShapeTable::shapes_max);
    EXPECT_FALSE(shapes.is_slow(0));
    EXPECT_TRUE(shapes.is_slow(3 * ShapeTable::shapes_max - 1));
}

}  // namespace
}  // namespace fluxgate::pg
