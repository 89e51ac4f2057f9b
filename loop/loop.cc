#include "loop/loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "loop/log.h"
#include "loop/mailbox.h"

namespace fluxgate::loop {
namespace {

constexpr Duration ready_time_max = std::chrono::microseconds(500);
constexpr size_t ready_per_clock_read = 16;
constexpr size_t completions_per_turn_max = 512;
// ~Loop waits at most this many times 10 ms for operations that their owners have cancelled.
constexpr int closing_turns_max = 1000;

const SystemClock system_clock_of_all;
SystemEntropy system_entropy_of_all;

}  // namespace

Result<std::unique_ptr<Loop>> Loop::create(const Options& options) {
    Result<std::unique_ptr<Ring>> ring = Ring::create(options.ring);
    if (!ring) return std::unexpected(ring.error());
    // Blocking on purpose: the ring would answer a read of a non-blocking one with EAGAIN.
    const int mailbox_fd = ::eventfd(0, EFD_CLOEXEC);
    if (mailbox_fd < 0) return std::unexpected(error_from_errno(errno, "eventfd"));
    return std::unique_ptr<Loop>(new Loop(options, std::move(*ring), mailbox_fd));
}

Loop::Loop(const Options& options, std::unique_ptr<Ring> ring, int mailbox_fd)
    : clock_(options.clock != nullptr ? options.clock : &system_clock_of_all),
      entropy_(options.entropy != nullptr ? options.entropy : &system_entropy_of_all),
      ring_(std::move(ring)),
      core_(options.core),
      ready_per_turn_max_(options.ready_per_turn_max),
      now_(clock_->now()),
      wall_now_(clock_->wall_now()),
      timers_(now_),
      completions_(completions_per_turn_max),
      mailbox_(std::make_unique<Mailbox>(this, mailbox_fd)) {
    mailbox_->arm();
}

Loop::~Loop() {
    mailbox_->cancel();
    for (int turn = 0; ring_->in_flight() != 0 || !mailbox_->empty(); ++turn) {
        FLUX_CHECK_OP(turn, <, closing_turns_max);  // somebody left without closing
        run_turn(std::chrono::milliseconds(10));
    }
    mailbox_.reset();
}

void Loop::update_time() {
    now_ = clock_->now();
    wall_now_ = clock_->wall_now();
}

void Loop::post(Ready& ready) {
    if (!ready.is_posted()) ready_.push_back(ready);
}

void Loop::post_turn_end(Ready& ready) {
    if (!ready.is_posted()) turn_end_.push_back(ready);
}

void Loop::run() {
    while (!stopping_)
        run_turn(Duration::max());
    stopping_ = false;
}

void Loop::run_until_idle() {
    // Twice in a row: what one turn submits may complete while the kernel is asked the next time.
    for (int idle_turns = 0; idle_turns < 2;)
        idle_turns = run_turn(Duration::zero()) ? 0 : idle_turns + 1;
}

// The numbers are those of loop.h.
bool Loop::run_turn(Duration wait_max) {
    FLUX_CHECK(!in_turn_);
    in_turn_ = true;
    turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    size_t ran = run_ready();                                                    // 1.
    ran += run_turn_end();                                                       // 2.
    Result<void> entered = ring_->submit_and_wait(wait_of_this_turn(wait_max));  // 3.
    if (!entered) {
        // Completions are lost or the ring is unusable: every connection of this core hangs.
        log::error("ring_failed", {{"core", core_}, {"errno", entered.error().os_errno}});
        FLUX_CHECK_OP(entered.error().os_errno, ==, 0);
    }
    const size_t completed = ring_->reap(completions_);  // 4.
    update_time();
    ran += run_completions(completed);  // 5.
    ran += timers_.advance(now_);       // 6.
    in_turn_ = false;
    return ran != 0;
}

size_t Loop::run_ready() {
    if (ready_.empty()) return 0;
    const Instant start = clock_->now();
    size_t ran = 0;
    while (Ready* ready = ready_.pop_front()) {
        ready->handler_(*ready);  // may free it, may post it again
        ++ran;
        const bool late =
            ran % ready_per_clock_read == 0 && clock_->now() - start >= ready_time_max;
        if ((late || ran >= ready_per_turn_max_) && !ready_.empty()) {
            ++budget_cuts_;
            break;
        }
    }
    return ran;
}

// Only what was posted before: what a handler posts here waits for the next turn's end.
size_t Loop::run_turn_end() {
    if (turn_end_.empty()) return 0;
    IntrusiveList<Ready, ReadyTag> now;
    now.splice_back(turn_end_);
    size_t ran = 0;
    while (Ready* ready = now.pop_front()) {
        ready->handler_(*ready);
        ++ran;
    }
    return ran;
}

size_t Loop::run_completions(size_t count) {
    for (size_t i = 0; i < count; ++i)
        Ring::run(completions_[i]);
    return count;
}

Duration Loop::wait_of_this_turn(Duration wait_max) const {
    if (!ready_.empty() || !turn_end_.empty() || stopping_) return Duration::zero();
    if (wait_max <= Duration::zero()) return Duration::zero();
    const std::optional<Instant> expiry = timers_.next_expiry();
    if (!expiry) return wait_max;
    const Duration until = Deadline(*expiry).remaining(clock_->now());
    return std::min(wait_max, until);
}

}  // namespace fluxgate::loop
