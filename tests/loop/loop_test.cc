#include "loop/loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <poll.h>

#include "loop/bound.h"
#include "tests/loop/loop_fixture.h"
#include "tests/support/manual_clock.h"

namespace fluxgate::loop {
namespace {

using namespace std::chrono_literals;
using test::make_loop;
using test::ManualClock;

// A Ready, Timer or Op whose callback is a std::function.
struct Action {
    explicit Action(std::function<void()> what) : body(std::move(what)) {}
    void run() { body(); }
    void run_op(int32_t op_result, uint32_t) {
        result = op_result;
        body();
    }
    std::function<void()> body;
    int32_t result = 0;
    Bound<Ready, &Action::run> ready{this};
    Bound<Timer, &Action::run> timer{this};
    Bound<Op, &Action::run_op> op{this};
};

TEST(Loop, RunsWhatIsPostedOnceThoughPostedTwice) {
    auto loop = make_loop();
    int runs = 0;
    Action action([&] { ++runs; });
    loop->post(action.ready);
    loop->post(action.ready);
    EXPECT_EQ(runs, 0);
    loop->run_until_idle();
    EXPECT_EQ(runs, 1);
}

TEST(Loop, RunsTheTurnEndAfterTheReadyListAndBeforeTheSubmit) {
    auto loop = make_loop();
    std::string order;
    Action nop([&] { order += "completion "; });
    Action ready([&] { order += "ready "; });
    Action turn_end([&] {
        order += "end ";
        loop->ring().nop(nop.op);
    });
    loop->post_turn_end(turn_end.ready);
    loop->post(ready.ready);
    loop->run_turn(0ms);
    EXPECT_EQ(order, "ready end completion ");
}

TEST(Loop, ATurnEndPostedByATurnEndWaitsForTheNextTurn) {
    auto loop = make_loop();
    int runs = 0;
    Action again([] {});
    again.body = [&] {
        if (++runs < 5) loop->post_turn_end(again.ready);
    };
    loop->post_turn_end(again.ready);
    loop->run_turn(10s);
    EXPECT_EQ(runs, 1);
    loop->run_turn(10s);  // does not wait, as there is something to do
    EXPECT_EQ(runs, 2);
    loop->run_until_idle();
    EXPECT_EQ(runs, 5);
}

TEST(Loop, ACallbackThatPostsItselfForEverDoesNotKeepCompletionsOut) {
    auto loop = make_loop();
    uint64_t spins = 0;
    Action greedy([] {});
    greedy.body = [&] {
        ++spins;
        loop->post(greedy.ready);
    };
    int completions = 0;
    Action nop([&] { ++completions; });
    loop->post(greedy.ready);
    for (int turn = 0; turn < 20; ++turn) {
        if (!nop.op.in_flight()) loop->ring().nop(nop.op);
        loop->run_turn(10s);
    }
    EXPECT_EQ(completions, 20);
    EXPECT_LE(spins, 20U * 256);
    EXPECT_GE(loop->budget_cuts(), 20U);
    greedy.ready.unlink();
}

TEST(Loop, SlowCallbacksAreCutOffByTime) {
    ManualClock clock;
    auto loop = make_loop({.clock = &clock});
    int runs = 0;
    std::vector<std::unique_ptr<Action>> actions;
    for (int i = 0; i < 200; ++i) {
        actions.push_back(std::make_unique<Action>([&] {
            ++runs;
            clock.advance(100us);
        }));
        loop->post(actions.back()->ready);
    }
    loop->run_turn(0ms);
    EXPECT_LE(runs, 16);  // the clock is read that often
    loop->run_until_idle();
    EXPECT_EQ(runs, 200);
}

TEST(Loop, DropsACallbackThatDies) {
    auto loop = make_loop();
    int runs = 0;
    auto dying = std::make_unique<Action>([&] { ++runs; });
    loop->post(dying->ready);
    dying.reset();
    loop->run_until_idle();
    EXPECT_EQ(runs, 0);
}

TEST(Loop, ACallbackMayFreeItself) {
    auto loop = make_loop();
    auto action = std::make_unique<Action>([] {});
    action->body = [&] { action.reset(); };
    loop->post(action->ready);
    loop->run_until_idle();
    EXPECT_EQ(action, nullptr);
}

TEST(Loop, FiresTimersByTheInjectedClock) {
    ManualClock clock;
    auto loop = make_loop({.clock = &clock});
    bool fired = false;
    Action action([&] { fired = true; });
    loop->timers().start(action.timer, loop->now() + 100ms);
    loop->run_until_idle();
    EXPECT_FALSE(fired);
    clock.advance(99ms);
    loop->run_until_idle();
    EXPECT_FALSE(fired);
    clock.advance(5ms);
    loop->run_until_idle();
    EXPECT_TRUE(fired);
    EXPECT_EQ(loop->now(), clock.now());
}

TEST(Loop, WaitsNoLongerThanUntilTheNextTimer) {
    auto loop = make_loop();
    bool fired = false;
    Action action([&] { fired = true; });
    loop->timers().start(action.timer, loop->clock_now() + 10ms);
    const Instant start = loop->clock_now();
    while (!fired)
        loop->run_turn(Duration::max());
    EXPECT_GE(loop->clock_now() - start, 9ms);
    EXPECT_LT(loop->clock_now() - start, 5s);
}

TEST(Loop, StopEndsRunAndRunMayBeCalledAgain) {
    auto loop = make_loop();
    for (int round = 0; round < 3; ++round) {
        Action stop([&] { loop->stop(); });
        loop->post(stop.ready);
        loop->run();
    }
    Action stop_by_timer([&] { loop->stop(); });
    loop->timers().start(stop_by_timer.timer, loop->clock_now() + 5ms);
    loop->run();
}

TEST(Loop, RunUntilIdleReturnsThoughAnOperationWaits) {
    auto loop = make_loop();
    const test::Fd never(::eventfd(0, EFD_CLOEXEC));
    bool completed = false;
    Action poll([&] { completed = true; });
    loop->ring().poll_once(poll.op, never.get(), POLLIN);
    loop->run_until_idle();
    EXPECT_FALSE(completed);
    const uint64_t one = 1;
    ASSERT_EQ(::write(never.get(), &one, sizeof(one)), 8);
    loop->run_until_idle();
    EXPECT_TRUE(completed);
    EXPECT_EQ(poll.result, POLLIN);
}

TEST(Loop, RunUntilIdleFollowsAChainOfOperations) {
    auto loop = make_loop();
    int length = 0;
    Action nop([] {});
    nop.body = [&] {
        if (++length < 50) loop->ring().nop(nop.op);
    };
    loop->ring().nop(nop.op);
    loop->run_until_idle();
    EXPECT_EQ(length, 50);
}

TEST(Loop, EntersTheKernelOnceATurn) {
    auto loop = make_loop();
    std::vector<std::unique_ptr<Action>> actions;
    for (int i = 0; i < 100; ++i)
        actions.push_back(std::make_unique<Action>([] {}));
    const uint64_t before = loop->ring().enter_count();
    const uint64_t turns_before = loop->turns();
    for (int turn = 0; turn < 10; ++turn) {
        for (auto& action : actions)
            loop->ring().nop(action->op);
        loop->run_turn(1s);
    }
    EXPECT_EQ(loop->turns() - turns_before, 10U);
    EXPECT_EQ(loop->ring().enter_count() - before, 10U);
}

TEST(Loop, RunsEveryCompletionThoughThereAreMoreThanATurnTakes) {
    auto loop = make_loop();
    int completed = 0;
    std::vector<std::unique_ptr<Action>> actions;
    for (int i = 0; i < 3000; ++i)
        actions.push_back(std::make_unique<Action>([&] { ++completed; }));
    for (auto& action : actions)
        loop->ring().nop(action->op);
    loop->run_until_idle();
    EXPECT_EQ(completed, 3000);
}

TEST(Loop, EndsQuietlyAndLeavesNoDescriptor) {
    const size_t before = test::open_fds();
    for (int round = 0; round < 50; ++round) {
        auto loop = make_loop();
        if (round % 2 == 0) loop->run_turn(0ms);
    }
    EXPECT_EQ(test::open_fds(), before);
}

TEST(Loop, EndsQuietlyThoughOperationsWereJustCancelled) {
    const test::Fd never(::eventfd(0, EFD_CLOEXEC));
    Action poll([] {});
    Action cancel([] {});
    {
        auto loop = make_loop();
        loop->ring().poll_once(poll.op, never.get(), POLLIN);
        loop->ring().cancel(cancel.op, poll.op);
    }
    EXPECT_FALSE(poll.op.in_flight());
    EXPECT_EQ(poll.result, -ECANCELED);
}

TEST(LoopDeathTest, ATurnInsideATurnAborts) {
    EXPECT_DEATH(
        {
            auto loop = make_loop();
            Action nested([&] { loop->run_turn(0ms); });
            loop->post(nested.ready);
            loop->run_turn(0ms);
        },
        "in_turn_");
}

}  // namespace
}  // namespace fluxgate::loop
