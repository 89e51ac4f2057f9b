// Listener, sockets and server together, over real loopback sockets.
#include "http/acceptor.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "http/health.h"
#include "loop/buf_ring.h"

namespace fluxgate::test {
namespace {

constexpr std::string_view health = "GET /mcp/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

class HttpAcceptor : public ::testing::Test {
protected:
    std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create({}));
    std::unique_ptr<loop::BufRing> buffers =
        std::move(*loop::BufRing::create(*loop, {.slots = 16}));
    loop::SocketContext sockets{*loop, *buffers};
    http::HealthHandler health_handler{http::HealthHandler::Kind::health};
    http::Router router;
    std::unique_ptr<http::Acceptor> acceptor;

    void SetUp() override {
        router.add({"/mcp/health", http::Method::get, &health_handler, {}, 0, "health"});
        auto opened = http::Acceptor::open(sockets, {.address = "127.0.0.1", .port = 0}, nullptr,
                                           {}, router, nullptr);
        ASSERT_TRUE(opened.has_value());
        acceptor = std::move(*opened);
        acceptor->start();
    }

    int connect() const {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(acceptor->listener().port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        return fd;
    }
    template <class Done>
    void run_until(Done done) {
        for (int i = 0; i < 1000 && !done(); ++i) {
            loop->run_turn(std::chrono::milliseconds(10));
        }
        EXPECT_TRUE(done());
    }
    // What arrives until `bytes` are there, or the peer closes.
    std::string receive(int fd, size_t bytes) {
        std::string text;
        bool ended = false;
        run_until([&] {
            std::array<char, 4096> piece{};
            const ssize_t got = ::recv(fd, piece.data(), piece.size(), MSG_DONTWAIT);
            if (got > 0) text.append(piece.data(), static_cast<size_t>(got));
            ended = got == 0;
            return ended || text.size() >= bytes;
        });
        return text;
    }
};

TEST_F(HttpAcceptor, AnswersOverASocketAndDrains) {
    const int idle = connect();
    const int busy = connect();
    ASSERT_EQ(::send(busy, health.data(), health.size(), 0), static_cast<ssize_t>(health.size()));
    EXPECT_TRUE(receive(busy, 100).ends_with(R"({"status":"healthy"})"));
    run_until([&] { return acceptor->server().connections() == 2; });

    bool stopped = false;
    loop::Scope scope(loop.get());
    scope.spawn("stop", [](http::Acceptor* one, bool* done) -> loop::Task<void> {
        co_await one->stop();
        *done = true;
    }(acceptor.get(), &stopped));
    EXPECT_EQ(receive(idle, 1), "");  // FIN, no RST
    EXPECT_EQ(receive(busy, 1), "");
    ::close(idle);
    ::close(busy);
    run_until([&] { return stopped; });
    EXPECT_EQ(acceptor->server().connections(), 0U);
    EXPECT_EQ(sockets.sockets_open, 0U);
}

TEST_F(HttpAcceptor, WhoWaitsInTheBacklogIsAnsweredBeforeTheDrain) {
    run_until([&] { return acceptor->listener().connections() == 0; });
    // The loop does not turn between these and stop().
    const int waiting = connect();
    ASSERT_EQ(::send(waiting, health.data(), health.size(), 0),
              static_cast<ssize_t>(health.size()));
    bool stopped = false;
    loop::Scope scope(loop.get());
    scope.spawn("stop", [](http::Acceptor* one, bool* done) -> loop::Task<void> {
        co_await one->stop();
        *done = true;
    }(acceptor.get(), &stopped));
    EXPECT_TRUE(receive(waiting, 100).ends_with(R"({"status":"healthy"})"));
    ::close(waiting);
    run_until([&] { return stopped; });
}

// Or a client would send the next request to a connection that is about to be closed.
TEST_F(HttpAcceptor, WhatIsAnsweredOnceNobodyIsAcceptedAnyMoreSaysClose) {
    const int busy = connect();
    run_until([&] { return acceptor->server().connections() == 1; });
    bool stopped = false;
    loop::Scope scope(loop.get());
    // The loop does not turn between these: the request comes before the listener's last
    // completion.
    ASSERT_EQ(::send(busy, health.data(), health.size(), 0), static_cast<ssize_t>(health.size()));
    scope.spawn("stop", [](http::Acceptor* one, bool* done) -> loop::Task<void> {
        co_await one->stop();
        *done = true;
    }(acceptor.get(), &stopped));
    EXPECT_NE(receive(busy, 100).find("\r\nConnection: close\r\n"), std::string::npos);
    ::close(busy);
    run_until([&] { return stopped; });
}

}  // namespace
}  // namespace fluxgate::test
