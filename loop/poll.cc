#include "loop/poll.h"

#include <cerrno>

namespace fluxgate::loop {

// ---- PollOp ----------------------------------------------------------------------------------

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

// ---- poll_fd ---------------------------------------------------------------------------------

PollAwaiter::PollAwaiter(Scope& scope, int fd, uint32_t mask, Deadline deadline)
    : scope_(scope), fd_(fd), mask_(mask), deadline_(deadline.earlier(scope.deadline())) {
}

void PollAwaiter::await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    Loop& loop = scope_.loop();
    loop.ring().poll_once(poll_op_, fd_, mask_);
    if (!deadline_.is_never()) loop.timers().start(timer_, deadline_.at());
    scope_.add_hook(hook_);  // cancelled already: runs scope_cancelled() now
}

Result<uint32_t> PollAwaiter::await_resume() const {
    if (result_ >= 0) return static_cast<uint32_t>(result_);
    if (ended_early_) return std::unexpected(Error{reason_, 0, "poll"});
    return std::unexpected(error_from_errno(-result_, "poll"));
}

void PollAwaiter::deadline_passed() {
    end_poll(ErrorCode::timed_out);
}

void PollAwaiter::scope_cancelled() {
    end_poll(ErrorCode::cancelled);
}

void PollAwaiter::end_poll(ErrorCode reason) {
    if (ended_early_ || !poll_op_.in_flight()) return;
    ended_early_ = true;
    reason_ = reason;
    scope_.loop().ring().cancel(cancel_op_, poll_op_);
}

void PollAwaiter::poll_done(int32_t result, uint32_t) {
    result_ = result;
    timer_.stop();
    hook_.unlink();
    if (!cancel_op_.in_flight()) waiter_.resume();
}

void PollAwaiter::cancel_done(int32_t, uint32_t) {
    if (!poll_op_.in_flight()) waiter_.resume();
    // Otherwise its own completion is on the way and resumes.
}

}  // namespace fluxgate::loop
