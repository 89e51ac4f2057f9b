// One core's event loop: a ring, a timer wheel and a list of things to run. Nothing here is shared
// between threads except the mailbox (loop/mailbox.h) and the count of turns.
//
// A turn, in this order:
//   1. run the ready list (posted callbacks), at most `ready_per_turn_max` or 500 us;
//   2. run the turn-end list (what wants to flush once a turn: PostgreSQL lanes);
//   3. one io_uring_enter: submit everything prepared, wait until the next timer at the most;
//   4. reap: copy the completions out, free their slots;
//   5. run their handlers; 6. fire the timers that are due.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "loop/clock.h"
#include "loop/intrusive_list.h"
#include "loop/random.h"
#include "loop/result.h"
#include "loop/ring.h"
#include "loop/timer_wheel.h"

namespace fluxgate::loop {

struct ReadyTag;

// A callback that runs once when the loop gets to it. Intrusive: belongs to its owner, one that
// dies is dropped from the list.
class Ready : public ListNode<ReadyTag> {
public:
    using Handler = void (*)(Ready& ready);
    explicit Ready(Handler handler) : handler_(handler) {}
    [[nodiscard]] bool is_posted() const { return is_linked(); }

private:
    friend class Loop;
    Handler handler_;
};

class Mailbox;

class Loop {
public:
    struct Options {
        const Clock* clock = nullptr;  // null: the system's. Must outlive the loop
        Entropy* entropy = nullptr;    // null: the system's. Must outlive the loop
        RingOptions ring = {};
        uint32_t core = 0;                  // its number in logs
        uint32_t ready_per_turn_max = 256;  // what is left runs after the next look at the ring
    };

    // Must be called on the thread that will run the loop.
    [[nodiscard]] static Result<std::unique_ptr<Loop>> create(const Options& options);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    [[nodiscard]] Ring& ring() { return *ring_; }
    [[nodiscard]] TimerWheel& timers() { return timers_; }
    [[nodiscard]] Entropy& entropy() { return *entropy_; }
    [[nodiscard]] uint32_t core() const { return core_; }
    // The time at which this turn began to run callbacks; no system call.
    [[nodiscard]] Instant now() const { return now_; }
    [[nodiscard]] WallTime wall_now() const { return wall_now_; }
    // Reads the clock now, for measuring inside a turn.
    [[nodiscard]] Instant clock_now() const { return clock_->now(); }

    // Runs `ready` in this turn or the next one; posting what is posted already does nothing.
    void post(Ready& ready);
    // Runs `ready` once, just before the next submit.
    void post_turn_end(Ready& ready);

    // Runs turns until stop(). run_turn() is one turn; true if it ran anything.
    void run();
    void stop() { stopping_ = true; }
    bool run_turn(Duration wait_max);
    // Turns without waiting until nothing is ready. For tests: "it has not finished yet".
    void run_until_idle();

    [[nodiscard]] Mailbox& mailbox() { return *mailbox_; }

    // Turns begun so far. From any thread: a watchdog sees that the loop moves.
    [[nodiscard]] uint64_t turns() const { return turns_.load(std::memory_order_relaxed); }
    // Turns in which the ready list was cut off by its budget.
    [[nodiscard]] uint64_t budget_cuts() const { return budget_cuts_; }

private:
    Loop(const Options& options, std::unique_ptr<Ring> ring, int mailbox_fd);
    void update_time();
    size_t run_ready();
    size_t run_turn_end();
    size_t run_completions(size_t count);
    [[nodiscard]] Duration wait_of_this_turn(Duration wait_max) const;

    const Clock* clock_;
    Entropy* entropy_;
    std::unique_ptr<Ring> ring_;
    uint32_t core_;
    uint32_t ready_per_turn_max_;
    std::atomic<uint64_t> turns_{0};  // written by the loop's thread only
    uint64_t budget_cuts_ = 0;
    Instant now_;
    WallTime wall_now_;
    TimerWheel timers_;
    IntrusiveList<Ready, ReadyTag> ready_;
    IntrusiveList<Ready, ReadyTag> turn_end_;
    std::vector<Completion> completions_;
    std::unique_ptr<Mailbox> mailbox_;
    bool stopping_ = false;
    bool in_turn_ = false;
};

}  // namespace fluxgate::loop
