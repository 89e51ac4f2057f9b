#include "loop/awaited_op.h"

namespace fluxgate::loop {

void AwaitedOp::wait(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    if (!deadline_.is_never()) scope_.loop().timers().start(timer_, deadline_.at());
    scope_.add_hook(hook_);  // cancelled already: runs scope_cancelled() now
}

Result<int32_t> AwaitedOp::outcome(const char* what) const {
    if (ended_early_ && result_ < 0) return std::unexpected(Error{reason_, 0, what});
    if (result_ < 0) return std::unexpected(error_from_errno(-result_, what));
    return result_;
}

void AwaitedOp::end_early(ErrorCode reason) {
    if (ended_early_ || !op_.in_flight()) return;
    ended_early_ = true;
    reason_ = reason;
    ring().cancel(cancel_op_, op_);
}

void AwaitedOp::op_done(int32_t result, uint32_t) {
    result_ = result;
    timer_.stop();
    hook_.unlink();
    if (!cancel_op_.in_flight()) waiter_.resume();
}

void AwaitedOp::cancel_done(int32_t, uint32_t) {
    if (!op_.in_flight()) waiter_.resume();
    // Otherwise its own completion is on the way and resumes.
}

}  // namespace fluxgate::loop
