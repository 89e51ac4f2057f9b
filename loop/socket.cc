#include "loop/socket.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace fluxgate::loop {
namespace {

// Of the buffer ring, how much one peer may use up in a turn before the others get theirs.
uint32_t quota_of(const BufRing& buffers) {
    return std::max(4U, buffers.slots() / 8);
}

}  // namespace

SocketContext::~SocketContext() {
    FLUX_CHECK_OP(sockets_open, ==, 0U);
    while (free_parts_ != nullptr)
        delete take_parts();
}

SocketContext::SendParts* SocketContext::take_parts() {
    if (free_parts_ == nullptr) return new SendParts;
    SendParts* taken = free_parts_;
    free_parts_ = taken->next;
    return taken;
}

void SocketContext::give_back_parts(SendParts* parts) {
    parts->next = free_parts_;
    free_parts_ = parts;
}

TcpStream::TcpStream(SocketContext& context, int fd, const PeerAddress& peer)
    : context_(context), fd_(fd), peer_(peer) {
    FLUX_CHECK_OP(fd, >=, 0);
    ++context_.sockets_open;
}

TcpStream::~TcpStream() {
    FLUX_CHECK_OP(fd_, ==, -1);  // close() first, and wait for stream_closed()
}

// ---- receive

void TcpStream::start_receiving() {
    FLUX_CHECK(sink_ != nullptr && !closing_);
    wants_receive_ = true;
    // One that is being cancelled is armed again by its last completion, a starved one by the ring.
    if (!starved_.is_linked()) arm_receive();
}

void TcpStream::stop_receiving() {
    wants_receive_ = false;
    starved_.unlink();
    cancel_receive();
}

bool TcpStream::may_arm_receive() const {
    return wants_receive_ && !ended_ && !closing_ && !receive_op_.in_flight();
}

void TcpStream::arm_receive() {
    if (!may_arm_receive()) return;
    over_quota_ = false;
    context_.loop_.ring().recv_multishot(receive_op_, fd_, context_.buffers_.group());
}

// After it was starved, or had more than its share: one slot, so that there is one for the others
// too. A multishot would take all that came back.
void TcpStream::arm_one_slot() {
    over_quota_ = false;
    if (!may_arm_receive()) return;
    context_.loop_.ring().recv_once(receive_op_, fd_, context_.buffers_.group());
}

void TcpStream::cancel_receive() {
    if (receive_op_.in_flight() && !cancel_op_.in_flight())
        context_.loop_.ring().cancel(cancel_op_, receive_op_);
}

void TcpStream::receive_done(int32_t result, uint32_t flags) {
    if (std::optional<uint16_t> slot = Ring::buffer_of(flags))
        deliver(*slot, result > 0 ? static_cast<size_t>(result) : 0);
    if (receive_op_.in_flight()) return;
    if (closing_) return advance_close();
    receive_ended(result);
}

void TcpStream::deliver(uint16_t slot, size_t bytes) {
    const std::span<const char> received = context_.buffers_.take(slot, bytes);
    context_.bytes_received += bytes;
    if (bytes != 0 && !ended_ && !closing_) sink_->stream_received(received);
    context_.buffers_.give_back(slot);

    const uint64_t turn = context_.loop_.turns();
    if (quota_turn_ != turn) {
        quota_turn_ = turn;
        quota_slots_ = 0;
    }
    if (++quota_slots_ < quota_of(context_.buffers_) || over_quota_ || closing_) return;
    if (!receive_op_.in_flight()) return;
    over_quota_ = true;  // ends this receive; the next one waits its turn with the starved ones
    ++context_.quota_pauses;
    cancel_receive();
}

// The kernel has ended this receive. `result` says why.
void TcpStream::receive_ended(int32_t result) {
    if (ended_) return;
    switch (result) {
        case 0:
            ended_ = true;
            return sink_->stream_ended(Error{ErrorCode::closed, 0, "recv"});
        case -ENOBUFS:
            context_.buffers_.count_starved();
            if (wants_receive_) context_.buffers_.park(starved_);
            return;
        case -ECANCELED:
        case -EINTR:
        case -EAGAIN:
            break;
        default:
            if (result > 0) break;  // no multishot here, or one that ended by the way
            ended_ = true;
            return sink_->stream_ended(error_from_errno(-result, "recv"));
    }
    if (wants_receive_ && over_quota_)
        context_.buffers_.park(starved_);
    else
        arm_receive();
}

// ---- send

void TcpStream::send(std::span<const iovec> parts) {
    FLUX_CHECK(sink_ != nullptr && !sending_ && !fin_wanted_ && !closing_);
    FLUX_CHECK_OP(parts.size(), <=, send_parts_max);
    iovec* copy = inline_parts_.data();
    if (parts.size() > inline_parts_max) {
        parts_ = context_.take_parts();
        copy = parts_->parts.data();
    }
    std::copy(parts.begin(), parts.end(), copy);
    send_bytes_ = 0;
    for (const iovec& part : parts)
        send_bytes_ += part.iov_len;
    sent_bytes_ = 0;
    sending_ = true;
    message_.msg_iov = copy;
    message_.msg_iovlen = parts.size();
    arm_send();
}

void TcpStream::arm_send() {
    context_.loop_.ring().sendmsg(send_op_, fd_, message_);
}

void TcpStream::skip_sent_parts(size_t bytes) {
    while (bytes != 0 && bytes >= message_.msg_iov->iov_len) {
        bytes -= message_.msg_iov->iov_len;
        ++message_.msg_iov;
        --message_.msg_iovlen;
    }
    message_.msg_iov->iov_base = static_cast<char*>(message_.msg_iov->iov_base) + bytes;
    message_.msg_iov->iov_len -= bytes;
}

void TcpStream::send_done(int32_t result, uint32_t) {
    if (result > 0) {
        sent_bytes_ += static_cast<size_t>(result);
        context_.bytes_sent += static_cast<size_t>(result);
    }
    if (sent_bytes_ == send_bytes_) return finish_send(send_bytes_);
    if (closing_) return finish_send(std::unexpected(Error{ErrorCode::cancelled, 0, "send"}));
    // Short in spite of MSG_WAITALL: go on with the rest.
    if (result > 0) skip_sent_parts(static_cast<size_t>(result));
    if (result > 0 || result == -EINTR || result == -EAGAIN) return arm_send();
    if (result == 0) result = -EPIPE;
    finish_send(std::unexpected(error_from_errno(-result, "send")));
}

void TcpStream::finish_send(Result<size_t> result) {
    if (parts_ != nullptr) context_.give_back_parts(parts_);
    parts_ = nullptr;
    sending_ = false;
    if (fin_wanted_ && result && !closing_) ::shutdown(fd_, SHUT_WR);
    sink_->stream_sent(result);
    if (closing_) advance_close();
}

void TcpStream::shutdown_send() {
    if (fin_wanted_ || closing_) return;
    fin_wanted_ = true;
    // It fails where the peer is gone already; the receive tells of that.
    if (!sending_) ::shutdown(fd_, SHUT_WR);
}

// ---- close

void TcpStream::close(CloseMode mode) {
    FLUX_CHECK(sink_ != nullptr && fd_ >= 0);
    if (mode == CloseMode::reset) {
        const linger drop_unsent{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &drop_unsent, sizeof(drop_unsent));
    }
    if (closing_) return;
    closing_ = true;
    wants_receive_ = false;
    starved_.unlink();
    if (!receive_op_.in_flight() && !send_op_.in_flight())
        context_.loop_.post(close_ready_);  // not from inside this call
    else if (!cancel_op_.in_flight())
        context_.loop_.ring().cancel_fd(cancel_op_, fd_);
}

void TcpStream::cancel_done(int32_t, uint32_t) {
    // What it cancelled may complete later in this same turn.
    if (closing_) return context_.loop_.post(close_ready_);
    // A receive that was armed behind the cancel and is not wanted either.
    if (!wants_receive_ || over_quota_) cancel_receive();
}

void TcpStream::advance_close() {
    if (fd_ < 0) return;
    if (receive_op_.in_flight() || send_op_.in_flight()) {
        if (!cancel_op_.in_flight()) context_.loop_.ring().cancel_fd(cancel_op_, fd_);
        return;
    }
    if (cancel_op_.in_flight()) return;
    close_ready_.unlink();
    ::close(fd_);
    fd_ = -1;
    --context_.sockets_open;
    sink_->stream_closed();  // may free this
}

}  // namespace fluxgate::loop
