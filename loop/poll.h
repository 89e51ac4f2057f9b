// Readiness of file descriptors that somebody else reads and writes: libpq, getaddrinfo's,
// signalfd.
//
// Two styles over one oneshot IORING_OP_POLL_ADD: `PollOp` calls back (PostgreSQL lanes),
// `poll_fd()` is awaited. Both must end before the descriptor is closed: the kernel holds on to it.
#pragma once

#include <poll.h>

#include <coroutine>
#include <cstdint>

#include "loop/awaited_op.h"
#include "loop/bound.h"
#include "loop/deadline.h"
#include "loop/loop.h"
#include "loop/op.h"
#include "loop/result.h"
#include "loop/scope.h"
#include "loop/timer_wheel.h"

namespace fluxgate::loop {

class PollOp {
public:
    class Sink {
    public:
        // `events` as poll(2) has them; POLLERR, POLLHUP and POLLNVAL come unasked. Disarms: call
        // arm() again, here or later. Level-triggered, so nothing is missed between.
        virtual void poll_ready(uint32_t events) = 0;
        // After close(): the kernel has let go. Close the descriptor, free the PollOp, or arm() it
        // again.
        virtual void poll_quiet() = 0;

    protected:
        ~Sink() = default;
    };

    // `loop` and `sink` must outlive it.
    PollOp(Loop& loop, Sink& sink) : loop_(loop), sink_(sink) {}

    // Waits for any of `mask` (POLLIN, POLLOUT) on `fd`. While armed it widens the mask; a narrower
    // one changes nothing, so poll_ready() may bring an event of the earlier mask.
    void arm(int fd, uint32_t mask);
    [[nodiscard]] bool is_armed() const { return poll_op_.in_flight(); }
    // No poll_ready() follows; poll_quiet() does, never from inside this call. Idempotent until
    // then.
    void close();

private:
    void poll_done(int32_t result, uint32_t flags);
    void cancel_done(int32_t result, uint32_t flags);
    void cancel_poll();
    void become_quiet();

    Loop& loop_;
    Sink& sink_;
    int fd_ = -1;
    uint32_t armed_mask_ = 0;   // what the kernel waits for
    uint32_t wanted_mask_ = 0;  // what arm() asked for; differs while a cancel is under way
    bool closing_ = false;
    Bound<Op, &PollOp::poll_done> poll_op_{this};
    Bound<Op, &PollOp::cancel_done> cancel_op_{this};
    Bound<Ready, &PollOp::become_quiet> quiet_ready_{this};
};

// See poll_fd(). Lives in the awaiting frame; not movable.
class PollAwaiter final : private AwaitedOp {
public:
    PollAwaiter(Scope& scope, int fd, uint32_t mask, Deadline deadline);

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter);
    [[nodiscard]] Result<uint32_t> await_resume() const;

private:
    int fd_;
    uint32_t mask_;
};

// Suspends until one of `mask` is there: the events. Ends with `timed_out` at the earlier of
// `deadline` and the scope's, with `cancelled` when the scope is cancelled; the kernel has let go
// of `fd` in every case.
[[nodiscard]] inline PollAwaiter poll_fd(Scope& scope, int fd, uint32_t mask,
                                         Deadline deadline = Deadline::never()) {
    return PollAwaiter(scope, fd, mask, deadline);
}

}  // namespace fluxgate::loop
