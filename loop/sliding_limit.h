// At most so many calls in any 60 s, of all cores together, with injected time. Policy (who is a
// client, what the limit is, where the state lives) is http/rate_limit's.
//
// Not a token bucket: one with a burst of 100 and 100 a minute admits 100 calls at once and one
// more 0.6 s later, up to 200 in its first minute.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>

#include "loop/check.h"
#include "loop/clock.h"

namespace fluxgate::loop {

namespace detail {
[[nodiscard]] constexpr uint64_t nanoseconds_of(Instant now) {
    return static_cast<uint64_t>(std::max<int64_t>(0, now.time_since_epoch().count()));
}
[[nodiscard]] constexpr uint64_t divide_up(uint64_t value, uint64_t by) {
    return value / by + (value % by != 0 ? 1 : 0);
}
}  // namespace detail

// A ring of the times of the last `limit` admitted calls, without a lock. Call n is admitted when
// call n - limit is at least 60 s old. As this holds along each residue of n modulo `limit`, no 60
// s hold more than `limit` calls, even when the cores' clocks differ.
class SlidingLimit {
public:
    static constexpr uint32_t limit_max = 100'000;  // 800 kB a key

    explicit SlidingLimit(uint32_t limit_per_min)
        : limit_(limit_per_min), calls_(std::make_unique<std::atomic<uint64_t>[]>(limit_per_min)) {
        FLUX_CHECK(limit_ > 0 && limit_ <= limit_max);
    }

    bool try_take(Instant at) {
        for (;;) {
            uint64_t number = next_.load(std::memory_order_acquire);
            std::atomic<uint64_t>& slot = calls_[number % limit_];
            const uint64_t lap = (number / limit_ + 1) & lap_mask;
            uint64_t before = slot.load(std::memory_order_acquire);
            if (before >> time_bits == lap) {
                // Somebody has this slot and has not counted it yet: do it for him.
                next_.compare_exchange_strong(number, number + 1, std::memory_order_acq_rel);
                continue;
            }
            if (before >> time_bits != ((lap - 1) & lap_mask)) continue;  // `number` is old
            if (before != 0 && floor_ms(at) < (before & time_mask) + window_ms) return false;
            if (!slot.compare_exchange_strong(before, lap << time_bits | ceil_ms(at),
                                              std::memory_order_acq_rel)) {
                continue;
            }
            next_.compare_exchange_strong(number, number + 1, std::memory_order_acq_rel);
            return true;
        }
    }
    // After this many seconds one call is allowed, if nobody else takes it; 0 when one is now.
    [[nodiscard]] uint64_t retry_after_seconds(Instant at) const {
        const uint64_t number = next_.load(std::memory_order_acquire);
        const uint64_t oldest = calls_[number % limit_].load(std::memory_order_acquire);
        const uint64_t free_at = (oldest & time_mask) + window_ms;
        const uint64_t now = floor_ms(at);
        if (oldest == 0 || now >= free_at) return 0;
        return detail::divide_up(free_at - now, 1000);
    }
    // How many calls are allowed now. O(limit): for a header on refusal or a test, not for each
    // call.
    [[nodiscard]] uint32_t available(Instant at) const {
        const uint64_t now = floor_ms(at);
        uint32_t count = 0;
        for (uint32_t i = 0; i < limit_; ++i) {
            const uint64_t call = calls_[i].load(std::memory_order_relaxed);
            count += call == 0 || now >= (call & time_mask) + window_ms ? 1 : 0;
        }
        return count;
    }
    // No call within the last 60 s: a table may forget the key.
    [[nodiscard]] bool is_idle(Instant at) const {
        const uint64_t number = next_.load(std::memory_order_acquire);
        if (number == 0) return true;
        const uint64_t newest = calls_[(number - 1) % limit_].load(std::memory_order_acquire);
        return floor_ms(at) >= (newest & time_mask) + window_ms;
    }
    [[nodiscard]] uint32_t limit() const { return limit_; }

private:
    // A slot: the lap it was taken in, and when. A lap takes a minute or more, so neither part
    // wraps within 30 years of uptime.
    static constexpr int time_bits = 40;
    static constexpr uint64_t time_mask = (uint64_t{1} << time_bits) - 1;
    static constexpr uint64_t lap_mask = (uint64_t{1} << (64 - time_bits)) - 1;
    static constexpr uint64_t window_ms = 60'000;

    // The call is dated late and the question early, so that a minute is never cut short.
    [[nodiscard]] static uint64_t ceil_ms(Instant at) {
        return detail::divide_up(detail::nanoseconds_of(at), 1'000'000) & time_mask;
    }
    [[nodiscard]] static uint64_t floor_ms(Instant at) {
        return detail::nanoseconds_of(at) / 1'000'000 & time_mask;
    }

    uint32_t limit_;
    std::unique_ptr<std::atomic<uint64_t>[]> calls_;  // 0: never taken
    std::atomic<uint64_t> next_{0};  // number of the next call; may lag by one slot
};

}  // namespace fluxgate::loop
