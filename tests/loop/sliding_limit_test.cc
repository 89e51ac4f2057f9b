#include "loop/sliding_limit.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <random>
#include <thread>
#include <vector>

namespace fluxgate::loop {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr Instant start{hours(1)};

template <class Take>
uint32_t admitted(uint32_t calls, Take take) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < calls; ++i) {
        count += take() ? 1 : 0;
    }
    return count;
}

TEST(SlidingLimit, RefusesThe101stCallWithinAMinute) {
    SlidingLimit limit(100);
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(limit.try_take(start + milliseconds(i * 590)));
    }
    EXPECT_EQ(limit.available(start + seconds(59)), 0U);
    EXPECT_FALSE(limit.try_take(start + seconds(59)));
    EXPECT_FALSE(limit.try_take(start + milliseconds(59'999)));
    EXPECT_EQ(limit.retry_after_seconds(start + seconds(59)), 1U);
    EXPECT_TRUE(limit.try_take(start + seconds(60)));
    EXPECT_FALSE(limit.try_take(start + seconds(60)));
}

TEST(SlidingLimit, RefusesABurstThatStraddlesTwoMinutes) {
    SlidingLimit limit(100);
    EXPECT_TRUE(limit.try_take(start));
    EXPECT_EQ(admitted(99, [&] { return limit.try_take(start + milliseconds(59'900)); }), 99U);
    EXPECT_EQ(admitted(300, [&] { return limit.try_take(start + milliseconds(60'100)); }), 1U);
    EXPECT_EQ(limit.retry_after_seconds(start + milliseconds(60'100)), 60U);
    EXPECT_FALSE(limit.is_idle(start + milliseconds(120'099)));
    EXPECT_TRUE(limit.is_idle(start + milliseconds(120'100)));
}

TEST(SlidingLimit, ALimitOfOneWorks) {
    SlidingLimit limit(1);
    EXPECT_TRUE(limit.is_idle(start));
    EXPECT_EQ(limit.available(start), 1U);
    for (int minute = 0; minute < 5; ++minute) {
        EXPECT_TRUE(limit.try_take(start + seconds(60 * minute)));
        EXPECT_FALSE(limit.try_take(start + seconds(60 * minute + 59)));
    }
}

// Against the obvious model: a deque of the times of the last minute.
TEST(SlidingLimit, AgreesWithADequeOfTimes) {
    for (uint32_t limit_per_min : {1U, 3U, 17U}) {
        SlidingLimit limit(limit_per_min);
        std::deque<Instant> model;
        std::mt19937_64 random(limit_per_min);
        Instant now = start;
        for (int i = 0; i < 20'000; ++i) {
            now += milliseconds(random() % (random() % 20 == 0 ? 90'000 : 4'000));
            while (!model.empty() && now - model.front() >= seconds(60)) {
                model.pop_front();
            }
            const bool expected = model.size() < limit_per_min;
            ASSERT_EQ(limit.available(now), limit_per_min - model.size());
            ASSERT_EQ(limit.retry_after_seconds(now) == 0, expected);
            ASSERT_EQ(limit.try_take(now), expected) << i;
            if (expected) model.push_back(now);
        }
    }
}

TEST(SlidingLimit, CoresTogetherAdmitTheLimitOnceAMinute) {
    for (uint32_t limit_per_min : {1U, 5U, 100U}) {
        SlidingLimit limit(limit_per_min);
        for (int minute = 0; minute < 40; ++minute) {
            std::atomic<uint32_t> total = 0;
            {
                std::vector<std::jthread> cores;
                for (int i = 0; i < 4; ++i) {
                    cores.emplace_back([&] {
                        const Instant now = start + seconds(60 * minute);
                        total += admitted(150, [&] { return limit.try_take(now); });
                    });
                }
            }
            ASSERT_EQ(total, limit_per_min) << "minute " << minute;
        }
    }
}

}  // namespace
}  // namespace fluxgate::loop
