// One operation that a task awaits and that a deadline or a cancelled scope ends early: what
// connect_tcp() and poll_fd() have in common.
//
// The waiter is resumed when the kernel has let go of everything, never before: neither the
// operation nor its cancellation is in flight then. Lives in the awaiting frame; not movable.
#pragma once

#include <coroutine>
#include <cstdint>

#include "loop/bound.h"
#include "loop/deadline.h"
#include "loop/loop.h"
#include "loop/op.h"
#include "loop/result.h"
#include "loop/scope.h"

namespace fluxgate::loop {

class AwaitedOp {
protected:
    // At the earlier of `deadline` and the scope's it ends with `timed_out`.
    AwaitedOp(Scope& scope, Deadline deadline)
        : scope_(scope), deadline_(deadline.earlier(scope.deadline())) {}

    [[nodiscard]] Ring& ring() { return scope_.loop().ring(); }
    [[nodiscard]] Op& op() { return op_; }
    // op() has just been given to the ring.
    void wait(std::coroutine_handle<> waiter);
    // What the kernel said, at least 0; `timed_out`, `cancelled`, or its error. `what` is static
    // text.
    [[nodiscard]] Result<int32_t> outcome(const char* what) const;
    // Instead of wait(): nothing could be submitted.
    void fail(int os_errno) { result_ = -os_errno; }

private:
    void op_done(int32_t result, uint32_t flags);
    void cancel_done(int32_t result, uint32_t flags);
    void deadline_passed() { end_early(ErrorCode::timed_out); }
    void scope_cancelled() { end_early(ErrorCode::cancelled); }
    void end_early(ErrorCode reason);

    Scope& scope_;
    Deadline deadline_;
    int32_t result_ = 0;  // once op_ has completed
    bool ended_early_ = false;
    ErrorCode reason_ = ErrorCode::unexpected;  // why, if it ended early
    std::coroutine_handle<> waiter_;
    Bound<Op, &AwaitedOp::op_done> op_{this};
    Bound<Op, &AwaitedOp::cancel_done> cancel_op_{this};
    Bound<Timer, &AwaitedOp::deadline_passed> timer_{this};
    Bound<CancelHook, &AwaitedOp::scope_cancelled> hook_{this};
};

}  // namespace fluxgate::loop
