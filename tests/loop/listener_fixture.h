// A Listener::Handler that notes what it is given, for listener_*_test.cc.
#pragma once

#include <memory>
#include <vector>

#include "loop/listener.h"
#include "tests/loop/loop_fixture.h"

namespace fluxgate::test {

class RecordingHandler final : public loop::Listener::Handler {
public:
    void connection_accepted(int fd, const loop::PeerAddress& peer) override {
        EXPECT_FALSE(closed);
        fds.emplace_back(fd);
        peers.push_back(peer);
    }
    void listener_closed() override {
        EXPECT_FALSE(closed);
        closed = true;
    }
    std::vector<Fd> fds;
    std::vector<loop::PeerAddress> peers;
    bool closed = false;
};

inline std::unique_ptr<loop::Listener> open_listener(loop::Loop& loop, RecordingHandler& handler,
                                                     loop::ListenerOptions options = {},
                                                     loop::LoadTable* table = nullptr) {
    if (options.address == "0.0.0.0") options.address = "127.0.0.1";
    auto made = loop::Listener::open(loop, options, table, handler);
    if (!made) {
        ADD_FAILURE() << made.error().what << " errno " << made.error().os_errno;
        std::abort();
    }
    return std::move(*made);
}

inline void close_listener(loop::Loop& loop, loop::Listener& listener, RecordingHandler& handler) {
    listener.close();
    EXPECT_TRUE(run_until(loop, [&] { return handler.closed; }));
}

// Whether the other side has closed or reset this connection.
inline bool is_ended(const Fd& client) {
    char byte = 0;
    const ssize_t count = ::recv(client.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return count == 0 || (count < 0 && errno != EAGAIN);
}

}  // namespace fluxgate::test
