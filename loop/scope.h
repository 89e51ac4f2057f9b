// Structured concurrency: the one place where tasks fork, are cancelled and are joined.
//
// A Scope owns what it spawns and must be empty before it dies (~Scope aborts otherwise). cancel()
// marks it and calls every CancelHook that a suspended awaitable has registered; the awaitable then
// ends its operation and returns ErrorCode::cancelled, and the task unwinds by returning. Nothing
// is destroyed while it is suspended. Single-threaded, of one Loop.
#pragma once

#include <coroutine>
#include <cstddef>
#include <string>

#include "loop/check.h"
#include "loop/clock.h"
#include "loop/deadline.h"
#include "loop/intrusive_list.h"
#include "loop/task.h"

namespace fluxgate::loop {

class Loop;
struct CancelTag;
struct ScopeChildTag;
class ScopeChild;  // a spawned task; see scope.cc

// Registered by an awaitable for as long as it is suspended.
class CancelHook : public ListNode<CancelTag> {
public:
    // Runs once, after the hook is off the scope's list. It may resume the task inline.
    using Handler = void (*)(CancelHook& hook);
    explicit CancelHook(Handler handler) : handler_(handler) {}
    void run() { handler_(*this); }

private:
    Handler handler_;
};

class Scope {
public:
    // A child scope is cancelled with its parent (at once, where that has happened) and inherits
    // the earlier deadline. It must die before the parent. `loop` may be null in tests that need no
    // time.
    explicit Scope(Loop* loop, Scope* parent = nullptr);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    // Runs `task` until its first suspension, inline. `name` is static text, shown by describe(). A
    // cancelled scope still runs it: the task sees is_cancelled() and returns. When the task ends
    // inline and it was the last that a join() waited for, the scope may be gone when spawn()
    // returns.
    void spawn(const char* name, Task<void> task);

    // Idempotent. Hooks run inline; tasks may still be alive afterwards: join() waits for them. A
    // suspended join() is resumed after the last hook has run, so the scope may be gone when
    // cancel() returns.
    void cancel();
    [[nodiscard]] bool is_cancelled() const { return cancelled_; }

    // The earliest of its own and those of the scopes above it, as they are now.
    [[nodiscard]] Deadline deadline() const {
        return parent_ == nullptr ? deadline_ : deadline_.earlier(parent_->deadline());
    }
    // Never later than it was. Starts no timer: awaitables and queries ask for it.
    void set_deadline(Deadline deadline) { deadline_ = deadline_.earlier(deadline); }

    struct [[nodiscard]] JoinAwaiter {
        Scope& scope;
        [[nodiscard]] bool await_ready() const noexcept { return scope.empty(); }
        void await_suspend(std::coroutine_handle<> waiter) const noexcept {
            FLUX_CHECK(scope.joiner_ == nullptr);
            scope.joiner_ = waiter;
        }
        void await_resume() const noexcept {}
    };
    // Suspends until no task is left. One waiter at a time; not cancellable itself; never from one
    // of the scope's own tasks, which would wait for itself.
    [[nodiscard]] JoinAwaiter join() noexcept { return JoinAwaiter{*this}; }
    [[nodiscard]] bool empty() const { return live_ == 0; }
    [[nodiscard]] size_t live() const { return live_; }
    [[nodiscard]] Loop& loop() const {
        FLUX_DCHECK(loop_ != nullptr);
        return *loop_;
    }

    // If the scope is cancelled already the hook runs at once and false is returned.
    bool add_hook(CancelHook& hook);

    // One line a task, oldest first: name and age. For the operator's "what is it doing".
    [[nodiscard]] std::string describe() const;

private:
    friend class ScopeChild;
    struct ParentHook final : CancelHook {
        explicit ParentHook(Scope* scope);
        Scope* scope;
    };
    void resume_joiner();

    Loop* loop_;
    Scope* parent_;
    ParentHook parent_hook_;  // on the parent's list until one of the two is cancelled or dies
    Deadline deadline_;
    IntrusiveList<CancelHook, CancelTag> hooks_;
    mutable IntrusiveList<ScopeChild, ScopeChildTag> children_;
    size_t live_ = 0;
    std::coroutine_handle<> joiner_;  // set exactly while somebody is suspended in join()
    bool cancelled_ = false;
    bool cancelling_ = false;  // hooks are running: nobody may resume the joiner meanwhile
};

}  // namespace fluxgate::loop
