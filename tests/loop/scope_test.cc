#include "loop/scope.h"

#include <gtest/gtest.h>

#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop/frame_arena.h"
#include "loop/result.h"

namespace fluxgate::loop {
namespace {

using std::chrono::seconds;

// An operation that a test completes by hand and that a scope can cancel.
class Operation {
public:
    struct Awaiter final : CancelHook {
        Awaiter(Operation* target, Scope* owner)
            : CancelHook([](CancelHook& hook) { static_cast<Awaiter&>(hook).cancelled(); }),
              operation(target),
              scope(owner) {}
        bool await_ready() {
            result = std::nullopt;
            if (scope->is_cancelled()) result = std::unexpected(Error{ErrorCode::cancelled, 0, ""});
            return result.has_value();
        }
        void await_suspend(std::coroutine_handle<> handle) {
            waiter = handle;
            operation->awaiter_ = this;
            EXPECT_TRUE(scope->add_hook(*this));
        }
        Result<int> await_resume() { return *result; }

        void cancelled() { finish(std::unexpected(Error{ErrorCode::cancelled, 0, ""})); }
        void finish(Result<int> value) {
            unlink();
            operation->awaiter_ = nullptr;
            result = value;
            waiter.resume();
        }
        Operation* operation;
        Scope* scope;
        std::coroutine_handle<> waiter;
        std::optional<Result<int>> result;
    };

    Awaiter run(Scope* scope) { return Awaiter(this, scope); }
    void finish(int value) { awaiter_->finish(value); }
    [[nodiscard]] bool is_waiting() const { return awaiter_ != nullptr; }

private:
    Awaiter* awaiter_ = nullptr;
};

// Notes what became of the operation: 'c' for cancelled, else the number.
Task<void> wait_for(Operation* operation, Scope* scope, std::string* log) {
    const Result<int> result = co_await operation->run(scope);
    *log += result.has_value() ? std::to_string(*result) : "c";
}
Task<void> join_then_note(Scope* scope, std::string* log) {
    co_await scope->join();
    *log += 'j';
}

class ScopeTest : public ::testing::Test {
protected:
    void TearDown() override { EXPECT_EQ(frame_arena::live(), live_before_) << "a leaked frame"; }
    size_t live_before_ = frame_arena::live();
    std::string log_;
    Operation first_;
    Operation second_;
};

TEST_F(ScopeTest, ATaskThatDoesNotSuspendIsGoneWhenSpawnReturns) {
    Scope scope(nullptr);
    const auto note = [](std::string* log) -> Task<void> {
        *log += 'x';
        co_return;
    };
    scope.spawn("note", note(&log_));
    EXPECT_EQ(log_, "x");
    EXPECT_TRUE(scope.empty());
}

TEST_F(ScopeTest, JoinWaitsForTheLastTask) {
    Scope scope(nullptr);
    scope.spawn("first", wait_for(&first_, &scope, &log_));
    scope.spawn("second", wait_for(&second_, &scope, &log_));
    Task<void> joiner = join_then_note(&scope, &log_);
    EXPECT_FALSE(joiner.start());
    second_.finish(2);
    EXPECT_FALSE(joiner.done());
    first_.finish(1);
    EXPECT_TRUE(joiner.done());
    EXPECT_EQ(log_, "21j");
}

TEST_F(ScopeTest, JoinOfAnEmptyScopeDoesNotSuspend) {
    Scope scope(nullptr);
    Task<void> joiner = join_then_note(&scope, &log_);
    EXPECT_TRUE(joiner.start());
}

TEST_F(ScopeTest, CancelEndsEverySuspendedOperation) {
    Scope scope(nullptr);
    scope.spawn("first", wait_for(&first_, &scope, &log_));
    scope.spawn("second", wait_for(&second_, &scope, &log_));
    scope.cancel();
    EXPECT_EQ(log_, "cc");
    EXPECT_TRUE(scope.empty());
    scope.cancel();  // again does nothing
    EXPECT_EQ(log_, "cc");
}

TEST_F(ScopeTest, ATaskSpawnedIntoACancelledScopeSeesIt) {
    Scope scope(nullptr);
    scope.cancel();
    scope.spawn("late", wait_for(&first_, &scope, &log_));
    EXPECT_EQ(log_, "c");
    EXPECT_TRUE(scope.empty());
}

TEST_F(ScopeTest, ACancelledTaskMayStillWorkBeforeItEnds) {
    Scope scope(nullptr);
    // The second operation stands for one that the kernel has not given back yet.
    const auto clean_up = [](Operation* operation, Operation* slow, Scope* cancelled,
                             Scope* uncancelled, std::string* log) -> Task<void> {
        const Result<int> result = co_await operation->run(cancelled);
        *log += result.has_value() ? "?" : "c";
        const Result<int> rest = co_await slow->run(uncancelled);
        *log += std::to_string(*rest);
    };
    Scope other(nullptr);
    scope.spawn("clean", clean_up(&first_, &second_, &scope, &other, &log_));
    scope.cancel();
    EXPECT_FALSE(scope.empty());
    second_.finish(7);
    EXPECT_TRUE(scope.empty());
    EXPECT_EQ(log_, "c7");
}

TEST_F(ScopeTest, AHookAddedToACancelledScopeRunsAtOnce) {
    struct Hook final : CancelHook {
        Hook() : CancelHook([](CancelHook& hook) { ++static_cast<Hook&>(hook).runs; }) {}
        int runs = 0;
    };
    Scope scope(nullptr);
    Hook before;
    Hook dropped;
    EXPECT_TRUE(scope.add_hook(before));
    {
        Hook dead;
        EXPECT_TRUE(scope.add_hook(dead));
    }
    EXPECT_TRUE(scope.add_hook(dropped));
    dropped.unlink();
    scope.cancel();
    EXPECT_EQ(before.runs, 1);
    EXPECT_EQ(dropped.runs, 0);
    Hook after;
    EXPECT_FALSE(scope.add_hook(after));
    EXPECT_EQ(after.runs, 1);
    EXPECT_FALSE(after.is_linked());
}

TEST_F(ScopeTest, CancellingAParentCancelsItsChildrenAndNotTheReverse) {
    Scope parent(nullptr);
    Scope child(nullptr, &parent);
    Scope sibling(nullptr, &parent);
    child.spawn("first", wait_for(&first_, &child, &log_));
    sibling.spawn("second", wait_for(&second_, &sibling, &log_));
    child.cancel();
    EXPECT_FALSE(parent.is_cancelled());
    EXPECT_FALSE(sibling.is_cancelled());
    EXPECT_EQ(log_, "c");
    parent.cancel();
    EXPECT_TRUE(sibling.is_cancelled());
    EXPECT_EQ(log_, "cc");
    Scope late(nullptr, &parent);
    EXPECT_TRUE(late.is_cancelled());
}

// The joiner owns the scope, so the scope is freed inside its own cancel().
TEST_F(ScopeTest, AScopeMayDieWithTheTaskThatCancelEnds) {
    Scope outer(nullptr);
    const auto owner = [](Scope* parent, Operation* operation, std::string* log) -> Task<void> {
        auto scope = std::make_unique<Scope>(nullptr, parent);
        scope->spawn("inner", wait_for(operation, scope.get(), log));
        co_await scope->join();
        scope.reset();
        *log += 'f';
    };
    outer.spawn("owner", owner(&outer, &first_, &log_));
    outer.spawn("other", owner(&outer, &second_, &log_));
    outer.cancel();
    EXPECT_EQ(log_, "cfcf");
    EXPECT_TRUE(outer.empty());
}

TEST_F(ScopeTest, AScopeMayDieWithItsLastTask) {
    const auto owner = [](Operation* operation, std::string* log) -> Task<void> {
        Scope scope(nullptr);
        scope.spawn("inner", wait_for(operation, &scope, log));
        co_await scope.join();
        *log += 'f';
    };
    Task<void> task = owner(&first_, &log_);
    task.start();
    first_.finish(1);
    EXPECT_TRUE(task.done());
    EXPECT_EQ(log_, "1f");
}

TEST_F(ScopeTest, ATaskMaySpawnWhileAJoinWaits) {
    Scope scope(nullptr);
    const auto spawner = [](Scope* target, Operation* one, Operation* two,
                            std::string* log) -> Task<void> {
        const Result<int> result = co_await one->run(target);
        *log += std::to_string(*result);
        target->spawn("more", wait_for(two, target, log));
    };
    scope.spawn("spawner", spawner(&scope, &first_, &second_, &log_));
    Task<void> joiner = join_then_note(&scope, &log_);
    joiner.start();
    first_.finish(1);
    EXPECT_FALSE(joiner.done());
    second_.finish(2);
    EXPECT_EQ(log_, "12j");
}

TEST_F(ScopeTest, ADeadlineIsInheritedAndOnlyEverGetsEarlier) {
    const Instant start{seconds(100)};
    Scope parent(nullptr);
    EXPECT_TRUE(parent.deadline().is_never());
    Scope child(nullptr, &parent);
    parent.set_deadline(Deadline(start + seconds(10)));  // after the child was made
    EXPECT_EQ(child.deadline().at(), start + seconds(10));
    child.set_deadline(Deadline(start + seconds(60)));
    EXPECT_EQ(child.deadline().at(), start + seconds(10));
    child.set_deadline(Deadline(start + seconds(5)));
    EXPECT_EQ(child.deadline().at(), start + seconds(5));
    EXPECT_EQ(parent.deadline().at(), start + seconds(10));
    parent.set_deadline(Deadline::never());
    EXPECT_EQ(parent.deadline().at(), start + seconds(10));
}

TEST_F(ScopeTest, DescribeListsWhatIsAlive) {
    Scope scope(nullptr);
    EXPECT_EQ(scope.describe(), "");
    scope.spawn("query_table", wait_for(&first_, &scope, &log_));
    scope.spawn("ping", wait_for(&second_, &scope, &log_));
    EXPECT_EQ(scope.describe(), "query_table 0 ms\nping 0 ms\n");
    EXPECT_EQ(scope.live(), 2U);
    first_.finish(1);
    EXPECT_EQ(scope.describe(), "ping 0 ms\n");
    second_.finish(1);
}

TEST(ScopeDeathTest, AbortsWhenItDiesWithATaskInside) {
    EXPECT_DEATH(
        {
            std::string log;
            Operation operation;
            Scope scope(nullptr);
            scope.spawn("left", wait_for(&operation, &scope, &log));
            EXPECT_EQ(frame_arena::live(), 2U);  // what a loop's end finds as a leak
        },
        "live_ == 0");
}

TEST(ScopeDeathTest, AbortsOnASecondJoiner) {
    EXPECT_DEATH(
        {
            std::string log;
            Operation operation;
            Scope scope(nullptr);
            scope.spawn("task", wait_for(&operation, &scope, &log));
            Task<void> first = join_then_note(&scope, &log);
            Task<void> second = join_then_note(&scope, &log);
            first.start();
            second.start();
        },
        "joiner_ == nullptr");
}

TEST(ScopeDeathTest, AbortsWhenAParentDiesBeforeItsChild) {
    EXPECT_DEATH(
        {
            auto parent = std::make_unique<Scope>(nullptr);
            const Scope child(nullptr, parent.get());
            parent.reset();
        },
        "hooks_.empty");
}

}  // namespace
}  // namespace fluxgate::loop
