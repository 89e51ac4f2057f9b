// Task<T>: a lazy coroutine for everything that is a sequence (the rules of tasks are
// in docs/architecture.md).
//
// Starts when it is awaited, is awaited exactly once, and is never destroyed while it is suspended
// in an operation (the kernel still writes; cancel through the Scope and let it unwind): ~Task
// aborts then. There is no symmetric transfer: co_await runs the child inline and suspends the
// parent only if the child did not finish. Tasks throw nothing; an exception that escapes aborts.
//
// Write one co_await a statement, into a named variable. Take parameters by value, or pointers to
// what outlives the Scope; no reference parameters, no capturing lambdas.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "loop/check.h"
#include "loop/frame_arena.h"

namespace fluxgate::loop {

template <class T>
class Task;

namespace detail {

class PromiseBase {
public:
    static void* operator new(size_t bytes) { return frame_arena::allocate(bytes); }
    static void operator delete(void* frame, size_t bytes) noexcept {
        frame_arena::release(frame, bytes);
    }

    std::suspend_always initial_suspend() noexcept { return {}; }

    struct FinalAwaiter {
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> finished) noexcept {
            // The parent frees this frame, so nothing here may be touched after resume().
            std::coroutine_handle<> parent = finished.promise().parent_;
            if (parent) parent.resume();
        }
        void await_resume() const noexcept {}
    };
    FinalAwaiter final_suspend() noexcept { return {}; }
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }

    void set_parent(std::coroutine_handle<> parent) { parent_ = parent; }
    // Once: a task that is awaited twice aborts.
    void set_started() {
        FLUX_CHECK(!started_);
        started_ = true;
    }
    [[nodiscard]] bool is_started() const { return started_; }

private:
    std::coroutine_handle<> parent_;  // set exactly while a parent is suspended on this task
    bool started_ = false;
};

template <class T>
class Promise final : public PromiseBase {
public:
    static_assert(!std::is_reference_v<T>, "a task returns a value, or a pointer");

    Task<T> get_return_object() noexcept;
    template <class U = T>
        requires std::is_constructible_v<T, U&&>
    void return_value(U&& value) {
        value_.emplace(std::forward<U>(value));
    }
    T take() {
        FLUX_CHECK(value_.has_value());
        return std::move(*value_);
    }

private:
    std::optional<T> value_;
};

template <>
class Promise<void> final : public PromiseBase {
public:
    Task<void> get_return_object() noexcept;
    void return_void() noexcept {}
    void take() noexcept {}
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
public:
    using promise_type = detail::Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task&&) = delete;
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task() {
        if (!handle_) return;
        FLUX_CHECK(!handle_.promise().is_started() ||
                   handle_.done());  // the kernel may still write into it
        handle_.destroy();
    }

    auto operator co_await() && noexcept {
        FLUX_CHECK(static_cast<bool>(handle_));
        return Awaiter{handle_};
    }

    // For Scope and tests: runs it until it suspends or ends; true when it ended.
    bool start(std::coroutine_handle<> parent = nullptr) {
        FLUX_CHECK(static_cast<bool>(handle_));
        handle_.promise().set_started();
        handle_.resume();
        if (handle_.done()) return true;
        handle_.promise().set_parent(parent);
        return false;
    }
    [[nodiscard]] bool done() const { return handle_.done(); }
    // Once, when it is done().
    T take() { return handle_.promise().take(); }

private:
    friend promise_type;
    explicit Task(Handle handle) : handle_(handle) {}

    struct Awaiter {
        Handle child;
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        bool await_suspend(std::coroutine_handle<> parent) noexcept {
            child.promise().set_started();
            child.resume();
            if (child.done()) return false;
            child.promise().set_parent(parent);
            return true;
        }
        T await_resume() { return child.promise().take(); }
    };

    Handle handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
    return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
    return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

}  // namespace fluxgate::loop
