// Listener: accepting, limits, hand-over. Errors are in listener_error_test.cc.
#include "loop/listener.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/loop/listener_fixture.h"

namespace fluxgate::test {
namespace {

using loop::Listener;
using loop::LoadTable;

class ListenerTest : public testing::TestWithParam<bool> {
protected:
    ListenerTest() : loop_(make_loop({.ring = {.multishot = GetParam()}})) {}
    bool wait_for(size_t connections) {
        return run_until(*loop_, [&] { return handler_.fds.size() >= connections; });
    }
    std::unique_ptr<loop::Loop> loop_;
    RecordingHandler handler_;
};
INSTANTIATE_TEST_SUITE_P(Kernel, ListenerTest, testing::Bool(), [](const auto& chosen) {
    return chosen.param ? "Multishot" : "SingleShot";
});

TEST_P(ListenerTest, GivesTheHandlerANonBlockingSocketAndThePeersAddress) {
    auto listener = open_listener(*loop_, handler_);
    listener->start();
    const Fd client = connect_to(listener->port());
    ASSERT_TRUE(wait_for(1));
    const int fd = handler_.fds[0].get();
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    int no_delay = 0;
    socklen_t length = sizeof(no_delay);
    ::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &length);
    EXPECT_EQ(no_delay, 1);
    sockaddr_in own{};
    length = sizeof(own);
    ::getsockname(client.get(), reinterpret_cast<sockaddr*>(&own), &length);
    EXPECT_EQ(std::string_view(handler_.peers[0].text()), "127.0.0.1");
    EXPECT_EQ(handler_.peers[0].port(), ntohs(own.sin_port));
    EXPECT_EQ(listener->connections(), 1U);
    close_listener(*loop_, *listener, handler_);
}

TEST_P(ListenerTest, AcceptsNothingBeforeStartNorWhilePaused) {
    auto listener = open_listener(*loop_, handler_);
    std::vector<Fd> clients;
    clients.push_back(connect_to(listener->port()));
    loop_->run_until_idle();
    EXPECT_TRUE(handler_.fds.empty());
    listener->start();
    ASSERT_TRUE(wait_for(1));
    listener->pause();
    loop_->run_until_idle();
    clients.push_back(connect_to(listener->port()));
    loop_->run_until_idle();
    EXPECT_EQ(handler_.fds.size(), 1U);
    listener->resume();
    ASSERT_TRUE(wait_for(2));
    listener->pause();
    listener->resume();
    listener->pause();  // in one turn
    loop_->run_until_idle();
    clients.push_back(connect_to(listener->port()));
    loop_->run_until_idle();
    EXPECT_EQ(handler_.fds.size(), 2U);
    close_listener(*loop_, *listener, handler_);
}

TEST_P(ListenerTest, AcceptsAThousandClients) {
    auto listener = open_listener(*loop_, handler_);
    listener->start();
    std::vector<Fd> clients;
    for (size_t i = 1; i <= 1000; ++i) {
        clients.push_back(connect_to(listener->port()));
        if (i % 100 == 0) ASSERT_TRUE(wait_for(i));
    }
    EXPECT_EQ(listener->stats().accepted, 1000U);
    if (GetParam()) EXPECT_EQ(listener->stats().arms, 1U);
    close_listener(*loop_, *listener, handler_);
}

TEST_P(ListenerTest, ListensToBothFamiliesOnOneSocket) {
    auto opened = Listener::open(*loop_, {.address = "::"}, nullptr, handler_);
    if (!opened) GTEST_SKIP() << "no IPv6 here";
    Listener& listener = **opened;
    listener.start();
    const Fd client = connect_to(listener.port());
    ASSERT_TRUE(wait_for(1));
    EXPECT_TRUE(handler_.peers[0].is_v4());
    EXPECT_EQ(std::string_view(handler_.peers[0].text()), "127.0.0.1");
    close_listener(*loop_, listener, handler_);
}

TEST_P(ListenerTest, StopsAtItsLimitAndResumesAt95PerCent) {
    auto listener = open_listener(*loop_, handler_, {.connections_max = 100});
    listener->start();
    std::vector<Fd> clients;
    for (int i = 0; i < 150; ++i) {
        clients.push_back(connect_to(listener->port()));
        if (i % 5 == 0) loop_->run_until_idle();
    }
    loop_->run_until_idle();
    EXPECT_EQ(listener->connections(), 100U);
    EXPECT_EQ(listener->stats().over_limit, 0U) << "the others wait in the backlog";
    for (int i = 0; i < 4; ++i)
        listener->connection_closed();
    loop_->run_until_idle();
    EXPECT_EQ(listener->connections(), 96U) << "resumed too early";
    listener->connection_closed();
    ASSERT_TRUE(run_until(*loop_, [&] { return listener->connections() == 100; }));
    EXPECT_EQ(listener->stats().over_limit, 0U);
    close_listener(*loop_, *listener, handler_);
}

TEST_P(ListenerTest, ABurstBeyondTheLimitIsClosedNotKept) {
    auto listener = open_listener(*loop_, handler_, {.connections_max = 10});
    std::vector<Fd> clients;
    for (int i = 0; i < 40; ++i)
        clients.push_back(connect_to(listener->port()));
    listener->start();
    loop_->run_until_idle();
    EXPECT_EQ(listener->connections(), 10U);
    EXPECT_EQ(handler_.fds.size(), 10U);
    close_listener(*loop_, *listener, handler_);
    EXPECT_EQ(handler_.fds.size(), 10U);
    handler_.fds.clear();
    size_t ended = 0;
    for (const Fd& client : clients)
        ended += is_ended(client) ? 1 : 0;
    EXPECT_EQ(ended, 40U);
}

TEST_P(ListenerTest, AConnectionsMaxOfOneWorks) {
    auto listener = open_listener(*loop_, handler_, {.connections_max = 1});
    listener->start();
    const Fd first = connect_to(listener->port());
    ASSERT_TRUE(wait_for(1));
    const Fd second = connect_to(listener->port());
    loop_->run_until_idle();
    EXPECT_EQ(handler_.fds.size(), 1U);
    listener->connection_closed();
    ASSERT_TRUE(wait_for(2));
    close_listener(*loop_, *listener, handler_);
}

TEST_P(ListenerTest, CloseGivesTheHandlerWhoWaitsInTheBacklog) {
    auto listener = open_listener(*loop_, handler_);
    listener->start();
    loop_->run_until_idle();
    listener->pause();
    loop_->run_until_idle();
    std::vector<Fd> clients;
    for (int i = 0; i < 30; ++i)
        clients.push_back(connect_to(listener->port()));
    close_listener(*loop_, *listener, handler_);
    EXPECT_EQ(handler_.fds.size(), 30U);
    for (const Fd& client : clients)
        EXPECT_FALSE(is_ended(client));
    const uint16_t port = listener->port();
    listener.reset();
    EXPECT_LT(connect_to(port).get(), 0);
}

TEST_P(ListenerTest, TakesAnInheritedSocket) {
    uint16_t port = 0;
    const Fd inherited = listen_on_loopback(&port);
    auto listener = open_listener(*loop_, handler_, {.inherited_fd = inherited.get()});
    EXPECT_EQ(listener->port(), port);
    listener->start();
    const Fd client = connect_to(port);
    ASSERT_TRUE(wait_for(1));
    close_listener(*loop_, *listener, handler_);
}

// ---- hand-over

TEST_P(ListenerTest, TwoCoresEndUpWithTheSameLoad) {
    auto other_loop = make_loop({.ring = {.multishot = GetParam()}, .core = 1});
    RecordingHandler other_handler;
    LoadTable table(2);
    auto listener = open_listener(*loop_, handler_, {}, &table);
    auto other = open_listener(*other_loop, other_handler, {.port = listener->port()}, &table);
    listener->start();
    other->start();
    std::vector<Fd> clients;
    for (size_t i = 1; i <= 64; ++i) {
        clients.push_back(connect_to(listener->port()));
        ASSERT_TRUE(run_until(*loop_, [&] {
            other_loop->run_turn(0ms);
            return handler_.fds.size() + other_handler.fds.size() == i;
        }));
        const size_t here = handler_.fds.size();
        const size_t there = other_handler.fds.size();
        EXPECT_LE(here > there ? here - there : there - here, 1U) << "after " << i;
    }
    EXPECT_EQ(table.live(0), 32U);
    EXPECT_EQ(table.live(1), 32U);
    EXPECT_EQ(listener->stats().handed_over, other->stats().received);
    EXPECT_EQ(other->stats().handed_over, listener->stats().received);
    for (const loop::PeerAddress& peer : other_handler.peers)
        EXPECT_EQ(std::string_view(peer.text()), "127.0.0.1");
    close_listener(*loop_, *listener, handler_);
    close_listener(*other_loop, *other, other_handler);
}

TEST_P(ListenerTest, HandsNothingToACoreThatIsClosing) {
    auto other_loop = make_loop({.ring = {.multishot = GetParam()}, .core = 1});
    RecordingHandler other_handler;
    LoadTable table(2);
    auto listener = open_listener(*loop_, handler_, {}, &table);
    auto other = open_listener(*other_loop, other_handler, {.port = listener->port()}, &table);
    listener->start();
    other->start();
    close_listener(*other_loop, *other, other_handler);
    std::vector<Fd> clients;
    for (int i = 0; i < 10; ++i)
        clients.push_back(connect_to(listener->port()));
    ASSERT_TRUE(wait_for(10));
    EXPECT_EQ(listener->stats().handed_over, 0U);
    close_listener(*loop_, *listener, handler_);
}

// One core on its own thread: accepts until told to end, then closes in the order that app/ will
// use.
void run_core(uint32_t core, uint16_t port, LoadTable* table, std::atomic<int>* started,
              std::atomic<bool>* ending, std::atomic<int>* accepted) {
    auto loop = make_loop({.core = core});
    RecordingHandler handler;
    auto listener = open_listener(*loop, handler, {.port = port}, table);
    listener->start();
    started->fetch_add(1);
    size_t counted = 0;
    auto count = [&] {
        accepted->fetch_add(static_cast<int>(handler.fds.size() - counted));
        counted = handler.fds.size();
    };
    EXPECT_TRUE(run_until(*loop, [&] {
        count();
        return ending->load();
    }));
    close_listener(*loop, *listener, handler);
    count();
}

TEST(ListenerThreads, HandOverWhileEveryoneClosesLosesNobody) {
    constexpr int rounds = 10;
    constexpr int clients_per_round = 60;
    for (int round = 0; round < rounds; ++round) {
        auto loop = make_loop();
        RecordingHandler unused;
        // Holds the port without listening to what comes: its own backlog would swallow clients.
        uint16_t port = 0;
        {
            auto probe = open_listener(*loop, unused);
            port = probe->port();
        }
        LoadTable table(3);
        std::atomic<int> started{0};
        std::atomic<bool> ending{false};
        std::atomic<int> accepted{0};
        std::vector<std::thread> cores;
        for (uint32_t core = 0; core < 3; ++core)
            cores.emplace_back(run_core, core, port, &table, &started, &ending, &accepted);
        ASSERT_TRUE(run_until(*loop, [&] { return started.load() == 3; }));
        std::vector<Fd> clients;
        for (int i = 0; i < clients_per_round; ++i)
            clients.push_back(connect_to(port));
        ending.store(true);
        for (std::thread& core : cores)
            core.join();
        EXPECT_EQ(accepted.load(), clients_per_round);
    }
}

}  // namespace
}  // namespace fluxgate::test
