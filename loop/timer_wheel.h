// A hashed timer wheel: O(1) start, stop and expiry, for thousands of timers that mostly never
// fire.
//
// Coarse on purpose (tick_ms): deadlines of peers and queries, not a clock. Timers are intrusive
// and belong to their owners; one that dies is stopped. Single-threaded. Knows no kernel: `Loop`
// asks next_expiry() and passes it as the wait of its one system call per turn.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "loop/clock.h"
#include "loop/deadline.h"
#include "loop/intrusive_list.h"

namespace fluxgate::loop {

struct TimerTag;

class Timer : public ListNode<TimerTag> {
public:
    // Runs once, after the timer is off the wheel; it may start itself again or free the Timer, and
    // start or stop any other.
    using Handler = void (*)(Timer& timer);
    explicit Timer(Handler handler) : handler_(handler) {}

    [[nodiscard]] bool is_running() const { return is_linked(); }
    void stop() { unlink(); }

private:
    friend class TimerWheel;
    Handler handler_;
    uint64_t due_tick_ = 0;
};

class TimerWheel {
public:
    static constexpr uint32_t tick_ms = 4;
    static constexpr size_t slots = 4096;  // one turn is about 16 s; later timers go round again

    explicit TimerWheel(Instant start);
    // No timer may run any more: its owner would hold on to a wheel that is gone.
    ~TimerWheel();
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;

    // Starts or restarts `timer`. It fires at or after `at`, at most one tick late, never early;
    // where `at` has passed, at the next tick. Instant::max() (Deadline::never()) stops it.
    void start(Timer& timer, Instant at);
    // Fires all that are due at `now`, in the order of their ticks; returns how many. Not
    // reentrant.
    size_t advance(Instant now);
    // When advance() has something to do next, or nothing if no timer runs. May be early, never
    // late. O(1) in most turns, as the answer is kept until it has passed.
    [[nodiscard]] std::optional<Instant> next_expiry() const;
    [[nodiscard]] size_t running_for_test() const;

private:
    using Slot = IntrusiveList<Timer, TimerTag>;
    static constexpr uint64_t no_tick = UINT64_MAX;

    [[nodiscard]] uint64_t tick_of(Instant at) const;
    [[nodiscard]] Instant instant_of(uint64_t tick) const;
    // The first tick in [first, last] whose slot may hold a timer, or no_tick. last - first <
    // slots.
    [[nodiscard]] uint64_t next_occupied(uint64_t first, uint64_t last) const;
    [[nodiscard]] uint64_t find_next_tick() const;
    [[nodiscard]] uint64_t earliest_due() const;
    size_t fire(uint64_t tick);

    Instant start_;
    uint64_t current_tick_ = 0;  // everything due at or before it has fired
    // No timer is due before it; no_tick when none runs. Recomputed when `stale_`.
    mutable uint64_t next_tick_ = no_tick;
    mutable bool stale_ = false;
    bool advancing_ = false;
    // Lists are looked at, not changed, by the const functions.
    mutable std::array<Slot, slots> wheel_;
    // May be set for an empty slot, never clear for a full one.
    mutable std::array<uint64_t, slots / 64> occupied_{};
};

}  // namespace fluxgate::loop
