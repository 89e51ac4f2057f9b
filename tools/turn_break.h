// co_await TurnBreak(loop): lets the other tasks of the loop run before a long computation goes on.
//
// Not cancellable: it takes no longer than a turn.
#pragma once

#include <coroutine>

#include "loop/bound.h"
#include "loop/loop.h"

namespace fluxgate::tools {

class TurnBreak {
public:
    explicit TurnBreak(loop::Loop& loop) : loop_(loop) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        loop_.post(ready_);
    }
    void await_resume() const noexcept {}

private:
    void resume() { waiter_.resume(); }

    loop::Loop& loop_;
    std::coroutine_handle<> waiter_;
    loop::Bound<loop::Ready, &TurnBreak::resume> ready_{this};
};

}  // namespace fluxgate::tools
