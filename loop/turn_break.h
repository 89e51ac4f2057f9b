// co_await TurnBreak(loop): lets the other tasks of the loop run before a long computation goes on.
//
// Not cancellable: it takes no longer than a turn.
#pragma once

#include <coroutine>
#include <cstddef>

#include "loop/bound.h"
#include "loop/loop.h"

namespace fluxgate::loop {

class TurnBreak {
public:
    explicit TurnBreak(Loop& loop) : loop_(loop) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        loop_.post(ready_);
    }
    void await_resume() const noexcept {}

private:
    void resume() { waiter_.resume(); }

    Loop& loop_;
    std::coroutine_handle<> waiter_;
    Bound<Ready, &TurnBreak::resume> ready_{this};
};

// Counts steps of such a computation: `if (turn.is_over()) co_await TurnBreak(loop);` after each.
class Turn {
public:
    // As many as take some 100 us.
    explicit Turn(size_t steps_max) : steps_max_(steps_max) {}
    [[nodiscard]] bool is_over(size_t steps = 1) {
        steps_ += steps;
        if (steps_ < steps_max_) return false;
        steps_ = 0;
        return true;
    }

private:
    size_t steps_max_;
    size_t steps_ = 0;
};

}  // namespace fluxgate::loop
