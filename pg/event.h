// One task's wait for something that a callback reports: notify() is remembered until a wait takes
// it.
//
// The waiter resumes from the loop's ready list (or from its timer), never from inside notify(), so
// the callback may be in the middle of anything. One waiter at a time; must outlive it.
#pragma once

#include <coroutine>
#include <utility>

#include "loop/bound.h"
#include "loop/deadline.h"
#include "loop/loop.h"
#include "loop/timer_wheel.h"

namespace fluxgate::pg {

class Event {
public:
    explicit Event(loop::Loop* loop) : loop_(loop) {}

    void notify() {
        notified_ = true;
        if (waiter_) loop_->post(ready_);
    }

    struct Awaiter {
        Event& event;
        loop::Deadline deadline;
        [[nodiscard]] bool await_ready() const noexcept { return event.notified_; }
        void await_suspend(std::coroutine_handle<> waiter) {
            FLUX_CHECK(!event.waiter_);
            event.waiter_ = waiter;
            if (!deadline.is_never()) event.loop_->timers().start(event.timer_, deadline.at());
        }
        // True: notified; false: the deadline passed first.
        bool await_resume() { return std::exchange(event.notified_, false); }
    };
    [[nodiscard]] Awaiter wait_until(loop::Deadline deadline) { return Awaiter{*this, deadline}; }

private:
    void resume() {
        timer_.stop();
        ready_.unlink();
        std::exchange(waiter_, nullptr).resume();
    }

    loop::Loop* loop_;
    std::coroutine_handle<> waiter_;  // set exactly while a task waits
    bool notified_ = false;
    loop::Bound<loop::Ready, &Event::resume> ready_{this};
    loop::Bound<loop::Timer, &Event::resume> timer_{this};
};

}  // namespace fluxgate::pg
