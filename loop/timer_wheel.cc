#include "loop/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "loop/check.h"

namespace fluxgate::loop {
namespace {

constexpr Duration tick = std::chrono::milliseconds(TimerWheel::tick_ms);
// Later than any process lives, and far from overflow.
constexpr Duration horizon = std::chrono::hours(24 * 365 * 100);
// next_expiry() looks at no more timers than this; then it answers with a tick that may be too
// early.
constexpr size_t looked_at_max = 256;

static_assert(std::has_single_bit(TimerWheel::slots) && TimerWheel::slots % 64 == 0);

constexpr size_t slot_of(uint64_t at_tick) {
    return static_cast<size_t>(at_tick % TimerWheel::slots);
}

}  // namespace

TimerWheel::TimerWheel(Instant start) : start_(start) {
}

TimerWheel::~TimerWheel() {
    FLUX_CHECK_OP(running_for_test(), ==, 0U);
}

// Rounded up, so that nothing fires early.
uint64_t TimerWheel::tick_of(Instant at) const {
    if (at <= start_) return 0;
    const Duration since = std::min<Duration>(at - start_, horizon);
    return static_cast<uint64_t>((since + tick - Duration(1)) / tick);
}

Instant TimerWheel::instant_of(uint64_t at_tick) const {
    return start_ +
           std::chrono::duration_cast<Instant::duration>(static_cast<int64_t>(at_tick) * tick);
}

void TimerWheel::start(Timer& timer, Instant at) {
    timer.unlink();
    if (at == Instant::max()) return;
    const uint64_t due = std::max(tick_of(at), current_tick_ + 1);
    timer.due_tick_ = due;
    const size_t slot = slot_of(due);
    wheel_[slot].push_back(timer);
    occupied_[slot / 64] |= uint64_t{1} << (slot % 64);
    next_tick_ = std::min(next_tick_, due);
}

uint64_t TimerWheel::next_occupied(uint64_t first, uint64_t last) const {
    for (uint64_t at_tick = first; at_tick <= last;) {
        const size_t slot = slot_of(at_tick);
        const uint64_t word = occupied_[slot / 64] >> (slot % 64);
        if (word != 0) {
            at_tick += static_cast<uint64_t>(std::countr_zero(word));
            return at_tick <= last ? at_tick : no_tick;
        }
        at_tick += 64 - slot % 64;
    }
    return no_tick;
}

size_t TimerWheel::fire(uint64_t at_tick) {
    const size_t slot = slot_of(at_tick);
    Slot due;  // handlers change the slot's own list
    wheel_[slot].for_each([&due, at_tick](Timer& timer) {
        if (timer.due_tick_ > at_tick) return;
        timer.unlink();
        due.push_back(timer);
    });
    if (wheel_[slot].empty()) occupied_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
    size_t fired = 0;
    while (Timer* timer = due.pop_front()) {
        ++fired;
        timer->handler_(*timer);
    }
    return fired;
}

size_t TimerWheel::advance(Instant now) {
    if (now <= start_) return 0;
    // Rounded down: a tick is due when all of it has passed.
    const auto target = static_cast<uint64_t>((now - start_) / tick);
    if (target <= current_tick_) return 0;
    if (target < next_tick_) {
        current_tick_ = target;
        return 0;
    }
    FLUX_CHECK(!advancing_);
    advancing_ = true;
    size_t fired = 0;
    while (current_tick_ < target) {
        if (target - current_tick_ > slots) {
            // Far behind: jump to where the next timer is, instead of going round and round.
            const uint64_t due = earliest_due();
            if (due > target) break;
            current_tick_ = std::max(current_tick_, due - 1);
        }
        const uint64_t turn_end = std::min(target, current_tick_ + slots);
        while (current_tick_ < turn_end) {
            const uint64_t at_tick = next_occupied(current_tick_ + 1, turn_end);
            if (at_tick == no_tick) {
                current_tick_ = turn_end;
                break;
            }
            current_tick_ = at_tick;
            fired += fire(at_tick);
        }
    }
    current_tick_ = target;
    stale_ = true;
    advancing_ = false;
    return fired;
}

uint64_t TimerWheel::earliest_due() const {
    uint64_t earliest = no_tick;
    for (Slot& slot : wheel_) {
        slot.for_each(
            [&earliest](Timer& timer) { earliest = std::min(earliest, timer.due_tick_); });
    }
    return earliest;
}

// Passes over slots that are empty or hold only timers of later turns.
uint64_t TimerWheel::find_next_tick() const {
    const uint64_t last = current_tick_ + slots;
    size_t looked_at = 0;
    bool any = false;
    for (uint64_t at_tick = current_tick_; at_tick < last;) {
        at_tick = next_occupied(at_tick + 1, last);
        if (at_tick == no_tick) break;
        Slot& timers = wheel_[slot_of(at_tick)];
        if (timers.empty()) {
            const size_t slot = slot_of(at_tick);
            occupied_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
            continue;
        }
        any = true;
        bool is_due = false;
        timers.for_each([&](Timer& timer) {
            ++looked_at;
            is_due = is_due || timer.due_tick_ <= at_tick;
        });
        if (is_due || looked_at >= looked_at_max) return at_tick;
    }
    return any ? last : no_tick;
}

std::optional<Instant> TimerWheel::next_expiry() const {
    if (stale_) {
        next_tick_ = find_next_tick();
        stale_ = false;
    }
    if (next_tick_ == no_tick) return std::nullopt;
    return instant_of(next_tick_);
}

size_t TimerWheel::running_for_test() const {
    size_t running = 0;
    for (Slot& slot : wheel_) {
        slot.for_each([&running](Timer&) { ++running; });
    }
    return running;
}

}  // namespace fluxgate::loop
