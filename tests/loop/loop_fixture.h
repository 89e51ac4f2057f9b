// What the tests of loop/ share: a loop, bounded waits on it, and loopback sockets. No sleeps: a
// test waits on the ring, at most wait_limit, and fails then.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop/loop.h"
#include "loop/mailbox.h"
#include "loop/scope.h"
#include "loop/socket.h"
#include "loop/stream.h"

namespace fluxgate::test {

using namespace std::chrono_literals;

constexpr loop::Duration wait_limit = 20s;  // generous: sanitizers, and neighbours on the machine

inline std::unique_ptr<loop::Loop> make_loop(loop::Loop::Options options = {}) {
    auto made = loop::Loop::create(options);
    if (!made) {
        ADD_FAILURE() << loop::ring_permission_hint(made.error());
        std::abort();
    }
    return std::move(*made);
}

// Turns until `condition` holds.
template <class Condition>
[[nodiscard]] bool run_until(loop::Loop& loop, Condition condition) {
    const auto end = std::chrono::steady_clock::now() + wait_limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        loop.run_turn(20ms);
    }
    return true;
}

class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    ~Fd() { reset(); }
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        reset();
        fd_ = std::exchange(other.fd_, -1);
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }
    void reset() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_ = -1;
};

inline sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

// A blocking connect; on loopback it ends as soon as the backlog has room.
inline Fd connect_to(uint16_t port) {
    Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
        return Fd();
    return client;
}

inline Fd listen_on_loopback(uint16_t* port, int backlog = 64) {
    Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(0);
    socklen_t length = sizeof(address);
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::listen(listener.get(), backlog), 0);
    EXPECT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

inline void reset_on_close(int fd) {
    const linger drop_all{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &drop_all, sizeof(drop_all));
}

inline void make_nonblocking(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

// A connected pair over TCP: `server` is as Listener gives it, `client` does not block either.
struct TcpPair {
    Fd server;
    Fd client;
};
inline TcpPair make_tcp_pair() {
    uint16_t port = 0;
    const Fd listener = listen_on_loopback(&port);
    TcpPair pair;
    pair.client = connect_to(port);
    pair.server = Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    EXPECT_GE(pair.server.get(), 0);
    const int on = 1;
    ::setsockopt(pair.server.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ::setsockopt(pair.client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    make_nonblocking(pair.client.get());
    return pair;
}

inline void write_all(int fd, std::string_view bytes) {
    ASSERT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
}

// What has arrived at a non-blocking socket so far. `ended`: FIN or error came.
struct Arrived {
    std::string bytes;
    bool ended = false;
    int error = 0;
};
inline void read_arrived(int fd, Arrived* arrived) {
    std::array<char, 65536> buffer{};
    while (!arrived->ended) {
        const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (count > 0) {
            arrived->bytes.append(buffer.data(), static_cast<size_t>(count));
            continue;
        }
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
        arrived->ended = true;
        arrived->error = count == 0 ? 0 : errno;
    }
}

// Bytes that tell their position, so that a hole or a swap shows.
inline std::string pattern(size_t bytes) {
    std::string made(bytes, '\0');
    for (size_t i = 0; i < bytes; ++i)
        made[i] = static_cast<char>((i * 131 + (i >> 9)) & 0xff);
    return made;
}

class RecordingSink final : public loop::Stream::Sink {
public:
    void stream_received(std::span<const char> bytes) override {
        EXPECT_FALSE(ended) << "received after the end";
        EXPECT_FALSE(closed);
        received.append(bytes.data(), bytes.size());
        ++receives;
        if (on_received) on_received();
    }
    void stream_ended(const loop::Error& reason) override {
        EXPECT_FALSE(ended) << "ended twice";
        ended = reason;
        if (on_ended) on_ended();
    }
    void stream_sent(loop::Result<size_t> result) override {
        EXPECT_FALSE(closed) << "sent after closed";
        sent.push_back(result);
        if (on_sent) on_sent();
    }
    void stream_closed() override {
        EXPECT_FALSE(closed) << "closed twice";
        closed = true;
        if (on_closed) on_closed();
    }

    std::string received;
    size_t receives = 0;
    std::optional<loop::Error> ended;
    std::vector<loop::Result<size_t>> sent;
    bool closed = false;
    std::function<void()> on_received;
    std::function<void()> on_ended;
    std::function<void()> on_sent;
    std::function<void()> on_closed;
};

inline size_t open_fds() {
    size_t count = 0;
    for (int fd = 0; fd < 4096; ++fd)
        if (::fcntl(fd, F_GETFD) >= 0) ++count;
    return count;
}

}  // namespace fluxgate::test
