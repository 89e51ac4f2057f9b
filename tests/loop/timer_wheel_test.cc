#include "loop/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace fluxgate::loop {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr Instant begin{hours(7)};
constexpr milliseconds tick{TimerWheel::tick_ms};
constexpr milliseconds turn{TimerWheel::tick_ms * TimerWheel::slots};

struct Alarm : Timer {
    explicit Alarm(std::vector<Alarm*>* log) : Timer(&Alarm::fired), fired_log(log) {}
    static void fired(Timer& timer) {
        auto& self = static_cast<Alarm&>(timer);
        self.fired_log->push_back(&self);
    }
    std::vector<Alarm*>* fired_log;
    Instant at{};
};

class TimerWheelTest : public ::testing::Test {
protected:
    std::vector<Alarm*> log_;
    TimerWheel wheel_{begin};
};

TEST_F(TimerWheelTest, FiresWithinOneTickAndNeverEarly) {
    for (int us = 0; us < 20'000; us += 137) {
        TimerWheel wheel(begin);
        Alarm alarm(&log_);
        const Instant at = begin + tick * 3 + std::chrono::microseconds(us);
        wheel.start(alarm, at);
        EXPECT_EQ(wheel.advance(at - Duration(1)), 0U);
        EXPECT_EQ(wheel.advance(at + tick), 1U);
        EXPECT_FALSE(alarm.is_running());
    }
}

TEST_F(TimerWheelTest, FiresOnceAndThenHasNothingToDo) {
    Alarm alarm(&log_);
    wheel_.start(alarm, begin + tick);
    EXPECT_EQ(wheel_.advance(begin + turn), 1U);
    EXPECT_EQ(wheel_.advance(begin + turn * 2), 0U);
    EXPECT_EQ(wheel_.next_expiry(), std::nullopt);
}

TEST_F(TimerWheelTest, ATimeThatHasPassedFiresAtTheNextTick) {
    Alarm alarm(&log_);
    wheel_.advance(begin + hours(1));
    wheel_.start(alarm, begin);
    EXPECT_EQ(wheel_.advance(begin + hours(1) + tick), 1U);
}

TEST_F(TimerWheelTest, ATimerOfALaterTurnDoesNotFireInThisOne) {
    Alarm near(&log_);
    Alarm far(&log_);
    wheel_.start(far, begin + tick * 5 + turn * 3);
    wheel_.start(near, begin + tick * 5);
    EXPECT_EQ(wheel_.advance(begin + tick * 6), 1U);
    EXPECT_EQ(log_, std::vector{&near});
    EXPECT_EQ(wheel_.advance(begin + tick * 4 + turn * 3), 0U);
    EXPECT_EQ(wheel_.advance(begin + tick * 5 + turn * 3), 1U);
}

TEST_F(TimerWheelTest, AStoppedOrDeadTimerNeverFires) {
    Alarm stopped(&log_);
    auto dead = std::make_unique<Alarm>(&log_);
    wheel_.start(stopped, begin + tick);
    wheel_.start(*dead, begin + tick);
    stopped.stop();
    dead.reset();
    EXPECT_EQ(wheel_.running_for_test(), 0U);
    EXPECT_EQ(wheel_.advance(begin + turn), 0U);
    EXPECT_EQ(wheel_.next_expiry(), std::nullopt);
}

TEST_F(TimerWheelTest, RestartMovesATimerBothWays) {
    Alarm alarm(&log_);
    wheel_.start(alarm, begin + tick * 10);
    wheel_.start(alarm, begin + tick * 20);
    EXPECT_EQ(wheel_.advance(begin + tick * 19), 0U);
    wheel_.start(alarm, begin + tick * 400);
    wheel_.start(alarm, begin + tick * 21);
    EXPECT_EQ(wheel_.running_for_test(), 1U);
    EXPECT_EQ(wheel_.advance(begin + tick * 21), 1U);
}

TEST_F(TimerWheelTest, NeverMeansStopped) {
    Alarm alarm(&log_);
    wheel_.start(alarm, begin + tick);
    wheel_.start(alarm, Deadline::never().at());
    EXPECT_FALSE(alarm.is_running());
    wheel_.start(alarm, Instant::max() - Duration(1));  // and this does not overflow
    EXPECT_TRUE(alarm.is_running());
    EXPECT_EQ(wheel_.advance(begin + hours(24 * 365)), 0U);
    alarm.stop();
}

TEST_F(TimerWheelTest, FiresInOrderOfTicksEvenAfterALongJump) {
    std::deque<Alarm> alarms;
    std::mt19937_64 random(7);
    for (int i = 0; i < 500; ++i) {
        Alarm& alarm = alarms.emplace_back(&log_);
        alarm.at = begin + milliseconds(random() % (1000 * 3600 * 24));
        wheel_.start(alarm, alarm.at);
    }
    EXPECT_EQ(wheel_.advance(begin + hours(24 * 400)), 500U);
    EXPECT_TRUE(std::is_sorted(log_.begin(), log_.end(), [](const Alarm* left, const Alarm* right) {
        return left->at + tick < right->at;
    }));
}

TEST_F(TimerWheelTest, AHandlerMayStopStartAndFreeTimers) {
    struct Meddler : Timer {
        explicit Meddler(TimerWheel* target)
            : Timer([](Timer& timer) { static_cast<Meddler&>(timer).fired(); }), wheel(target) {}
        void fired() {
            ++count;
            if (victim != nullptr) victim->stop();
            freed.reset();
            if (count < 3) wheel->start(*this, begin);  // has passed: the next tick
        }
        TimerWheel* wheel;
        Alarm* victim = nullptr;
        std::unique_ptr<Alarm> freed;
        int count = 0;
    };
    Meddler meddler(&wheel_);
    Alarm victim(&log_);
    meddler.victim = &victim;
    meddler.freed = std::make_unique<Alarm>(&log_);
    wheel_.start(meddler, begin + tick * 2);
    wheel_.start(victim, begin + tick * 2);  // behind it in the same slot
    wheel_.start(*meddler.freed, begin + tick * 2);
    EXPECT_EQ(wheel_.advance(begin + tick * 100), 3U);
    EXPECT_EQ(meddler.count, 3);
    EXPECT_TRUE(log_.empty());
}

TEST_F(TimerWheelTest, AClockThatStandsStillOrGoesBackFiresNothing) {
    Alarm alarm(&log_);
    wheel_.start(alarm, begin + tick);
    EXPECT_EQ(wheel_.advance(begin), 0U);
    EXPECT_EQ(wheel_.advance(begin - hours(1)), 0U);
    EXPECT_EQ(wheel_.advance(begin + tick), 1U);
    wheel_.start(alarm, begin + tick * 2);
    EXPECT_EQ(wheel_.advance(begin + tick), 0U);
    alarm.stop();
}

TEST_F(TimerWheelTest, IdleConnectionsDoNotWakeTheLoopEachTick) {
    // 10,000 timers spread over all slots, all several turns away.
    std::deque<Alarm> alarms;
    for (int i = 0; i < 10'000; ++i) {
        wheel_.start(alarms.emplace_back(&log_), begin + turn * 5 + milliseconds(i * 2));
    }
    Alarm first(&log_);
    wheel_.start(first, begin + tick);
    size_t wakes = 0;
    for (Instant now = begin; now < begin + turn * 4;) {
        now = wheel_.next_expiry().value();
        wheel_.advance(now);
        ++wakes;
    }
    EXPECT_LT(wakes, 4 * TimerWheel::slots / 50);
    EXPECT_EQ(log_, std::vector{&first});
    alarms.clear();
}

TEST_F(TimerWheelTest, TimersThatWereStoppedLeaveFewWakesBehind) {
    Alarm last(&log_);
    wheel_.start(last, begin + turn / 2);
    for (int i = 1; i < 2000; ++i) {
        Alarm request(&log_);
        wheel_.start(request, begin + tick * i);
    }
    size_t wakes = 0;
    while (log_.empty()) {
        wheel_.advance(wheel_.next_expiry().value());
        ++wakes;
    }
    EXPECT_LE(wakes, 2U);
}

TEST(TimerWheelDeathTest, AbortsWhenATimerOutlivesItsWheel) {
    std::vector<Alarm*> log;
    Alarm alarm(&log);
    EXPECT_DEATH(
        {
            TimerWheel wheel(begin);
            wheel.start(alarm, begin + tick);
        },
        "running_for_test");
}

// Against the obvious model: a multimap from due time to timer.
TEST(TimerWheelProperty, AgreesWithAMultimap) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        std::mt19937_64 random(seed);
        std::vector<Alarm*> log;
        std::deque<Alarm> alarms;
        for (int i = 0; i < 200; ++i) {
            alarms.emplace_back(&log);
        }
        TimerWheel wheel(begin);
        std::multimap<Instant, Alarm*> model;
        const auto forget = [&model](Alarm* alarm) {
            std::erase_if(model, [alarm](const auto& entry) { return entry.second == alarm; });
        };
        Instant now = begin;
        for (int step = 0; step < 5000; ++step) {
            Alarm& alarm = alarms[random() % alarms.size()];
            switch (random() % 4) {
                case 0:
                case 1: {
                    // Mostly near, at times some turns away.
                    const uint64_t range_us = random() % 8 == 0 ? 60'000'000 : 300'000;
                    alarm.at = now + std::chrono::microseconds(random() % range_us);
                    wheel.start(alarm, alarm.at);
                    forget(&alarm);
                    model.emplace(alarm.at, &alarm);
                    break;
                }
                case 2:
                    alarm.stop();
                    forget(&alarm);
                    break;
                default: {
                    const uint64_t range_us = random() % 64 == 0 ? 40'000'000 : 20'000;
                    const auto expiry = wheel.next_expiry();
                    ASSERT_EQ(expiry.has_value(), !model.empty());
                    if (expiry) ASSERT_LT(*expiry, std::max(model.begin()->first, now) + tick * 2);
                    now += std::chrono::microseconds(random() % range_us);
                    log.clear();
                    wheel.advance(now);
                    for (Alarm* fired : log) {
                        ASSERT_LE(fired->at, now) << "early, seed " << seed;
                        ASSERT_FALSE(fired->is_running());
                        forget(fired);
                    }
                    // What is left is not due, or by less than the tick it may be late.
                    if (!model.empty()) ASSERT_GT(model.begin()->first + tick, now) << seed;
                }
            }
            if (step % 100 == 0) ASSERT_EQ(wheel.running_for_test(), model.size());
        }
        alarms.clear();
    }
}

}  // namespace
}  // namespace fluxgate::loop
