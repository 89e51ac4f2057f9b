// TcpStream: a connected TCP socket as a Stream, on multishot receive and the core's buffer ring.
//
// Server side: the fd comes from Listener. Client side: from connect_tcp() (loop/connect.h).
//
// Closing goes in named steps: cancel what is in flight on the fd -> wait for every completion ->
// close(2)
// -> Sink::stream_closed(). A send that is under way when close() is called still gets its
// stream_sent(), before stream_closed(). Idle footprint: see the static_assert below.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "loop/bound.h"
#include "loop/buf_ring.h"
#include "loop/loop.h"
#include "loop/op.h"
#include "loop/peer_address.h"
#include "loop/stream.h"

namespace fluxgate::loop {

// What the sockets of one core share. Must outlive them.
class SocketContext {
public:
    SocketContext(Loop& loop, BufRing& buffers) : loop_(loop), buffers_(buffers) {}
    ~SocketContext();
    SocketContext(const SocketContext&) = delete;
    SocketContext& operator=(const SocketContext&) = delete;

    [[nodiscard]] Loop& loop() { return loop_; }
    [[nodiscard]] BufRing& buffers() { return buffers_; }
    // Plain integers of this core, for metrics.
    uint64_t bytes_received = 0;
    uint64_t bytes_sent = 0;
    uint64_t quota_pauses = 0;  // a peer that sent faster than its share
    uint32_t sockets_open = 0;

private:
    friend class TcpStream;
    // An iovec array for a send of many parts; from a free list.
    union SendParts {
        std::array<iovec, Stream::send_parts_max> parts;
        SendParts* next;
    };
    [[nodiscard]] SendParts* take_parts();
    void give_back_parts(SendParts* parts);

    Loop& loop_;
    BufRing& buffers_;
    SendParts* free_parts_ = nullptr;
};

class TcpStream final : public Stream {
public:
    // Takes over `fd`. TCP_NODELAY is set by whoever made it. Starts nothing.
    TcpStream(SocketContext& context, int fd, const PeerAddress& peer);
    ~TcpStream() override;  // only after stream_closed()
    TcpStream(const TcpStream&) = delete;
    TcpStream& operator=(const TcpStream&) = delete;

    [[nodiscard]] const PeerAddress& peer() const { return peer_; }
    [[nodiscard]] int fd() const { return fd_; }

    void set_sink(Sink& sink) override { sink_ = &sink; }
    void start_receiving() override;
    void stop_receiving() override;
    void send(std::span<const iovec> parts) override;
    void shutdown_send() override;
    void close(CloseMode mode) override;

private:
    static constexpr size_t inline_parts_max = 4;

    void receive_done(int32_t result, uint32_t flags);
    void send_done(int32_t result, uint32_t flags);
    void cancel_done(int32_t result, uint32_t flags);
    void arm_receive();
    void arm_one_slot();
    [[nodiscard]] bool may_arm_receive() const;
    void receive_ended(int32_t result);
    void deliver(uint16_t slot, size_t bytes);
    void cancel_receive();
    void arm_send();
    void skip_sent_parts(size_t bytes);
    void finish_send(Result<size_t> result);
    void advance_close();

    SocketContext& context_;
    Sink* sink_ = nullptr;
    int fd_;
    bool wants_receive_ = false;
    bool ended_ = false;  // stream_ended() was called
    bool over_quota_ = false;
    bool sending_ = false;  // from send() to stream_sent()
    bool fin_wanted_ = false;
    bool closing_ = false;  // close() was called
    uint32_t quota_slots_ = 0;
    uint64_t quota_turn_ = 0;  // the turn in which quota_slots_ were received
    PeerAddress peer_;

    size_t send_bytes_ = 0;  // of the whole send
    size_t sent_bytes_ = 0;
    msghdr message_{};  // msg_iov points to inline_parts_ or parts_ exactly while sending_
    std::array<iovec, inline_parts_max> inline_parts_;
    SocketContext::SendParts* parts_ = nullptr;

    Bound<Op, &TcpStream::receive_done> receive_op_{this};
    Bound<Op, &TcpStream::send_done> send_op_{this};
    Bound<Op, &TcpStream::cancel_done> cancel_op_{this};
    Bound<Starved, &TcpStream::arm_one_slot> starved_{this};
    Bound<Ready, &TcpStream::advance_close> close_ready_{this};
};
static_assert(sizeof(TcpStream) <= 512);

}  // namespace fluxgate::loop
