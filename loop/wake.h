// A task on one loop that any thread may wake: the receiving end of what is shared under a lock
// (event streams, answers of clients).
//
// Wakes are collected by core: many of them cost one message to the core's mailbox. A wake says
// "look again", nothing more; several before the task runs are one.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "loop/bound.h"
#include "loop/intrusive_list.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "loop/scope.h"
#include "loop/timer_wheel.h"

namespace fluxgate::loop {

class Waiter;

// One a core. Made before the loop runs, outlives it.
class WakeList {
public:
    WakeList();
    ~WakeList();
    WakeList(const WakeList&) = delete;
    WakeList& operator=(const WakeList&) = delete;

    // Once, on the loop's own thread, before the first Waiter.
    void attach(Loop* loop) { loop_ = loop; }

private:
    friend class Waiter;
    struct Note final : Message {
        explicit Note(WakeList* owner);
        WakeList* list;
    };
    void add(Waiter& waiter);
    void remove(Waiter& waiter);
    void run();

    Loop* loop_ = nullptr;
    std::mutex mutex_;
    IntrusiveList<Waiter> woken_;  // guarded
    bool is_sent_ = false;         // guarded: note_ is on its way
    Note note_;
};

class Waiter : public ListNode<> {
public:
    // `list` is that of the loop that makes, awaits and destroys this. Whoever calls wake() makes
    // sure, with a lock of his own, that this is still there.
    explicit Waiter(WakeList* list) : list_(*list) {}
    ~Waiter() { list_.remove(*this); }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    // From any thread.
    void wake() { list_.add(*this); }

    class [[nodiscard]] Awaiter {
    public:
        Awaiter(Waiter& waiter, Scope& scope, Duration most)
            : waiter_(waiter), scope_(scope), most_(most) {}
        [[nodiscard]] bool await_ready() const noexcept;
        void await_suspend(std::coroutine_handle<> task);
        [[nodiscard]] Result<void> await_resume();

    private:
        friend class Waiter;
        void timer_fired();
        void scope_cancelled();
        void woken();
        void resume() { task_.resume(); }

        Waiter& waiter_;
        Scope& scope_;
        Duration most_;
        std::coroutine_handle<> task_;
        ErrorCode end_ = ErrorCode::unexpected;  // timed_out, cancelled; else it was woken
        Bound<Timer, &Awaiter::timer_fired> timer_{this};
        Bound<CancelHook, &Awaiter::scope_cancelled> hook_{this};
        Bound<Ready, &Awaiter::resume> ready_{this};
    };
    // Suspends until somebody has called wake() since the last wait() (perhaps at once), at most
    // for `most`: `timed_out`, or `cancelled` with `scope`. One task at a time.
    [[nodiscard]] Awaiter wait(Scope& scope, Duration most) { return Awaiter(*this, scope, most); }

private:
    friend class WakeList;
    void run();

    WakeList& list_;
    Awaiter* awaiter_ = nullptr;  // while a task is suspended
    bool is_due_ = false;         // woken while nobody waited
};

}  // namespace fluxgate::loop
