// The isolation test at the length that the README states.
#include "tests/pg/isolation_driver.h"

namespace fluxgate::pg::test {
namespace {

TEST_F(IsolationTest, NoTenantSeesAnothersRowsInAMillionCalls) {
    IsolationDriver::Plan plan;
    plan.calls = 1'000'000;
    plan.seed = 7;
    const IsolationReport report = drive(plan, SegmentPolicy());
    expect_clean(report);
    EXPECT_GE(report.calls, 1'000'000u);
    EXPECT_GE(report.kills, 199u);
}

}  // namespace
}  // namespace fluxgate::pg::test
