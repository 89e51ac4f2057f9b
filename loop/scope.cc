#include "loop/scope.h"

#include <utility>

#include "loop/frame_arena.h"
#include "loop/loop.h"

namespace fluxgate::loop {

// The promise of the coroutine that runs one spawned task: it starts at once, and at its end it
// takes itself off the scope's list, frees its frame and tells the scope.
class ScopeChild : public ListNode<ScopeChildTag> {
public:
    struct Handle {
        using promise_type = ScopeChild;
    };

    // The arguments are those of the coroutine, run().
    ScopeChild(Scope* scope, const char* name, const Task<void>& /*task*/)
        : scope_(scope), name_(name) {
        if (scope->loop_ != nullptr) since_ = scope->loop_->now();
        scope->children_.push_back(*this);
        ++scope->live_;
    }

    static Handle run(Scope* /*scope*/, const char* /*name*/, Task<void> task) {
        co_await std::move(task);
    }

    static void* operator new(size_t bytes) { return frame_arena::allocate(bytes); }
    static void operator delete(void* frame, size_t bytes) noexcept {
        frame_arena::release(frame, bytes);
    }

    struct FinalAwaiter {
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<ScopeChild> finished) const noexcept {
            // The frame, and with it this awaiter, is gone after destroy().
            Scope* scope = finished.promise().scope_;
            finished.destroy();
            --scope->live_;
            scope->resume_joiner();
        }
        void await_resume() const noexcept {}
    };
    Handle get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    FinalAwaiter final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }

    void describe(std::string& out, Instant now) const {
        const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - since_);
        out.append(name_).append(" ").append(std::to_string(age.count())).append(" ms\n");
    }

private:
    Scope* scope_;
    const char* name_;
    Instant since_{};
};

Scope::ParentHook::ParentHook(Scope* owner)
    : CancelHook([](CancelHook& hook) { static_cast<ParentHook&>(hook).scope->cancel(); }),
      scope(owner) {
}

Scope::Scope(Loop* loop, Scope* parent) : loop_(loop), parent_(parent), parent_hook_(this) {
    if (parent_ == nullptr) return;
    if (parent_->cancelled_) {
        cancelled_ = true;
    } else {
        parent_->hooks_.push_back(parent_hook_);
    }
}

Scope::~Scope() {
    FLUX_CHECK_OP(live_, ==, 0U);  // join() first
    FLUX_CHECK(joiner_ == nullptr);
    FLUX_CHECK(hooks_.empty());  // an awaitable, or a child scope, outlives this
    FLUX_CHECK(!cancelling_);
}

void Scope::spawn(const char* name, Task<void> task) {
    ScopeChild::run(this, name, std::move(task));
    // `this` may be gone.
}

void Scope::cancel() {
    if (cancelled_) return;
    cancelled_ = true;
    parent_hook_.unlink();
    cancelling_ = true;
    while (CancelHook* hook = hooks_.pop_front()) {
        hook->run();
    }
    cancelling_ = false;
    resume_joiner();
    // `this` may be gone.
}

void Scope::resume_joiner() {
    if (live_ != 0 || cancelling_ || joiner_ == nullptr) return;
    std::exchange(joiner_, nullptr).resume();
}

bool Scope::add_hook(CancelHook& hook) {
    if (cancelled_) {
        hook.run();
        return false;
    }
    hooks_.push_back(hook);
    return true;
}

std::string Scope::describe() const {
    std::string text;
    const Instant now = loop_ == nullptr ? Instant{} : loop_->clock_now();
    children_.for_each([&](ScopeChild& child) { child.describe(text, now); });
    return text;
}

}  // namespace fluxgate::loop
