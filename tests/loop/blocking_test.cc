#include "loop/blocking.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "loop/frame_arena.h"
#include "loop/scope.h"
#include "tests/loop/loop_fixture.h"

namespace fluxgate::loop {
namespace {

using test::make_loop;
using test::run_until;

// Holds helper threads until the test lets them go.
class Latch {
public:
    void wait() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
    }
    void wait_for_helpers(int count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return waiting_ >= count; });
    }
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int waiting_ = 0;
    bool open_ = false;
};

struct CountingJob : BlockingPool::Job {
    explicit CountingJob(std::atomic<int>* target) : count(target) {
        work = [](Job& job) { ++*static_cast<CountingJob&>(job).count; };
    }
    std::atomic<int>* count;
};
struct LatchJob : BlockingPool::Job {
    explicit LatchJob(Latch* target) : latch(target) {
        work = [](Job& job) { static_cast<LatchJob&>(job).latch->wait(); };
    }
    Latch* latch;
};

TEST(BlockingPool, RunsAllJobsAndFinishesTheQueueBeforeItDies) {
    std::atomic<int> count = 0;
    std::vector<std::unique_ptr<CountingJob>> jobs;
    {
        BlockingPool pool({.threads = 3, .queue_max = 200});
        for (int i = 0; i < 200; ++i) {
            jobs.push_back(std::make_unique<CountingJob>(&count));
            EXPECT_TRUE(pool.submit(*jobs.back()));
        }
    }
    EXPECT_EQ(count, 200);
}

TEST(BlockingPool, RefusesWhatIsOverItsQueue) {
    Latch latch;
    std::atomic<int> count = 0;
    LatchJob holder(&latch);
    CountingJob first(&count);
    CountingJob second(&count);
    CountingJob third(&count);
    {
        BlockingPool pool({.threads = 1, .queue_max = 2});
        ASSERT_TRUE(pool.submit(holder));
        latch.wait_for_helpers(1);  // it left the queue
        EXPECT_TRUE(pool.submit(first));
        EXPECT_TRUE(pool.submit(second));
        EXPECT_FALSE(pool.submit(third));
        latch.open();
    }
    EXPECT_EQ(count, 2);
}

// A queue that is full at once tells the caller without a loop: it never suspends.
TEST(BlockingCall, IsExhaustedWhenTheQueueIsFull) {
    Latch latch;
    LatchJob holder(&latch);
    LatchJob queued(&latch);
    const auto loop = make_loop();
    BlockingPool pool({.threads = 1, .queue_max = 1});
    ASSERT_TRUE(pool.submit(holder));
    latch.wait_for_helpers(1);
    ASSERT_TRUE(pool.submit(queued));
    const auto ask = [](BlockingPool* target, Loop* home) -> Task<Result<int>> {
        Result<int> result = co_await run_blocking(*target, *home, [] { return 1; });
        co_return result;
    };
    Task<Result<int>> task = ask(&pool, loop.get());
    ASSERT_TRUE(task.start());
    EXPECT_EQ(task.take().error().code, ErrorCode::exhausted);
    latch.open();
}

struct Outcome {
    std::thread::id helper;
    std::thread::id resumed;
    std::string text;
    int done = 0;
};

TEST(BlockingCall, RunsElsewhereAndResumesOnItsLoop) {
    const auto loop = make_loop();
    Outcome outcome;
    {
        BlockingPool pool({.threads = 2, .queue_max = 16});
        Scope scope(loop.get());
        const auto ask = [](BlockingPool* target, Loop* home, Outcome* out) -> Task<void> {
            std::string input = "owned";
            auto function = [input, out] {
                out->helper = std::this_thread::get_id();
                return std::make_unique<std::string>(input + " by value");
            };
            Result<std::unique_ptr<std::string>> result =
                co_await run_blocking(*target, *home, std::move(function));
            out->resumed = std::this_thread::get_id();
            out->text = **result;
            ++out->done;
        };
        scope.spawn("ask", ask(&pool, loop.get(), &outcome));
        EXPECT_FALSE(scope.empty());
        EXPECT_TRUE(run_until(*loop, [&] { return scope.empty(); }));
    }
    EXPECT_EQ(outcome.text, "owned by value");
    EXPECT_EQ(outcome.resumed, std::this_thread::get_id());
    EXPECT_NE(outcome.helper, std::this_thread::get_id());
    EXPECT_EQ(frame_arena::live(), 0U);
}

TEST(BlockingCall, AFunctionWithoutAResultWorks) {
    const auto loop = make_loop();
    std::atomic<int> ran = 0;
    Outcome outcome;
    BlockingPool pool({.threads = 1, .queue_max = 1});
    Scope scope(loop.get());
    const auto ask = [](BlockingPool* target, Loop* home, std::atomic<int>* count,
                        Outcome* out) -> Task<void> {
        const Result<void> result = co_await run_blocking(*target, *home, [count] { ++*count; });
        out->done += result.has_value() ? 1 : 0;
    };
    scope.spawn("ask", ask(&pool, loop.get(), &ran, &outcome));
    EXPECT_TRUE(run_until(*loop, [&] { return scope.empty(); }));
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(outcome.done, 1);
}

TEST(BlockingCall, ManyTasksOfTwoLoopsShareAPool) {
    BlockingPool* shared = nullptr;
    constexpr int tasks = 200;
    // Each loop's last job of the one helper: once it waits here, it is out of the loop's mailbox.
    Latch first_last;
    Latch second_last;
    LatchJob first_barrier(&first_last);
    LatchJob second_barrier(&second_last);
    const auto drive = [&shared](std::atomic<int>* sum, LatchJob* barrier) {
        const auto loop = make_loop();
        Scope scope(loop.get());
        const auto ask = [](BlockingPool* pool, Loop* home, int value,
                            std::atomic<int>* total) -> Task<void> {
            const Result<int> result =
                co_await run_blocking(*pool, *home, [value] { return value * 2; });
            *total += result.value_or(-1'000'000);
        };
        for (int i = 0; i < tasks; ++i) {
            scope.spawn("ask", ask(shared, loop.get(), i, sum));
        }
        EXPECT_TRUE(run_until(*loop, [&] { return scope.empty(); }));
        ASSERT_TRUE(shared->submit(*barrier));
        barrier->latch->wait_for_helpers(1);
        barrier->latch->open();
    };
    std::atomic<int> first = 0;
    std::atomic<int> second = 0;
    {
        BlockingPool pool({.threads = 1, .queue_max = 1000});
        shared = &pool;
        std::jthread other([&] { drive(&second, &second_barrier); });
        drive(&first, &first_barrier);
    }
    EXPECT_EQ(first, tasks * (tasks - 1));
    EXPECT_EQ(second, tasks * (tasks - 1));
}

// A cancelled scope still waits for the function: its frame holds what the helper uses.
TEST(BlockingCall, CancelDoesNotAbandonAFunctionThatRuns) {
    const auto loop = make_loop();
    Latch latch;
    Outcome outcome;
    BlockingPool pool({.threads = 1, .queue_max = 1});
    Scope scope(loop.get());
    const auto ask = [](BlockingPool* target, Loop* home, Latch* gate, Outcome* out) -> Task<void> {
        const Result<int> result = co_await run_blocking(*target, *home, [gate] {
            gate->wait();
            return 7;
        });
        out->done = *result;
    };
    scope.spawn("ask", ask(&pool, loop.get(), &latch, &outcome));
    latch.wait_for_helpers(1);
    scope.cancel();
    loop->run_until_idle();
    EXPECT_FALSE(scope.empty());
    latch.open();
    EXPECT_TRUE(run_until(*loop, [&] { return scope.empty(); }));
    EXPECT_EQ(outcome.done, 7);
}

}  // namespace
}  // namespace fluxgate::loop
