#include "loop/poll.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include "tests/loop/loop_fixture.h"
#include "tests/support/manual_clock.h"

namespace fluxgate::test {
namespace {

using loop::ErrorCode;
using loop::PollOp;
using loop::Scope;
using loop::Task;

class NotingSink final : public PollOp::Sink {
public:
    void poll_ready(uint32_t events) override {
        seen.push_back(events);
        if (on_ready) on_ready();
    }
    void poll_quiet() override {
        ++quiets;
        if (on_quiet) on_quiet();
    }
    std::vector<uint32_t> seen;
    int quiets = 0;
    std::function<void()> on_ready;
    std::function<void()> on_quiet;
};

class PollTest : public testing::Test {
protected:
    PollTest() : loop_(make_loop({.clock = &clock_})), pair_(make_tcp_pair()) {}
    [[nodiscard]] int fd() const { return pair_.server.get(); }
    void fill_send_buffer() {
        const std::string bytes = pattern(1 << 20);
        while (::send(fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
        }
    }
    void drain_client() {
        Arrived arrived;
        read_arrived(pair_.client.get(), &arrived);
    }
    ManualClock clock_;
    std::unique_ptr<loop::Loop> loop_;
    TcpPair pair_;
    NotingSink sink_;
};

TEST_F(PollTest, TellsOnceAndIsArmedAgainByItsOwner) {
    PollOp poll(*loop_, sink_);
    poll.arm(fd(), POLLIN);
    loop_->run_until_idle();
    EXPECT_TRUE(sink_.seen.empty());
    write_all(pair_.client.get(), "a");
    ASSERT_TRUE(run_until(*loop_, [&] { return sink_.seen.size() == 1; }));
    EXPECT_EQ(sink_.seen[0], static_cast<uint32_t>(POLLIN));
    EXPECT_FALSE(poll.is_armed());
    loop_->run_until_idle();
    EXPECT_EQ(sink_.seen.size(), 1U);
    poll.arm(fd(), POLLIN);  // level-triggered: the byte is still there
    ASSERT_TRUE(run_until(*loop_, [&] { return sink_.seen.size() == 2; }));
}

TEST_F(PollTest, WidensItsMaskWhileItIsArmed) {
    fill_send_buffer();
    PollOp poll(*loop_, sink_);
    poll.arm(fd(), POLLIN);
    loop_->run_until_idle();
    poll.arm(fd(), POLLIN | POLLOUT);
    loop_->run_until_idle();
    EXPECT_TRUE(sink_.seen.empty());
    ASSERT_TRUE(run_until(*loop_, [&] {
        drain_client();
        return !sink_.seen.empty();
    }));
    EXPECT_NE(sink_.seen[0] & POLLOUT, 0U);
}

TEST_F(PollTest, WidensItsMaskInTheTurnThatArmedIt) {
    PollOp poll(*loop_, sink_);
    poll.arm(fd(), POLLIN);
    poll.arm(fd(), POLLOUT);
    poll.arm(fd(), POLLIN);
    ASSERT_TRUE(run_until(*loop_, [&] { return !sink_.seen.empty(); }));
    EXPECT_NE(sink_.seen[0] & POLLOUT, 0U);
}

TEST_F(PollTest, TellsOfAPeerThatHungUpThoughNobodyAsked) {
    PollOp poll(*loop_, sink_);
    fill_send_buffer();
    poll.arm(fd(), POLLOUT);
    loop_->run_until_idle();
    reset_on_close(pair_.client.get());
    pair_.client.reset();
    ASSERT_TRUE(run_until(*loop_, [&] { return !sink_.seen.empty(); }));
    EXPECT_NE(sink_.seen[0] & (POLLERR | POLLHUP), 0U);
}

TEST_F(PollTest, ABadDescriptorIsAnEventToo) {
    PollOp poll(*loop_, sink_);
    poll.arm(-1, POLLIN);
    ASSERT_TRUE(run_until(*loop_, [&] { return !sink_.seen.empty(); }));
    EXPECT_NE(sink_.seen[0] & POLLNVAL, 0U);
}

TEST_F(PollTest, IsQuietAfterCloseWhateverItDid) {
    for (int state = 0; state < 4; ++state) {
        NotingSink sink;
        PollOp poll(*loop_, sink);
        if (state >= 1) poll.arm(fd(), POLLIN);
        if (state >= 2) loop_->run_until_idle();
        if (state >= 3) poll.arm(fd(), POLLIN | POLLPRI);  // a change of the mask is under way
        poll.close();
        poll.close();
        EXPECT_EQ(sink.quiets, 0) << "called from inside close()";
        ASSERT_TRUE(run_until(*loop_, [&] { return sink.quiets == 1; }));
        EXPECT_TRUE(sink.seen.empty());
        EXPECT_FALSE(poll.is_armed());
    }
}

TEST_F(PollTest, CloseFromItsOwnCallbackAndThenAnotherDescriptor) {
    PollOp poll(*loop_, sink_);
    sink_.on_ready = [&] {
        if (sink_.seen.size() == 1) poll.close();
    };
    sink_.on_quiet = [&] { poll.arm(pair_.client.get(), POLLOUT); };
    poll.arm(fd(), POLLOUT);
    ASSERT_TRUE(run_until(*loop_, [&] { return sink_.seen.size() == 2; }));
    EXPECT_EQ(sink_.quiets, 1);
}

// ---- poll_fd

using Outcome = std::optional<loop::Result<uint32_t>>;

Task<void> poll_once(Scope* scope, int fd, uint32_t mask, loop::Deadline deadline,
                     Outcome* outcome) {
    const loop::Result<uint32_t> events = co_await loop::poll_fd(*scope, fd, mask, deadline);
    *outcome = events;
}

TEST_F(PollTest, AwaitsAnEvent) {
    Scope scope(loop_.get());
    Outcome outcome;
    scope.spawn("poll", poll_once(&scope, fd(), POLLIN, loop::Deadline::never(), &outcome));
    loop_->run_until_idle();
    EXPECT_FALSE(outcome);
    write_all(pair_.client.get(), "a");
    ASSERT_TRUE(run_until(*loop_, [&] { return outcome.has_value(); }));
    EXPECT_EQ(*outcome, static_cast<uint32_t>(POLLIN));
}

TEST_F(PollTest, AwaitingEndsAtItsDeadlineAndAtTheScopes) {
    for (bool of_scope : {false, true}) {
        Scope scope(loop_.get());
        const auto soon = loop::Deadline::after(clock_.now(), 30ms);
        if (of_scope) scope.set_deadline(soon);
        Outcome outcome;
        scope.spawn("poll", poll_once(&scope, fd(), POLLIN,
                                      of_scope ? loop::Deadline::never() : soon, &outcome));
        loop_->run_until_idle();
        EXPECT_FALSE(outcome);
        clock_.advance(40ms);
        ASSERT_TRUE(run_until(*loop_, [&] { return outcome.has_value(); }));
        ASSERT_FALSE(outcome->has_value());
        EXPECT_EQ(outcome->error().code, ErrorCode::timed_out);
    }
}

TEST_F(PollTest, AwaitingEndsWhenTheScopeIsCancelledBeforeOrAfter) {
    for (bool before : {false, true}) {
        Scope scope(loop_.get());
        Outcome outcome;
        if (before) scope.cancel();
        scope.spawn("poll", poll_once(&scope, fd(), POLLIN, loop::Deadline::never(), &outcome));
        scope.cancel();
        scope.cancel();
        ASSERT_TRUE(run_until(*loop_, [&] { return outcome.has_value(); }));
        ASSERT_FALSE(outcome->has_value());
        EXPECT_EQ(outcome->error().code, ErrorCode::cancelled);
        EXPECT_TRUE(scope.empty());
    }
}

TEST_F(PollTest, AnEventThatComesWithTheDeadlineIsOneOutcome) {
    Scope scope(loop_.get());
    Outcome outcome;
    scope.spawn("poll", poll_once(&scope, fd(), POLLOUT, loop::Deadline::after(clock_.now(), 0ms),
                                  &outcome));
    clock_.advance(10ms);
    scope.cancel();
    ASSERT_TRUE(run_until(*loop_, [&] { return outcome.has_value(); }));
    loop_->run_until_idle();
    EXPECT_TRUE(scope.empty());
}

}  // namespace
}  // namespace fluxgate::test
