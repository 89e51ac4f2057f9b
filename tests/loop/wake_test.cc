#include "loop/wake.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "tests/loop/loop_fixture.h"
#include "tests/support/manual_clock.h"

namespace fluxgate::test {
namespace {

using loop::ErrorCode;
using loop::Scope;
using loop::Task;
using loop::Waiter;
using loop::WakeList;

// What the waits of a test gave, in their order: "a" woken, "a!" timed out, "a-" cancelled.
using Log = std::string;

Task<void> wait_once(Waiter* waiter, Scope* scope, loop::Duration most, char name, Log* log) {
    const loop::Result<void> woken = co_await waiter->wait(*scope, most);
    *log += name;
    if (!woken) *log += woken.error().code == ErrorCode::timed_out ? '!' : '-';
}

class WakeTest : public testing::Test {
protected:
    WakeTest() : loop_(make_loop({.clock = &clock_})) { list_.attach(loop_.get()); }
    void spawn(Waiter& waiter, char name) {
        scope_.spawn("waiter", wait_once(&waiter, &scope_, 10s, name, &log_));
    }
    void spawn(char name) { spawn(waiter_, name); }
    void run() { loop_->run_until_idle(); }
    void advance(loop::Duration by) {
        clock_.advance(by);
        run();
    }

    ManualClock clock_;
    std::unique_ptr<loop::Loop> loop_;
    WakeList list_;
    Log log_;
    Scope scope_{loop_.get()};
    Waiter waiter_{&list_};
};

TEST_F(WakeTest, ResumesATaskThatWaits) {
    spawn('a');
    run();
    EXPECT_EQ(log_, "");
    waiter_.wake();
    EXPECT_EQ(log_, "");  // not from inside wake()
    run();
    EXPECT_EQ(log_, "a");
    advance(20s);  // its timer is stopped
    EXPECT_EQ(log_, "a");
    EXPECT_TRUE(scope_.empty());
}

TEST_F(WakeTest, CountsAWakeThatCameBeforeTheWait) {
    waiter_.wake();
    run();
    spawn('a');
    EXPECT_EQ(log_, "a");  // without suspending
    spawn('b');
    run();
    EXPECT_EQ(log_, "a");  // it counted once
    waiter_.wake();
    run();
    EXPECT_EQ(log_, "ab");
}

TEST_F(WakeTest, CountsAWakeThatIsStillOnItsWay) {
    waiter_.wake();
    spawn('a');
    EXPECT_EQ(log_, "");
    run();
    EXPECT_EQ(log_, "a");
}

TEST_F(WakeTest, TakesManyWakesForOne) {
    spawn('a');
    for (int i = 0; i < 100; ++i)
        waiter_.wake();
    run();
    EXPECT_EQ(log_, "a");
    spawn('b');
    run();
    EXPECT_EQ(log_, "a");
    scope_.cancel();
    run();
    EXPECT_EQ(log_, "ab-");
}

TEST_F(WakeTest, EndsAtItsTime) {
    spawn('a');
    advance(9s);
    EXPECT_EQ(log_, "");
    advance(2s);
    EXPECT_EQ(log_, "a!");
    waiter_.wake();  // for the next one
    run();
    spawn('b');
    EXPECT_EQ(log_, "a!b");
}

TEST_F(WakeTest, EndsWithItsScope) {
    spawn('a');
    scope_.cancel();
    EXPECT_EQ(log_, "");  // whoever cancels is not done yet
    run();
    EXPECT_EQ(log_, "a-");
    spawn('b');
    run();
    EXPECT_EQ(log_, "a-b-");
}

TEST_F(WakeTest, IsCancelledThoughItWasWokenBefore) {
    waiter_.wake();
    run();
    scope_.cancel();
    spawn('a');
    run();
    EXPECT_EQ(log_, "a-");
}

TEST_F(WakeTest, IsCancelledOnceWhereAWakeComesAtTheSameTime) {
    spawn('a');
    waiter_.wake();
    scope_.cancel();
    waiter_.wake();
    run();
    EXPECT_EQ(log_, "a-");
    EXPECT_TRUE(scope_.empty());
}

TEST_F(WakeTest, WakesInTheOrderOfTheCalls) {
    Waiter first(&list_);
    Waiter second(&list_);
    Waiter third(&list_);
    spawn(first, 'a');
    spawn(second, 'b');
    spawn(third, 'c');
    third.wake();
    first.wake();
    third.wake();
    second.wake();
    run();
    EXPECT_EQ(log_, "cab");
}

Task<void> wait_and_end(Waiter* waiter, Scope* scope, std::unique_ptr<Waiter>* other, Log* log) {
    const loop::Result<void> woken = co_await waiter->wait(*scope, 10s);
    *log += woken ? 'a' : '-';
    other->reset();
}

TEST_F(WakeTest, LetsAWokenTaskEndAnotherWokenOne) {
    auto other = std::make_unique<Waiter>(&list_);
    scope_.spawn("ends the other", wait_and_end(&waiter_, &scope_, &other, &log_));
    waiter_.wake();
    other->wake();
    run();
    EXPECT_EQ(log_, "a");
    EXPECT_EQ(other, nullptr);
    spawn('b');
    waiter_.wake();
    run();
    EXPECT_EQ(log_, "ab");
}

Task<void> own_waiter(WakeList* list, Scope* scope, Waiter** out, Log* log) {
    Waiter waiter(list);
    *out = &waiter;
    const loop::Result<void> woken = co_await waiter.wait(*scope, 10s);
    *log += woken ? 'a' : '-';
}

TEST_F(WakeTest, LetsATaskEndItsOwnWaiter) {
    Waiter* waiter = nullptr;
    scope_.spawn("owner", own_waiter(&list_, &scope_, &waiter, &log_));
    waiter->wake();
    run();
    EXPECT_EQ(log_, "a");
}

TEST_F(WakeTest, ForgetsAWaiterThatDiedBeforeItsTurn) {
    {
        Waiter waiter(&list_);
        waiter.wake();
    }
    run();
    Waiter other(&list_);
    spawn(other, 'a');
    other.wake();  // the list sends again
    run();
    EXPECT_EQ(log_, "a");
}

Task<void> wake_other(Waiter* waiter, Scope* scope, Waiter* other, Log* log) {
    const loop::Result<void> woken = co_await waiter->wait(*scope, 10s);
    *log += woken ? 'a' : '-';
    other->wake();
}

TEST_F(WakeTest, LetsAWokenTaskWakeAnother) {
    Waiter other(&list_);
    scope_.spawn("wakes", wake_other(&waiter_, &scope_, &other, &log_));
    spawn(other, 'b');
    waiter_.wake();
    run();
    EXPECT_EQ(log_, "ab");
}

TEST(Wake, ComesFromAnyThread) {
    constexpr int wakes = 10'000;
    auto loop = make_loop();
    WakeList list;
    list.attach(loop.get());
    Scope scope(loop.get());
    Waiter waiter(&list);
    std::atomic<int> sent{0};
    int seen = 0;
    const auto follow = [&]() -> Task<void> {
        while (seen < wakes) {
            const loop::Result<void> woken = co_await waiter.wait(scope, wait_limit);
            if (!woken) co_return;
            seen = sent.load();
        }
    };
    scope.spawn("follower", follow());
    std::thread sender([&] {
        for (int i = 0; i < wakes; ++i) {
            ++sent;
            waiter.wake();
        }
    });
    EXPECT_TRUE(run_until(*loop, [&] { return scope.empty(); }));
    sender.join();
    EXPECT_EQ(seen, wakes);
    loop->run_until_idle();
}

}  // namespace
}  // namespace fluxgate::test
