#include "loop/sleep.h"

#include <gtest/gtest.h>

#include "tests/loop/loop_fixture.h"
#include "tests/support/manual_clock.h"

namespace fluxgate::test {
namespace {

using loop::ErrorCode;
using loop::Scope;
using loop::Task;

using Outcome = std::optional<loop::Result<void>>;

Task<void> sleep_once(Scope* scope, loop::Duration wait, Outcome* outcome) {
    const loop::Result<void> slept = co_await loop::sleep_for(*scope, wait);
    *outcome = slept;
}

class SleepTest : public testing::Test {
protected:
    SleepTest() : loop_(make_loop({.clock = &clock_})) {}
    ManualClock clock_;
    std::unique_ptr<loop::Loop> loop_;
};

TEST_F(SleepTest, LastsAtLeastAsLongAsAsked) {
    Scope scope(loop_.get());
    Outcome outcome;
    scope.spawn("sleeper", sleep_once(&scope, 50ms, &outcome));
    clock_.advance(49ms);
    loop_->run_until_idle();
    EXPECT_FALSE(outcome);
    clock_.advance(6ms);
    loop_->run_until_idle();
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(outcome->has_value());
    EXPECT_TRUE(scope.empty());
}

TEST_F(SleepTest, EndsWhenItsScopeIsCancelled) {
    Scope scope(loop_.get());
    Outcome outcome;
    scope.spawn("sleeper", sleep_once(&scope, 1h, &outcome));
    loop_->run_until_idle();
    EXPECT_FALSE(outcome);
    scope.cancel();
    loop_->run_until_idle();
    ASSERT_TRUE(outcome);
    ASSERT_FALSE(outcome->has_value());
    EXPECT_EQ(outcome->error().code, ErrorCode::cancelled);
}

TEST_F(SleepTest, DoesNotBeginInACancelledScope) {
    Scope scope(loop_.get());
    scope.cancel();
    Outcome outcome;
    scope.spawn("sleeper", sleep_once(&scope, 1h, &outcome));
    loop_->run_until_idle();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->error().code, ErrorCode::cancelled);
}

TEST_F(SleepTest, EndsAtTheScopesDeadline) {
    Scope scope(loop_.get());
    scope.set_deadline(loop::Deadline::after(loop_->now(), 20ms));
    Outcome outcome;
    scope.spawn("sleeper", sleep_once(&scope, 1h, &outcome));
    loop_->run_until_idle();
    EXPECT_FALSE(outcome);
    clock_.advance(25ms);
    loop_->run_until_idle();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->error().code, ErrorCode::timed_out);
}

TEST_F(SleepTest, ACancelThatComesWithTheTimerEndsItOnce) {
    Scope scope(loop_.get());
    std::vector<Outcome> outcomes(100);
    for (size_t i = 0; i < outcomes.size(); ++i)
        scope.spawn("sleeper", sleep_once(&scope, std::chrono::milliseconds(i), &outcomes[i]));
    clock_.advance(50ms);
    scope.cancel();  // half of them are due, none has been told
    loop_->run_until_idle();
    for (const Outcome& outcome : outcomes)
        EXPECT_TRUE(outcome);
    EXPECT_TRUE(scope.empty());
}

TEST_F(SleepTest, ASleeperMayCancelTheOthers) {
    Scope scope(loop_.get());
    std::vector<Outcome> outcomes(10);
    for (Outcome& outcome : outcomes)
        scope.spawn("sleeper", sleep_once(&scope, 1h, &outcome));
    Outcome first;
    auto killer = [](Scope* of, Outcome* outcome) -> Task<void> {
        const loop::Result<void> slept = co_await loop::sleep_for(*of, 10ms);
        *outcome = slept;
        of->cancel();
    };
    scope.spawn("killer", killer(&scope, &first));
    clock_.advance(20ms);
    loop_->run_until_idle();
    ASSERT_TRUE(first);
    EXPECT_TRUE(first->has_value());
    for (const Outcome& outcome : outcomes) {
        ASSERT_TRUE(outcome);
        EXPECT_EQ(outcome->error().code, ErrorCode::cancelled);
    }
}

}  // namespace
}  // namespace fluxgate::test
