#include "loop/wake.h"

#include <utility>

#include "loop/check.h"

namespace fluxgate::loop {

namespace {

constexpr int wakes_per_turn_max = 64;

}  // namespace

WakeList::Note::Note(WakeList* owner)
    : Message([](Message& message) { static_cast<Note&>(message).list->run(); }), list(owner) {
}

WakeList::WakeList() : note_(this) {
}

WakeList::~WakeList() {
    FLUX_CHECK(woken_.empty() && !is_sent_);
}

void WakeList::add(Waiter& waiter) {
    const std::scoped_lock lock(mutex_);
    if (waiter.is_linked()) return;
    woken_.push_back(waiter);
    if (std::exchange(is_sent_, true)) return;
    loop_->mailbox().send(note_);
}

void WakeList::remove(Waiter& waiter) {
    FLUX_CHECK(waiter.awaiter_ == nullptr);
    const std::scoped_lock lock(mutex_);
    waiter.unlink();
}

// One at a time: what a woken task does may end others that are on the list. The rest comes in the
// next turn, so that many streams hold nobody else up.
void WakeList::run() {
    for (int count = 0; count < wakes_per_turn_max; ++count) {
        Waiter* waiter = nullptr;
        {
            const std::scoped_lock lock(mutex_);
            waiter = woken_.pop_front();
            if (waiter == nullptr) is_sent_ = false;
        }
        if (waiter == nullptr) return;
        waiter->run();
    }
    loop_->mailbox().send(note_);
}

void Waiter::run() {
    if (awaiter_ == nullptr) {
        is_due_ = true;
        return;
    }
    awaiter_->woken();
}

bool Waiter::Awaiter::await_ready() const noexcept {
    return waiter_.is_due_ && !scope_.is_cancelled();
}

void Waiter::Awaiter::await_suspend(std::coroutine_handle<> task) {
    FLUX_CHECK(waiter_.awaiter_ == nullptr);
    task_ = task;
    waiter_.awaiter_ = this;
    Loop& loop = scope_.loop();
    loop.timers().start(timer_, Deadline::after(loop.clock_now(), most_).at());
    scope_.add_hook(hook_);  // cancelled already: runs scope_cancelled() now
}

Result<void> Waiter::Awaiter::await_resume() {
    waiter_.is_due_ = false;
    if (end_ == ErrorCode::unexpected) return {};
    return std::unexpected(Error{end_, 0, "wait"});
}

void Waiter::Awaiter::timer_fired() {
    end_ = ErrorCode::timed_out;
    hook_.unlink();
    waiter_.awaiter_ = nullptr;
    task_.resume();
}

// Resumes later: whoever cancels is in the middle of its scope's hooks.
void Waiter::Awaiter::scope_cancelled() {
    end_ = ErrorCode::cancelled;
    timer_.stop();
    waiter_.awaiter_ = nullptr;
    scope_.loop().post(ready_);
}

void Waiter::Awaiter::woken() {
    hook_.unlink();
    timer_.stop();
    waiter_.awaiter_ = nullptr;
    task_.resume();
}

}  // namespace fluxgate::loop
