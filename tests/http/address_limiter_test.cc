#include "http/address_limiter.h"

#include <gtest/gtest.h>

#include <string>

namespace fluxgate {
namespace {

using std::chrono::seconds;

const loop::Instant start{std::chrono::hours(1)};
const loop::PeerAddress address = *loop::PeerAddress::parse("192.0.2.1");

int fail(http::AddressLimiter& limiter, const loop::PeerAddress& from, uint64_t credential,
         loop::Instant now) {
    const int wait_s = limiter.begin_attempt(from, credential, now);
    if (wait_s == 0) limiter.end_attempt(from, credential, now, true);
    return wait_s;
}

TEST(HttpAddressLimiter, RefusesTheTwentyFirstFailureWithinAMinute) {
    http::AddressLimiter limiter({});
    for (uint64_t i = 0; i < 20; ++i)
        EXPECT_EQ(fail(limiter, address, i, start + seconds(i)), 0);
    EXPECT_EQ(fail(limiter, address, 20, start + seconds(59)), 1);
    EXPECT_EQ(fail(limiter, *loop::PeerAddress::parse("192.0.2.2"), 21, start + seconds(59)), 0);
    EXPECT_EQ(fail(limiter, address, 22, start + seconds(60)), 0)
        << "the first has left the window";
    EXPECT_EQ(fail(limiter, address, 23, start + seconds(60)), 1);
}

TEST(HttpAddressLimiter, CountsAttemptsThatAreUnderWay) {
    http::AddressLimiter limiter({.failures_per_min = 2});
    EXPECT_EQ(limiter.begin_attempt(address, 1, start), 0);
    EXPECT_EQ(limiter.begin_attempt(address, 2, start), 0);
    EXPECT_EQ(limiter.begin_attempt(address, 3, start), 1);
    limiter.end_attempt(address, 1, start, false);
    EXPECT_EQ(limiter.begin_attempt(address, 3, start), 0);
}

TEST(HttpAddressLimiter, CountsOneCredentialOnceHoweverManyTryIt) {
    http::AddressLimiter limiter({.failures_per_min = 2});
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(limiter.begin_attempt(address, 7, start), 0);
    EXPECT_EQ(limiter.begin_attempt(address, 8, start), 0);
    EXPECT_NE(limiter.begin_attempt(address, 9, start), 0);
    for (int i = 0; i < 100; ++i)
        limiter.end_attempt(address, 7, start, false);
    EXPECT_EQ(limiter.begin_attempt(address, 9, start), 0);
}

TEST(HttpAddressLimiter, DoesNotCountWhatSucceeded) {
    http::AddressLimiter limiter({.failures_per_min = 1});
    for (uint64_t i = 0; i < 100; ++i) {
        EXPECT_EQ(limiter.begin_attempt(address, i, start), 0);
        limiter.end_attempt(address, i, start, false);
    }
}

TEST(HttpAddressLimiter, CountsIPv6ByItsFirst64Bits) {
    http::AddressLimiter limiter({.failures_per_min = 1, .addresses_max = 10});
    EXPECT_EQ(fail(limiter, *loop::PeerAddress::parse("2001:db8::1"), 1, start), 0);
    EXPECT_NE(fail(limiter, *loop::PeerAddress::parse("2001:db8::abcd:1"), 2, start), 0);
    EXPECT_EQ(fail(limiter, *loop::PeerAddress::parse("2001:db8:0:1::1"), 3, start), 0);
}

TEST(HttpAddressLimiter, ForgetsTheAddressThatTriedLongestAgo) {
    http::AddressLimiter limiter({.failures_per_min = 1, .addresses_max = 100});
    const auto numbered = [](int i) {
        return *loop::PeerAddress::parse("10.0." + std::to_string(i / 256) + "." +
                                         std::to_string(i % 256));
    };
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(fail(limiter, numbered(i), 1, start), 0);
        if (i % 50 == 0) EXPECT_EQ(fail(limiter, numbered(0), 1, start) != 0, true);
    }
    EXPECT_EQ(limiter.addresses(), 100U);
    EXPECT_NE(fail(limiter, numbered(0), 1, start), 0);
    EXPECT_NE(fail(limiter, numbered(999), 1, start), 0);
    EXPECT_EQ(fail(limiter, numbered(500), 1, start), 0);
}

TEST(HttpAddressLimiter, OfZeroHasNoLimit) {
    http::AddressLimiter limiter({.failures_per_min = 0});
    for (uint64_t i = 0; i < 100; ++i)
        EXPECT_EQ(fail(limiter, address, i, start), 0);
    EXPECT_EQ(limiter.addresses(), 0U);
}

}  // namespace
}  // namespace fluxgate
