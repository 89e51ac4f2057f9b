// A small pool of helper threads for calls that can not be made asynchronous: bcrypt, getaddrinfo,
// PQconnectStart. Not for work that a loop could do itself.
//
// `co_await run_blocking(pool, loop, function)` runs `function()` on a helper and resumes on the
// caller's loop with its result. The queue is bounded: ErrorCode::exhausted when it is full.
// Cancellation does not stop a function that runs: the await returns when it has ended. `function`
// must be a plain callable that owns its inputs by value and throws nothing.
//
// The pool must die before the loops that it serves: a helper may still be inside a loop's mailbox
// when the task that waited has gone on.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "loop/mailbox.h"
#include "loop/result.h"

namespace fluxgate::loop {

class BlockingPool {
public:
    struct Options {
        size_t threads = 2;
        size_t queue_max = 256;  // jobs that no helper has begun
    };
    explicit BlockingPool(const Options& options);
    ~BlockingPool();  // finishes what is queued, then joins
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;

    struct Job {
        void (*work)(Job& job) =
            nullptr;  // on a helper thread; the job may be gone when it returns
        virtual ~Job() = default;
    };
    // False when the queue is full. `job` must stay until its work has run. From any thread.
    [[nodiscard]] bool submit(Job& job);

private:
    void run_helper();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Job*> queue_;  // under mutex_
    bool stopping_ = false;   // under mutex_
    const size_t queue_max_;
    std::vector<std::thread> helpers_;
};

// The awaitable lives in the awaiting frame: an await allocates nothing beside what `Function`
// does.
template <class Function>
class [[nodiscard]] BlockingCall final : private BlockingPool::Job, private Message {
public:
    using Value = decltype(std::declval<Function&>()());

    BlockingCall(BlockingPool& pool, Loop& loop, Function function)
        : Message([](Message& message) { static_cast<BlockingCall&>(message).waiter_.resume(); }),
          pool_(pool),
          loop_(loop),
          function_(std::move(function)) {
        work = [](BlockingPool::Job& job) {
            auto& self = static_cast<BlockingCall&>(job);
            if constexpr (std::is_void_v<Value>) {
                self.function_();
                self.value_.emplace();
            } else {
                self.value_.emplace(self.function_());
            }
            self.deliver();  // the last: the loop may free this frame from here on
        };
    }
    BlockingCall(const BlockingCall&) = delete;
    BlockingCall& operator=(const BlockingCall&) = delete;

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        // The helper may finish before submit() returns, but it resumes through the loop's mailbox,
        // which this thread reads only after it has suspended.
        return pool_.submit(*this);
    }
    Result<Value> await_resume() {
        if (!value_) return std::unexpected(Error{ErrorCode::exhausted, 0, "blocking pool queue"});
        if constexpr (std::is_void_v<Value>) {
            return {};
        } else {
            return std::move(*value_);
        }
    }

private:
    using Stored = std::conditional_t<std::is_void_v<Value>, std::monostate, Value>;
    void deliver();

    BlockingPool& pool_;
    Loop& loop_;
    Function function_;
    std::optional<Stored> value_;  // set by the helper before it delivers, read by the loop after
    std::coroutine_handle<> waiter_;
};

// Sends `message` to `loop`'s mailbox; out of line so that this header need not see Loop.
void send_to(Loop& loop, Message& message);

template <class Function>
void BlockingCall<Function>::deliver() {
    send_to(loop_, *this);
}

template <class Function>
BlockingCall<Function> run_blocking(BlockingPool& pool, Loop& loop, Function function) {
    return BlockingCall<Function>(pool, loop, std::move(function));
}

}  // namespace fluxgate::loop
