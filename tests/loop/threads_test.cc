// Threads of the cores, and signals.
#include "loop/threads.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <set>

#include "loop/signals.h"
#include "tests/loop/loop_fixture.h"

namespace fluxgate::test {
namespace {

using loop::CoreThreads;
using loop::Signals;

TEST(CoreThreads, RunEachCoreOnceOnANamedThread) {
    std::mutex mutex;
    std::set<std::string> names;
    CoreThreads threads;
    ASSERT_TRUE(threads.start({.cores = 3, .name = "test"}, [&](uint32_t core) {
        std::array<char, 16> name{};
        ::pthread_getname_np(::pthread_self(), name.data(), name.size());
        const std::lock_guard lock(mutex);
        EXPECT_EQ(std::string(name.data()), "test-" + std::to_string(core));
        names.insert(name.data());
    }));
    threads.join();
    EXPECT_EQ(names.size(), 3U);
}

TEST(CoreThreads, SitOnCpusOfTheirOwnWhereThereAreEnough) {
    const uint32_t cpus = loop::usable_cpus();
    ASSERT_GE(cpus, 1U);
    std::mutex mutex;
    std::set<int> seen;
    CoreThreads threads;
    ASSERT_TRUE(threads.start({.cores = cpus}, [&](uint32_t) {
        const std::lock_guard lock(mutex);
        seen.insert(::sched_getcpu());
    }));
    const uint32_t pinned = threads.pinned();
    threads.join();
    if (pinned == cpus) EXPECT_EQ(seen.size(), cpus);
}

TEST(CoreThreads, MoreCoresThanCpusAreNotPinned) {
    CoreThreads threads;
    std::atomic<uint32_t> ran{0};
    const uint32_t cores = loop::usable_cpus() + 1;
    ASSERT_TRUE(threads.start({.cores = cores}, [&](uint32_t) { ran.fetch_add(1); }));
    threads.join();
    EXPECT_EQ(threads.pinned(), 0U);
    EXPECT_EQ(ran.load(), cores);
}

TEST(CoreThreads, EveryThreadHasALoopOfItsOwn) {
    CoreThreads threads;
    std::atomic<int> turned{0};
    ASSERT_TRUE(threads.start({.cores = 2}, [&](uint32_t core) {
        auto loop = make_loop({.core = core});
        loop->run_until_idle();
        turned.fetch_add(1);
    }));
    threads.join();
    EXPECT_EQ(turned.load(), 2);
}

// ---- signals, in a child process

struct NotingHandler final : Signals::Handler {
    void signal_received(Signals::Kind kind) override { seen.push_back(kind); }
    void signals_closed() override { closed = true; }
    std::vector<Signals::Kind> seen;
    bool closed = false;
};

[[noreturn]] void receive_signals() {
    Signals::block();
    auto loop = make_loop();
    NotingHandler handler;
    auto signals = Signals::create(*loop, handler);
    if (!signals) ::_exit(1);
    const auto next = [&](int number, Signals::Kind expected) {
        const size_t count = handler.seen.size();
        ::kill(::getpid(), number);
        if (!run_until(*loop, [&] { return handler.seen.size() == count + 1; })) ::_exit(2);
        if (handler.seen.back() != expected) ::_exit(3);
    };
    next(SIGHUP, Signals::Kind::reload);
    next(SIGTERM, Signals::Kind::drain);
    next(SIGHUP, Signals::Kind::reload);
    next(SIGTERM, Signals::Kind::terminate);
    next(SIGINT, Signals::Kind::terminate);
    ::raise(SIGPIPE);  // ignored
    (*signals)->close();
    if (!run_until(*loop, [&] { return handler.closed; })) ::_exit(4);
    std::fprintf(stderr, "all seen\n");
    ::_exit(0);
}

TEST(SignalsDeathTest, TheFirstTermDrainsAndTheSecondEndsAtOnce) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(receive_signals(), testing::ExitedWithCode(0), "all seen");
}

}  // namespace
}  // namespace fluxgate::test
