#include "loop/sleep.h"

namespace fluxgate::loop {

SleepAwaiter sleep_for(Scope& scope, Duration wait) {
    return SleepAwaiter(scope, wait);
}

void SleepAwaiter::await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    Loop& loop = scope_.loop();
    const Instant end = Deadline::after(loop.clock_now(), wait_).at();
    cut_short_ = scope_.deadline().at() < end;
    loop.timers().start(timer_, cut_short_ ? scope_.deadline().at() : end);
    scope_.add_hook(hook_);  // cancelled already: runs scope_cancelled() now
}

Result<void> SleepAwaiter::await_resume() const {
    if (cancelled_) return std::unexpected(Error{ErrorCode::cancelled, 0, "sleep"});
    if (cut_short_) return std::unexpected(Error{ErrorCode::timed_out, 0, "sleep"});
    return {};
}

void SleepAwaiter::timer_fired() {
    hook_.unlink();
    waiter_.resume();
}

// Resumes later: whoever cancels is in the middle of its scope's hooks.
void SleepAwaiter::scope_cancelled() {
    cancelled_ = true;
    timer_.stop();
    scope_.loop().post(resume_ready_);
}

void SleepAwaiter::resume() {
    waiter_.resume();
}

}  // namespace fluxgate::loop
