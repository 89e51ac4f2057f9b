// What a warm loop allocates: nothing. An executable of its own, as it replaces malloc.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <coroutine>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>

#include "loop/arena.h"
#include "loop/block_chain.h"
#include "loop/crypto.h"
#include "loop/log.h"
#include "loop/scope.h"
#include "loop/sliding_limit.h"
#include "loop/task.h"
#include "loop/timer_wheel.h"
#include "tests/support/alloc_counter.h"

namespace fluxgate::loop {
namespace {

using test::AllocationSpan;

class AllocationTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (!test::alloc_counter_works()) GTEST_SKIP() << "a sanitizer has its own malloc";
    }
};

TEST_F(AllocationTest, TheCounterSeesEveryKind) {
    const uint64_t frees = test::frees();
    const AllocationSpan span;
    void* volatile plain = std::malloc(10);
    void* volatile zeroed = std::calloc(2, 10);
    void* volatile grown = std::realloc(plain, 5000);
    void* volatile aligned = std::aligned_alloc(64, 128);
    EXPECT_EQ(span.allocations(), 4U);
    EXPECT_EQ(span.bytes(), 10U + 20U + 5000U + 128U);
    std::free(zeroed);
    std::free(grown);
    std::free(aligned);
    std::free(nullptr);
    EXPECT_EQ(test::frees() - frees, 3U);
    // Called as functions: a compiler may leave out a whole new-expression.
    const AllocationSpan objects;
    ::operator delete(::operator new(100));
    ::operator delete[](::operator new[](100));
    ::operator delete(::operator new(128, std::align_val_t{64}), std::align_val_t{64});
    EXPECT_EQ(objects.allocations(), 3U);
}

struct Gate {
    std::coroutine_handle<> waiter;
    struct Awaiter {
        Gate* gate;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle) const noexcept { gate->waiter = handle; }
        void await_resume() const noexcept {}
    };
    Awaiter wait() { return {this}; }
};

TEST_F(AllocationTest, AWarmRequestAllocatesNothing) {
    const int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    log::set_fd(fd);
    const HmacSha256 key("key");
    const std::string body(40'000, 'b');
    const Instant start{std::chrono::hours(1)};
    TimerWheel wheel(start);
    SlidingLimit limit(100'000);
    Scope scope(nullptr);
    Gate gate;
    size_t checked = 0;
    const auto inner = [](Gate* target) -> Task<int> {
        co_await target->wait();
        co_return 1;
    };
    const auto outer = [](Gate* target, size_t* count, auto child) -> Task<void> {
        const int value = co_await child(target);
        *count += static_cast<size_t>(value);
    };
    const auto request = [&] {
        Arena arena;
        const std::string_view sql = arena.join({"SELECT ", "1"});
        static_cast<void>(arena.array<char>(20'000));  // over a block: the one malloc
        Timer timer([](Timer&) {});
        wheel.start(timer, start + std::chrono::seconds(30));
        checked += limit.try_take(start) ? 1 : 0;
        scope.spawn("request", outer(&gate, &checked, inner));
        std::exchange(gate.waiter, nullptr).resume();
        BlockChain answer;
        answer.append(body);
        answer.prepend("head");
        checked += key.sign(sql)[0] == sha256(sql)[0] ? 1 : 0;
        log::info("request", {{"status", 200}, {"path", "/mcp"}});
    };
    request();
    const AllocationSpan span;
    for (int i = 0; i < 10; ++i) {
        request();
    }
    EXPECT_EQ(span.allocations(), 10U);
    EXPECT_GE(checked, 22U);
    log::set_fd(-1);
    close(fd);
}

}  // namespace
}  // namespace fluxgate::loop
