#include "loop/token_bucket.h"

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

TEST(TokenBucket, AdmitsItsBurstAndNotOneMore) {
    TokenBucket bucket({.rate_per_min = 100, .burst = 100});
    EXPECT_EQ(admitted(500, [&] { return bucket.try_take(start); }), 100U);
    EXPECT_EQ(bucket.available(start), 0U);
}

TEST(TokenBucket, EarnsATokenAtTheExactNanosecond) {
    TokenBucket bucket({.rate_per_min = 7, .burst = 1});
    EXPECT_TRUE(bucket.try_take(start));
    // 60e9 / 7 = 8571428571.43
    EXPECT_FALSE(bucket.try_take(start + nanoseconds(8'571'428'571)));
    EXPECT_TRUE(bucket.try_take(start + nanoseconds(8'571'428'572)));
}

TEST(TokenBucket, DoesNotDriftOverADayOfAwkwardSteps) {
    constexpr uint32_t rate = 7;
    TokenBucket bucket({.rate_per_min = rate, .burst = 1'000'000});
    EXPECT_EQ(admitted(1'000'000, [&] { return bucket.try_take(start); }), 1'000'000U);
    Instant now = start;
    std::mt19937_64 random(1);
    uint64_t taken = 0;
    while (now < start + hours(24)) {
        now += nanoseconds(random() % 3'000'000'000);
        taken += bucket.try_take(now) ? 1 : 0;
    }
    // Every token that time earned was there to be taken, and no other.
    const auto earned = static_cast<uint64_t>((now - start).count()) * rate / 60'000'000'000;
    EXPECT_EQ(taken + bucket.available(now), earned);
}

TEST(TokenBucket, IsNeverFullerThanItsBurst) {
    TokenBucket bucket({.rate_per_min = UINT32_MAX, .burst = 3});
    EXPECT_EQ(bucket.available(start + hours(24 * 365 * 100)), 3U);
    TokenBucket large({.rate_per_min = 1, .burst = burst_max});
    EXPECT_EQ(large.available(start + hours(24 * 365 * 100)), burst_max);
}

TEST(TokenBucket, AClockThatGoesBackEarnsNothing) {
    TokenBucket bucket({.rate_per_min = 60, .burst = 1});
    EXPECT_TRUE(bucket.try_take(start + seconds(10)));
    EXPECT_FALSE(bucket.try_take(start));
    EXPECT_FALSE(bucket.try_take(start + seconds(10)));
    EXPECT_TRUE(bucket.try_take(start + seconds(11)));
}

TEST(TokenBucket, RetryAfterIsWhenOneIsAllowedRoundedUp) {
    TokenBucket bucket({.rate_per_min = 40, .burst = 1});  // one each 1.5 s
    EXPECT_EQ(bucket.retry_after_seconds(start), 0U);
    EXPECT_TRUE(bucket.try_take(start));
    EXPECT_EQ(bucket.retry_after_seconds(start), 2U);
    EXPECT_EQ(bucket.retry_after_seconds(start + milliseconds(600)), 1U);
    EXPECT_EQ(bucket.retry_after_seconds(start + milliseconds(1499)), 1U);
    EXPECT_EQ(bucket.retry_after_seconds(start + milliseconds(1500)), 0U);
}

TEST(AtomicBucket, AgreesWithTheTokenBucketWhereTheStepIsWhole) {
    constexpr BucketOptions options{.rate_per_min = 120, .burst = 10};
    const AtomicBucket::Rate rate(options);
    AtomicBucket atomic;
    TokenBucket plain(options);
    std::mt19937_64 random(2);
    Instant now = start;
    for (int i = 0; i < 50'000; ++i) {
        now += nanoseconds(random() % (random() % 50 == 0 ? 9'000'000'000 : 700'000'000));
        ASSERT_EQ(atomic.retry_after_seconds(rate, now), plain.retry_after_seconds(now));
        ASSERT_EQ(atomic.try_take(rate, now), plain.try_take(now)) << i;
    }
}

// All cores at the same moment: exactly the burst, however they interleave.
TEST(AtomicBucket, CoresTogetherAdmitTheBurstOnce) {
    const AtomicBucket::Rate rate({.rate_per_min = 100, .burst = 100});
    for (int round = 0; round < 20; ++round) {
        AtomicBucket bucket;
        std::atomic<uint32_t> total = 0;
        {
            std::vector<std::jthread> cores;
            for (int i = 0; i < 4; ++i) {
                cores.emplace_back(
                    [&] { total += admitted(200, [&] { return bucket.try_take(rate, start); }); });
            }
        }
        EXPECT_EQ(total, 100U);
    }
}

TEST(AtomicBucket, NeverExceedsAnAwkwardRate) {
    const AtomicBucket::Rate rate({.rate_per_min = 7, .burst = 1});
    AtomicBucket bucket;
    uint64_t count = 0;
    Instant now = start;
    for (; now < start + hours(10); now += milliseconds(1)) {
        count += bucket.try_take(rate, now) ? 1 : 0;
    }
    EXPECT_LE(count, 10U * 60 * 7 + 1);
    EXPECT_GE(count, 10U * 60 * 7 - 1);
    EXPECT_FALSE(bucket.is_idle(now - seconds(1)) && bucket.is_idle(now - seconds(9)));
    EXPECT_TRUE(bucket.is_idle(now + seconds(9)));
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
