#include "loop/task.h"

#include <gtest/gtest.h>

#include <coroutine>
#include <memory>
#include <string>
#include <utility>

#include "loop/frame_arena.h"
#include "loop/result.h"
#include "loop/sanitizer.h"

namespace fluxgate::loop {
namespace {

// An operation that a test completes by hand.
struct Gate {
    std::coroutine_handle<> waiter;
    void open() { std::exchange(waiter, nullptr).resume(); }
};
struct GateRef {
    Gate* gate;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const noexcept { gate->waiter = handle; }
    void await_resume() const noexcept {}
};

Task<int> answer(int value) {
    co_return value;
}
Task<int> answer_after(Gate* gate, int value) {
    co_await GateRef{gate};
    co_return value;
}
Task<int> sum(Gate* gate) {
    const int now = co_await answer(1);
    const int later = co_await answer_after(gate, 10);
    const int again = co_await answer_after(gate, 100);
    co_return now + later + again;
}

class TaskTest : public ::testing::Test {
protected:
    void TearDown() override { EXPECT_EQ(frame_arena::live(), live_before_) << "a leaked frame"; }
    size_t live_before_ = frame_arena::live();
};

TEST_F(TaskTest, IsLazyAndADroppedOneNeverRuns) {
    bool ran = false;
    const auto mark = [](bool* flag) -> Task<void> {
        *flag = true;
        co_return;
    };
    {
        const Task<void> dropped = mark(&ran);
        EXPECT_FALSE(dropped.done());
    }
    EXPECT_FALSE(ran);
    Task<void> task = mark(&ran);
    EXPECT_TRUE(task.start());
    EXPECT_TRUE(ran);
}

TEST_F(TaskTest, AChildThatDoesNotSuspendDoesNotSuspendItsParent) {
    const auto parent = []() -> Task<int> {
        const int left = co_await answer(20);
        const int right = co_await answer(22);
        co_return left + right;
    };
    Task<int> task = parent();
    EXPECT_TRUE(task.start());
    EXPECT_EQ(task.take(), 42);
}

TEST_F(TaskTest, AChildThatSuspendsResumesItsParent) {
    Gate gate;
    Task<int> task = sum(&gate);
    EXPECT_FALSE(task.start());
    gate.open();
    EXPECT_FALSE(task.done());
    gate.open();
    ASSERT_TRUE(task.done());
    EXPECT_EQ(task.take(), 111);
}

TEST_F(TaskTest, MoveOnlyResultsAndParametersPass) {
    const auto pass = [](std::unique_ptr<std::string> text) -> Task<std::unique_ptr<std::string>> {
        co_return text;
    };
    const auto parent = [](auto inner) -> Task<std::string> {
        Task<std::unique_ptr<std::string>> child = inner(std::make_unique<std::string>("moved"));
        const std::unique_ptr<std::string> text = co_await std::move(child);
        co_return *text;
    };
    Task<std::string> task = parent(pass);
    EXPECT_TRUE(task.start());
    EXPECT_EQ(task.take(), "moved");
}

TEST_F(TaskTest, ReturnsErrorsAndBracesAsResults) {
    const auto fail = [](bool fails) -> Task<Result<void>> {
        if (fails) co_return std::unexpected(Error{ErrorCode::reset, 104, "recv"});
        co_return {};
    };
    Task<Result<void>> failed = fail(true);
    EXPECT_TRUE(failed.start());
    EXPECT_EQ(failed.take().error().code, ErrorCode::reset);
    Task<Result<void>> fine = fail(false);
    EXPECT_TRUE(fine.start());
    EXPECT_TRUE(fine.take().has_value());
}

TEST_F(TaskTest, AMillionAwaitsInARowUseNoMoreStack) {
    const auto parent = []() -> Task<int64_t> {
        int64_t total = 0;
        for (int i = 0; i < 1'000'000; ++i) {
            const int value = co_await answer(1);
            total += value;
        }
        co_return total;
    };
    Task<int64_t> task = parent();
    EXPECT_TRUE(task.start());
    EXPECT_EQ(task.take(), 1'000'000);
}

TEST_F(TaskTest, ManySuspensionsInARowUseNoMoreStack) {
    const auto parent = [](Gate* gate) -> Task<int> {
        int total = 0;
        for (int i = 0; i < 100'000; ++i) {
            const int value = co_await answer_after(gate, 1);
            total += value;
        }
        co_return total;
    };
    Gate gate;
    Task<int> task = parent(&gate);
    task.start();
    while (!task.done()) {
        gate.open();
    }
    EXPECT_EQ(task.take(), 100'000);
}

TEST_F(TaskTest, LocalsAndParametersDieInOrderWhenATaskEnds) {
    struct Noter {
        std::string* log;
        char mark;
        ~Noter() { *log += mark; }
    };
    const auto child = [](std::string* log, Gate* gate) -> Task<void> {
        const Noter noter{log, 'c'};
        co_await GateRef{gate};
    };
    const auto parent = [](std::string* log, Gate* gate, auto inner) -> Task<void> {
        const Noter noter{log, 'p'};
        co_await inner(log, gate);
        *log += '.';
    };
    std::string log;
    Gate gate;
    Task<void> task = parent(&log, &gate, child);
    task.start();
    EXPECT_EQ(log, "");
    gate.open();
    EXPECT_EQ(log, "c.p");
}

TEST_F(TaskTest, AWarmTaskMallocsNothing) {
    if (address_sanitizer) GTEST_SKIP() << "nothing is kept under AddressSanitizer";
    Gate gate;
    const auto once = [&gate] {
        Task<int> task = sum(&gate);
        task.start();
        gate.open();
        gate.open();
        return task.take();
    };
    once();
    const size_t before = frame_arena::mallocs();
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(once(), 111);
    }
    EXPECT_EQ(frame_arena::mallocs(), before);
}

TEST(TaskDeathTest, AbortsWhenASuspendedTaskIsDestroyed) {
    EXPECT_DEATH(
        {
            Gate gate;
            Task<int> task = answer_after(&gate, 1);
            task.start();
        },
        "is_started");
}

TEST(TaskDeathTest, AbortsWhenATaskIsStartedTwice) {
    EXPECT_DEATH(
        {
            Task<int> task = answer(1);
            task.start();
            task.start();
        },
        "started_");
}

TEST(TaskDeathTest, AbortsWhenAMovedFromTaskIsAwaited) {
    const auto parent = []() -> Task<void> {
        Task<int> task = answer(1);
        const Task<int> other = std::move(task);
        // NOLINTNEXTLINE(bugprone-use-after-move)
        [[maybe_unused]] const int value = co_await std::move(task);
    };
    EXPECT_DEATH(
        {
            Task<void> task = parent();
            task.start();
        },
        "handle_");
}

TEST(TaskDeathTest, AbortsWhenAnExceptionEscapes) {
    const auto thrower = []() -> Task<void> {
        throw 1;
        co_return;
    };
    EXPECT_DEATH(
        {
            Task<void> task = thrower();
            task.start();
        },
        "");
}

}  // namespace
}  // namespace fluxgate::loop
