#include "loop/poll.h"

#include <cerrno>

namespace fluxgate::loop {

// ---- PollOp

void PollOp::arm(int fd, uint32_t mask) {
    FLUX_CHECK(!closing_);
    if (!poll_op_.in_flight()) {
        fd_ = fd;
        armed_mask_ = wanted_mask_ = mask;
        loop_.ring().poll_once(poll_op_, fd, mask);
        return;
    }
    FLUX_CHECK_OP(fd, ==, fd_);
    wanted_mask_ |= mask;
    if ((wanted_mask_ & ~armed_mask_) != 0) cancel_poll();
}

void PollOp::close() {
    if (closing_) return;
    closing_ = true;
    if (poll_op_.in_flight())
        cancel_poll();
    else if (!cancel_op_.in_flight())
        loop_.post(quiet_ready_);
}

void PollOp::cancel_poll() {
    if (!cancel_op_.in_flight()) loop_.ring().cancel(cancel_op_, poll_op_);
}

void PollOp::poll_done(int32_t result, uint32_t) {
    if (closing_) {
        if (!cancel_op_.in_flight()) loop_.post(quiet_ready_);
        return;
    }
    if (result == -ECANCELED || result == -EINTR || result == -EAGAIN) {
        armed_mask_ = wanted_mask_;
        loop_.ring().poll_once(poll_op_, fd_, wanted_mask_);
        return;
    }
    armed_mask_ = wanted_mask_ = 0;
    sink_.poll_ready(result < 0 ? uint32_t{POLLERR | POLLNVAL} : static_cast<uint32_t>(result));
}

void PollOp::cancel_done(int32_t, uint32_t) {
    if (closing_) return loop_.post(quiet_ready_);  // the poll may still complete in this turn
    // Armed anew behind the cancel, and widened since: its cancel was left out.
    if (poll_op_.in_flight() && (wanted_mask_ & ~armed_mask_) != 0) cancel_poll();
}

void PollOp::become_quiet() {
    if (poll_op_.in_flight()) return cancel_poll();
    if (cancel_op_.in_flight()) return;  // its completion comes back here
    closing_ = false;
    fd_ = -1;
    sink_.poll_quiet();
}

// ---- poll_fd

PollAwaiter::PollAwaiter(Scope& scope, int fd, uint32_t mask, Deadline deadline)
    : AwaitedOp(scope, deadline), fd_(fd), mask_(mask) {
}

void PollAwaiter::await_suspend(std::coroutine_handle<> waiter) {
    ring().poll_once(op(), fd_, mask_);
    wait(waiter);
}

Result<uint32_t> PollAwaiter::await_resume() const {
    const Result<int32_t> events = outcome("poll");
    if (!events) return std::unexpected(events.error());
    return static_cast<uint32_t>(*events);
}

}  // namespace fluxgate::loop
