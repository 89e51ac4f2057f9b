#include "loop/mailbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/loop/loop_fixture.h"

namespace fluxgate::loop {
namespace {

using namespace std::chrono_literals;
using test::make_loop;

// Deletes itself when it runs, as messages do.
struct Numbered : Message {
    Numbered(std::vector<std::vector<int>>* to, size_t from, int count)
        : Message([](Message& message) {
              const std::unique_ptr<Numbered> self(static_cast<Numbered*>(&message));
              (*self->seen)[self->sender].push_back(self->number);
          }),
          seen(to),
          sender(from),
          number(count) {}
    std::vector<std::vector<int>>* seen;
    size_t sender;
    int number;
};

struct Called : Message {
    explicit Called(std::function<void()> what)
        : Message([](Message& message) { static_cast<Called&>(message).body(); }),
          body(std::move(what)) {}
    std::function<void()> body;
};

TEST(Mailbox, KeepsTheOrderOfEachOfThreeSendersOver100000Messages) {
    constexpr size_t senders = 3;
    constexpr int each = 100'000 / 3 + 1;
    auto loop = make_loop();
    std::vector<std::vector<int>> seen(senders);
    std::vector<std::thread> threads;
    for (size_t sender = 0; sender < senders; ++sender) {
        threads.emplace_back([&, sender] {
            for (int i = 0; i < each; ++i)
                loop->mailbox().send(*new Numbered(&seen, sender, i));
        });
    }
    ASSERT_TRUE(test::run_until(*loop, [&] {
        size_t total = 0;
        for (const auto& numbers : seen)
            total += numbers.size();
        return total == senders * each;
    }));
    for (std::thread& thread : threads)
        thread.join();
    for (const auto& numbers : seen)
        for (int i = 0; i < each; ++i)
            ASSERT_EQ(numbers[static_cast<size_t>(i)], i);
}

TEST(Mailbox, WakesALoopThatSleepsWithoutEnd) {
    auto loop = make_loop();
    Called stop([&] { loop->stop(); });
    std::thread sender([&] { loop->mailbox().send(stop); });
    loop->run();
    sender.join();
}

TEST(Mailbox, AFloodDoesNotKeepTheRestOfTheLoopWaiting) {
    auto loop = make_loop();
    std::vector<std::vector<int>> seen(1);
    for (int i = 0; i < 10'000; ++i)
        loop->mailbox().send(*new Numbered(&seen, 0, i));
    loop->run_turn(0ms);
    EXPECT_LE(seen[0].size(), 256U);
    loop->run_until_idle();
    ASSERT_EQ(seen[0].size(), 10'000U);
    for (int i = 0; i < 10'000; ++i)
        ASSERT_EQ(seen[0][static_cast<size_t>(i)], i);
}

TEST(Mailbox, AMessageMaySendAnother) {
    auto loop = make_loop();
    int runs = 0;
    Called again([] {});
    again.body = [&] {
        if (++runs < 1000) loop->mailbox().send(again);
    };
    loop->mailbox().send(again);
    EXPECT_TRUE(test::run_until(*loop, [&] { return runs == 1000; }));
}

TEST(Mailbox, TwoLoopsPlayPingPong) {
    constexpr int rounds = 5000;
    auto here = make_loop();
    std::atomic<Loop*> there{nullptr};
    std::atomic<int> count{0};
    bool ended = false;
    Called ping([] {});
    Called pong([] {});
    ping.body = [&] {
        ++count;
        here->mailbox().send(pong);
    };
    pong.body = [&] {
        ended = count == rounds;
        if (!ended) there.load()->mailbox().send(ping);
    };
    std::thread other([&] {
        auto loop = make_loop();
        there.store(loop.get());
        there.notify_one();
        EXPECT_TRUE(test::run_until(*loop, [&] { return count == rounds; }));
    });
    there.wait(nullptr);
    pong.body();
    EXPECT_TRUE(test::run_until(*here, [&] { return ended; }));
    other.join();
}

TEST(Mailbox, RunsWhatWasSentBeforeTheLoopEnds) {
    std::vector<std::vector<int>> seen(1);
    {
        auto loop = make_loop();
        for (int i = 0; i < 1000; ++i)
            loop->mailbox().send(*new Numbered(&seen, 0, i));
    }
    EXPECT_EQ(seen[0].size(), 1000U);
}

}  // namespace
}  // namespace fluxgate::loop
