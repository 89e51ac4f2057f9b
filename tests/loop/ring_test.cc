#include "loop/ring.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/time.h>

#include <csignal>
#include <thread>

#include "loop/bound.h"
#include "tests/loop/loop_fixture.h"

namespace fluxgate::loop {
namespace {

using namespace std::chrono_literals;
using test::Fd;

// An operation that notes its completions.
struct NotedOp : Op {
    NotedOp()
        : Op([](Op& op, int32_t result, uint32_t) {
              auto& self = static_cast<NotedOp&>(op);
              self.results.push_back(result);
          }) {}
    std::vector<int32_t> results;
};

// Once as this kernel allows, once as an older one would.
class RingTest : public testing::TestWithParam<bool> {
protected:
    RingTest() { reset({}); }
    void reset(RingOptions options) {
        options.defer_taskrun = GetParam();
        options.multishot = GetParam();
        ring_.reset();
        auto made = Ring::create(options);
        if (!made) std::abort();
        ring_ = std::move(*made);
    }
    size_t reap() {
        std::array<Completion, 64> batch{};
        size_t total = 0;
        while (size_t count = ring_->reap(batch)) {
            for (size_t i = 0; i < count; ++i)
                Ring::run(batch[i]);
            total += count;
        }
        return total;
    }
    bool drain() {
        const auto end = std::chrono::steady_clock::now() + test::wait_limit;
        while (ring_->in_flight() != 0) {
            if (std::chrono::steady_clock::now() > end) return false;
            if (!ring_->submit_and_wait(20ms)) return false;
            reap();
        }
        return true;
    }
    std::unique_ptr<Ring> ring_;
};
INSTANTIATE_TEST_SUITE_P(Kernel, RingTest, testing::Bool(), [](const auto& chosen) {
    return chosen.param ? "AsItIs" : "WithoutDeferAndMultishot";
});

TEST_P(RingTest, ReportsWhatTheKernelHas) {
    const RingFeatures& features = ring_->features();
    EXPECT_EQ(features.defer_taskrun, GetParam());
    EXPECT_EQ(features.multishot_recv, GetParam());
    EXPECT_EQ(features.multishot_accept, GetParam());
    EXPECT_TRUE(features.submit_all);
    EXPECT_NE(features.to_string().find(GetParam() ? "mshot_recv=1" : "mshot_recv=0"),
              std::string::npos);
    EXPECT_EQ(features.to_string().rfind("kernel=", 0), 0U);
}

TEST_P(RingTest, CompletesEveryOperationThoughTheSubmissionQueueIsShort) {
    reset({.submission_entries = 8, .completion_entries = 4096});
    std::vector<NotedOp> ops(1000);
    for (NotedOp& op : ops)
        ring_->nop(op);
    EXPECT_EQ(ring_->in_flight(), 1000U);
    ASSERT_TRUE(drain());
    for (const NotedOp& op : ops)
        EXPECT_EQ(op.results, std::vector<int32_t>{0});
    EXPECT_EQ(ring_->overflow_count(), 0U);
}

TEST_P(RingTest, LosesNothingWhenTheCompletionQueueOverflows) {
    reset({.submission_entries = 8, .completion_entries = 16});
    std::vector<NotedOp> ops(500);
    for (NotedOp& op : ops)
        ring_->nop(op);
    ASSERT_TRUE(drain());
    for (const NotedOp& op : ops)
        EXPECT_EQ(op.results, std::vector<int32_t>{0});
    EXPECT_GT(ring_->overflow_count(), 0U);
}

TEST_P(RingTest, WaitsNoLongerThanItIsTold) {
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(ring_->submit_and_wait(5ms));
    const auto waited = std::chrono::steady_clock::now() - start;
    EXPECT_GE(waited, 4ms);
    EXPECT_LT(waited, 5s);
    EXPECT_EQ(reap(), 0U);
}

TEST_P(RingTest, AsksTheKernelNothingWhenThereIsNothingToDo) {
    const uint64_t before = ring_->enter_count();
    ASSERT_TRUE(ring_->submit_and_wait(0ms));
    EXPECT_EQ(ring_->enter_count(), before);
}

TEST_P(RingTest, SubmitsABatchAndReapsItWithOneSystemCall) {
    std::vector<NotedOp> ops(100);
    for (NotedOp& op : ops)
        ring_->nop(op);
    ASSERT_TRUE(ring_->submit_and_wait(1s));
    EXPECT_EQ(reap(), 100U);
    EXPECT_EQ(ring_->enter_count(), 1U);
}

TEST_P(RingTest, DoesNotWaitWhileCompletionsAreLeft) {
    NotedOp first;
    NotedOp second;
    ring_->nop(first);
    ring_->nop(second);
    ASSERT_TRUE(ring_->submit_and_wait(1s));
    std::array<Completion, 1> one{};
    ASSERT_EQ(ring_->reap(one), 1U);
    Ring::run(one[0]);
    ASSERT_TRUE(ring_->submit_and_wait(Duration::max()));  // would hang
    EXPECT_EQ(reap(), 1U);
}

TEST_P(RingTest, CancelEndsAnOperationThatWouldWaitForEver) {
    const Fd never(::eventfd(0, EFD_CLOEXEC));
    NotedOp poll;
    NotedOp cancel;
    ring_->poll_once(poll, never.get(), POLLIN);
    ASSERT_TRUE(ring_->submit_and_wait(0ms));
    EXPECT_EQ(reap(), 0U);
    EXPECT_TRUE(poll.in_flight());
    ring_->cancel(cancel, poll);
    ASSERT_TRUE(drain());
    EXPECT_EQ(poll.results, std::vector<int32_t>{-ECANCELED});
    EXPECT_EQ(cancel.results, std::vector<int32_t>{0});
}

TEST_P(RingTest, CancelOfAnOperationThatHasCompletedSaysNotFound) {
    NotedOp nop;
    NotedOp cancel;
    ring_->nop(nop);
    ASSERT_TRUE(drain());
    ring_->cancel(cancel, nop);
    ASSERT_TRUE(drain());
    EXPECT_EQ(cancel.results, std::vector<int32_t>{-ENOENT});
}

TEST_P(RingTest, CancelByFdEndsEveryOperationOnIt) {
    test::TcpPair pair = test::make_tcp_pair();
    std::array<char, 16> into{};
    NotedOp recv;
    NotedOp poll;
    NotedOp cancel;
    ring_->recv(recv, pair.server.get(), into);
    ring_->poll_once(poll, pair.server.get(), POLLIN);
    ASSERT_TRUE(ring_->submit_and_wait(0ms));
    ring_->cancel_fd(cancel, pair.server.get());
    ASSERT_TRUE(drain());
    EXPECT_EQ(recv.results, std::vector<int32_t>{-ECANCELED});
    EXPECT_EQ(poll.results, std::vector<int32_t>{-ECANCELED});
    EXPECT_EQ(cancel.results, std::vector<int32_t>{2});
}

TEST_P(RingTest, ReceivesIntoProvidedBuffersAndReturnsThem) {
    std::vector<char> memory(4 * 64);
    ASSERT_TRUE(ring_->register_buffers(3, memory, 4, 32));
    test::TcpPair pair = test::make_tcp_pair();
    struct Receive : Op {
        Receive()
            : Op([](Op& op, int32_t result, uint32_t flags) {
                  static_cast<Receive&>(op).seen.emplace_back(result, Ring::buffer_of(flags));
              }) {}
        std::vector<std::pair<int32_t, std::optional<uint16_t>>> seen;
    } receive;
    for (int round = 0; round < 20; ++round) {
        test::write_all(pair.client.get(), "0123456789");
        if (!receive.in_flight()) ring_->recv_multishot(receive, pair.server.get(), 3);
        while (receive.seen.empty()) {
            ASSERT_TRUE(ring_->submit_and_wait(1s));
            reap();
        }
        const auto [result, buffer] = receive.seen.front();
        receive.seen.clear();
        ASSERT_EQ(result, 10);
        ASSERT_TRUE(buffer);
        EXPECT_EQ(std::string_view(memory.data() + *buffer * 64, 10), "0123456789");
        ring_->return_buffer(3, *buffer);
        EXPECT_EQ(receive.in_flight(), GetParam());  // multishot stays armed
    }
    NotedOp cancel;
    ring_->cancel_fd(cancel, pair.server.get());
    ASSERT_TRUE(drain());
    ring_->unregister_buffers(3);
}

TEST_P(RingTest, EveryMemberOfAReceiveGetsNoMoreThanItsEntry) {
    std::vector<char> memory(2 * 64, 'x');
    ASSERT_TRUE(ring_->register_buffers(0, memory, 2, 48));
    test::TcpPair pair = test::make_tcp_pair();
    test::write_all(pair.client.get(), std::string(96, 'a'));
    NotedOp receive;
    ring_->recv_multishot(receive, pair.server.get(), 0);
    while (receive.results.empty()) {
        ASSERT_TRUE(ring_->submit_and_wait(1s));
        reap();
    }
    EXPECT_EQ(receive.results.front(), 48);
    for (size_t i = 48; i < 64; ++i)
        EXPECT_EQ(memory[i], 'x') << "the padding was written to";
    NotedOp cancel;
    ring_->cancel_fd(cancel, pair.server.get());
    ASSERT_TRUE(drain());
}

TEST_P(RingTest, AnInterruptedWaitIsNoError) {
    struct sigaction previous{};
    struct sigaction action{};
    action.sa_handler = [](int) {};
    ASSERT_EQ(::sigaction(SIGALRM, &action, &previous), 0);
    const itimerval soon{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 2000}};
    ASSERT_EQ(::setitimer(ITIMER_REAL, &soon, nullptr), 0);
    EXPECT_TRUE(ring_->submit_and_wait(10s));
    EXPECT_EQ(reap(), 0U);
    ::sigaction(SIGALRM, &previous, nullptr);
}

TEST_P(RingTest, RingsOfTwoThreadsDoNotDisturbEachOther) {
    std::vector<std::thread> threads;
    std::array<int, 2> completed{};
    for (int number = 0; number < 2; ++number) {
        threads.emplace_back([number, &completed, defer = GetParam()] {
            auto ring = Ring::create({.defer_taskrun = defer});
            if (!ring) return;
            for (int round = 0; round < 1000; ++round) {
                NotedOp op;
                (*ring)->nop(op);
                if (!(*ring)->submit_and_wait(1s)) return;
                std::array<Completion, 4> batch{};
                const size_t count = (*ring)->reap(batch);
                for (size_t i = 0; i < count; ++i)
                    Ring::run(batch[i]);
                completed[static_cast<size_t>(number)] += static_cast<int>(op.results.size());
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(completed[0], 1000);
    EXPECT_EQ(completed[1], 1000);
}

}  // namespace
}  // namespace fluxgate::loop
