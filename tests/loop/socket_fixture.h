// A loop with a buffer ring and TCP streams whose peers are plain sockets, for socket_*_test.cc.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "loop/buf_ring.h"
#include "loop/socket.h"
#include "tests/loop/loop_fixture.h"

namespace fluxgate::test {

struct Connection {
    RecordingSink sink;
    std::unique_ptr<loop::TcpStream> stream;
    Fd client;
};

// Once with multishot receive, once as a kernel without it would do.
class SocketTest : public testing::TestWithParam<bool> {
protected:
    SocketTest() { use_slots(64); }
    ~SocketTest() override {
        for (auto& connection : connections_)
            close_now(*connection);
    }

    void use_slots(uint32_t slots) {
        context_.reset();
        buffers_.reset();
        if (!loop_) loop_ = make_loop({.ring = {.multishot = GetParam()}});
        auto made = loop::BufRing::create(*loop_, {.slots = slots});
        if (!made) std::abort();
        buffers_ = std::move(*made);
        context_ = std::make_unique<loop::SocketContext>(*loop_, *buffers_);
    }

    Connection& connect() {
        TcpPair pair = make_tcp_pair();
        auto& made = *connections_.emplace_back(std::make_unique<Connection>());
        made.stream = std::make_unique<loop::TcpStream>(*context_, pair.server.release(),
                                                        loop::PeerAddress());
        made.stream->set_sink(made.sink);
        made.client = std::move(pair.client);
        return made;
    }

    // As the owner of a stream does: close, wait, free.
    void close_now(Connection& connection) {
        if (!connection.stream) return;
        if (!connection.sink.closed) connection.stream->close(loop::Stream::CloseMode::reset);
        EXPECT_TRUE(run_until([&] { return connection.sink.closed; }));
        connection.stream.reset();
    }

    template <class Condition>
    [[nodiscard]] bool run_until(Condition condition) {
        return test::run_until(*loop_, condition);
    }
    void send_text(Connection& connection, const std::string& text) {
        const iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
        connection.stream->send({&part, 1});
    }
    // Sends as much as the client's socket takes; returns the rest's offset.
    static size_t push(Connection& connection, std::string_view bytes, size_t from) {
        while (from < bytes.size()) {
            const ssize_t count = ::send(connection.client.get(), bytes.data() + from,
                                         bytes.size() - from, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (count <= 0) break;
            from += static_cast<size_t>(count);
        }
        return from;
    }

    std::unique_ptr<loop::Loop> loop_;
    std::unique_ptr<loop::BufRing> buffers_;
    std::unique_ptr<loop::SocketContext> context_;
    std::vector<std::unique_ptr<Connection>> connections_;
};

inline std::string kernel_name(const testing::TestParamInfo<bool>& chosen) {
    return chosen.param ? "Multishot" : "SingleShot";
}

}  // namespace fluxgate::test
