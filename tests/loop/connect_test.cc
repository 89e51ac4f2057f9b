#include "loop/connect.h"

#include <gtest/gtest.h>

#include "tests/loop/loop_fixture.h"
#include "tests/support/manual_clock.h"

namespace fluxgate::test {
namespace {

using loop::ErrorCode;
using loop::PeerAddress;
using loop::Scope;
using loop::Task;

using Outcome = std::optional<loop::Result<int>>;

Task<void> connect_once(Scope* scope, PeerAddress address, loop::Deadline deadline,
                        Outcome* outcome) {
    const loop::Result<int> fd = co_await loop::connect_tcp(*scope, address, deadline);
    *outcome = fd;
}

class ConnectTest : public testing::Test {
protected:
    ConnectTest() : loop_(make_loop({.clock = &clock_})), fds_before_(open_fds()) {}
    Outcome run(const PeerAddress& address, loop::Deadline deadline = loop::Deadline::never()) {
        Scope scope(loop_.get());
        Outcome outcome;
        scope.spawn("connect", connect_once(&scope, address, deadline, &outcome));
        EXPECT_TRUE(run_until(*loop_, [&] { return outcome.has_value(); }));
        return outcome;
    }
    ManualClock clock_;
    std::unique_ptr<loop::Loop> loop_;
    size_t fds_before_;
};

TEST_F(ConnectTest, GivesAConnectedNonBlockingSocket) {
    uint16_t port = 0;
    const Fd listener = listen_on_loopback(&port);
    const Outcome outcome = run(*PeerAddress::parse("127.0.0.1", port));
    ASSERT_TRUE(outcome && *outcome);
    const Fd connected(**outcome);
    EXPECT_NE(::fcntl(connected.get(), F_GETFL) & O_NONBLOCK, 0);
    const Fd accepted(::accept(listener.get(), nullptr, nullptr));
    write_all(accepted.get(), "hi");
    char byte = 0;
    EXPECT_EQ(::recv(connected.get(), &byte, 1, 0), 1);
}

TEST_F(ConnectTest, SaysThatNobodyListens) {
    uint16_t port = 0;
    listen_on_loopback(&port).reset();
    const Outcome outcome = run(*PeerAddress::parse("127.0.0.1", port));
    ASSERT_TRUE(outcome);
    ASSERT_FALSE(*outcome);
    EXPECT_EQ(outcome->error().code, ErrorCode::refused);
    EXPECT_EQ(open_fds(), fds_before_);
}

TEST_F(ConnectTest, RefusesAnUnknownAddress) {
    const Outcome outcome = run(PeerAddress());
    ASSERT_TRUE(outcome);
    ASSERT_FALSE(*outcome);
    EXPECT_EQ(outcome->error().code, ErrorCode::not_supported);
}

// A backlog that is full makes a connect wait, on loopback too.
struct FullListener {
    FullListener() : listener(listen_on_loopback(&port, 0)) {
        for (int i = 0; i < 4; ++i) {
            Fd& filler = fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
            const sockaddr_in address = loopback(port);
            ::connect(filler.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
        }
    }
    uint16_t port = 0;
    Fd listener;
    std::vector<Fd> fillers;
};

TEST_F(ConnectTest, GivesUpAtItsDeadlineAndLeavesNoSocket) {
    const FullListener full;
    const size_t before = open_fds();
    Scope scope(loop_.get());
    Outcome outcome;
    scope.spawn("connect", connect_once(&scope, *PeerAddress::parse("127.0.0.1", full.port),
                                        loop::Deadline::after(clock_.now(), 50ms), &outcome));
    loop_->run_until_idle();
    ASSERT_FALSE(outcome);
    clock_.advance(60ms);
    ASSERT_TRUE(run_until(*loop_, [&] { return outcome.has_value(); }));
    ASSERT_FALSE(*outcome);
    EXPECT_EQ(outcome->error().code, ErrorCode::timed_out);
    EXPECT_EQ(open_fds(), before);
}

TEST_F(ConnectTest, EndsWhenItsScopeIsCancelled) {
    const FullListener full;
    const size_t before = open_fds();
    for (bool submitted : {true, false}) {
        Scope scope(loop_.get());
        Outcome outcome;
        scope.spawn("connect", connect_once(&scope, *PeerAddress::parse("127.0.0.1", full.port),
                                            loop::Deadline::never(), &outcome));
        if (submitted) loop_->run_until_idle();
        ASSERT_FALSE(outcome);
        scope.cancel();
        ASSERT_TRUE(run_until(*loop_, [&] { return outcome.has_value(); }));
        ASSERT_FALSE(*outcome);
        EXPECT_EQ(outcome->error().code, ErrorCode::cancelled);
    }
    EXPECT_EQ(open_fds(), before);
}

}  // namespace
}  // namespace fluxgate::test
