// co_await sleep_for(scope, wait): suspends for at least `wait`.
//
// Result<void>: `cancelled` when the scope is cancelled, `timed_out` when the scope's deadline
// comes first; either ends the sleep at once. Lives in the awaiting frame, allocates nothing.
#pragma once

#include <coroutine>

#include "loop/bound.h"
#include "loop/loop.h"
#include "loop/scope.h"
#include "loop/timer_wheel.h"

namespace fluxgate::loop {

class SleepAwaiter {
public:
    SleepAwaiter(Scope& scope, Duration wait) : scope_(scope), wait_(wait) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter);
    [[nodiscard]] Result<void> await_resume() const;

private:
    void timer_fired();
    void scope_cancelled();
    void resume();

    Scope& scope_;
    Duration wait_;
    bool cancelled_ = false;
    bool cut_short_ = false;  // the scope's deadline comes before the end of `wait`
    std::coroutine_handle<> waiter_;
    Bound<Timer, &SleepAwaiter::timer_fired> timer_{this};
    Bound<CancelHook, &SleepAwaiter::scope_cancelled> hook_{this};
    Bound<Ready, &SleepAwaiter::resume> resume_ready_{this};
};

[[nodiscard]] SleepAwaiter sleep_for(Scope& scope, Duration wait);

}  // namespace fluxgate::loop
