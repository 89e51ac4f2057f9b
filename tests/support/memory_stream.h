// A loop::Stream without a socket: the test is the peer.
//
//   MemoryPeer peer(loop);
//   connection(peer.take_stream());
//   peer.send("GET / ...");  loop.run_until_idle();  EXPECT_EQ(peer.received(), "HTTP/1.1 200
//   ...");
//
// As a kernel would, it calls its sink from the loop only, keeps what is sent while receiving is
// off, and reads a send's buffers when the send completes, not when it starts. A peer that stops
// reading leaves the send under way; its window lets only so many bytes through. The stream belongs
// to whoever took it; the peer outlives it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loop/bound.h"
#include "loop/check.h"
#include "loop/loop.h"
#include "loop/stream.h"

namespace fluxgate::test {

class MemoryPeer {
public:
    explicit MemoryPeer(loop::Loop& loop) : loop_(loop) {}
    ~MemoryPeer() { FLUX_CHECK(stream_ == nullptr); }  // its owner has freed it
    MemoryPeer(const MemoryPeer&) = delete;
    MemoryPeer& operator=(const MemoryPeer&) = delete;

    [[nodiscard]] std::unique_ptr<loop::Stream> take_stream() {
        FLUX_CHECK(stream_ == nullptr);
        auto stream = std::make_unique<MemoryStream>(*this);
        stream_ = stream.get();
        return stream;
    }

    // Arrives as one piece.
    void send(std::string_view bytes) {
        if (!bytes.empty()) incoming_.emplace_back(bytes);
        wake();
    }
    void send_in_pieces(std::string_view bytes, size_t piece_bytes) {
        for (size_t at = 0; at < bytes.size(); at += piece_bytes) {
            incoming_.emplace_back(bytes.substr(at, piece_bytes));
        }
        wake();
    }
    // FIN behind what was sent.
    void finish() {
        fin_sent_ = true;
        wake();
    }
    // RST: what has not been delivered is lost.
    void reset() {
        incoming_.clear();
        reset_ = true;
        wake();
    }
    // Takes at most `bytes` more; without a call everything is taken at once.
    void set_window(size_t bytes) {
        window_ = bytes;
        wake();
    }
    void open_window() {
        window_.reset();
        wake();
    }

    [[nodiscard]] const std::string& received() const { return received_; }
    std::string take_received() { return std::exchange(received_, {}); }
    [[nodiscard]] size_t sends() const { return sends_; }
    [[nodiscard]] bool has_fin() const { return fin_received_; }
    // Closed by the other side, in either way.
    [[nodiscard]] bool is_closed() const { return closed_.has_value(); }
    [[nodiscard]] bool was_reset() const { return closed_ == loop::Stream::CloseMode::reset; }
    [[nodiscard]] bool is_receiving() const { return receiving_; }
    // Sent and not yet handed to the other side.
    [[nodiscard]] size_t undelivered() const {
        size_t bytes = 0;
        for (const std::string& piece : incoming_) {
            bytes += piece.size();
        }
        return bytes;
    }

private:
    class MemoryStream final : public loop::Stream {
    public:
        explicit MemoryStream(MemoryPeer& peer) : peer_(peer) {}
        ~MemoryStream() override {
            FLUX_CHECK(!peer_.send_under_way_);
            peer_.stream_ = nullptr;
            peer_.sink_ = nullptr;
        }
        void set_sink(Sink& sink) override { peer_.sink_ = &sink; }
        void start_receiving() override {
            peer_.receiving_ = true;
            peer_.wake();
        }
        void stop_receiving() override { peer_.receiving_ = false; }
        void send(std::span<const iovec> parts) override { peer_.begin_send(parts); }
        void shutdown_send() override {
            FLUX_CHECK(!peer_.closed_);
            peer_.fin_received_ = true;
        }
        void close(CloseMode mode) override {
            FLUX_CHECK(!peer_.closed_);
            peer_.closed_ = mode;
            peer_.receiving_ = false;
            peer_.wake();
        }

    private:
        MemoryPeer& peer_;
    };

    void wake() { loop_.post(ready_); }

    void begin_send(std::span<const iovec> parts) {
        FLUX_CHECK(!send_under_way_ && !closed_ && !fin_received_);
        FLUX_CHECK(!parts.empty() && parts.size() <= loop::Stream::send_parts_max);
        parts_.assign(parts.begin(), parts.end());
        part_offset_ = 0;
        send_under_way_ = true;
        sent_bytes_ = 0;
        ++sends_;
        wake();
    }

    // One event a turn of the loop, as completions come one by one.
    void run() {
        if (sink_ == nullptr) return;
        if (run_one()) wake();
    }
    bool run_one() {
        if (send_under_way_ && move_output()) return true;
        if (closed_) {
            if (stream_ == nullptr || close_told_) return false;
            if (send_under_way_)
                return end_send(
                    std::unexpected(loop::Error{loop::ErrorCode::cancelled, 0, "send"}));
            close_told_ = true;
            sink_->stream_closed();
            return false;
        }
        if (reset_ && !end_told_) {
            if (send_under_way_)
                return end_send(std::unexpected(loop::Error{loop::ErrorCode::reset, 0, "send"}));
            return tell_end(loop::ErrorCode::reset);
        }
        if (!receiving_ || end_told_) return false;
        if (!incoming_.empty()) return deliver();
        return fin_sent_ && tell_end(loop::ErrorCode::closed);
    }

    bool deliver() {
        // A copy of its own, of exact size, so that a view that is kept is seen by the sanitizer.
        const std::string piece = std::move(incoming_.front());
        incoming_.pop_front();
        std::vector<char> bytes(piece.size() + loop::Stream::receive_padding_bytes);
        std::memcpy(bytes.data(), piece.data(), piece.size());
        sink_->stream_received(std::span(bytes).first(piece.size()));
        return true;
    }
    bool tell_end(loop::ErrorCode code) {
        end_told_ = true;
        receiving_ = false;
        sink_->stream_ended({code, 0, "memory stream"});
        return true;
    }
    // True when the send has ended.
    bool move_output() {
        if (closed_ == loop::Stream::CloseMode::reset || reset_) return false;
        while (!parts_.empty() && window_ != 0U) {
            const iovec& part = parts_.front();
            size_t bytes = part.iov_len - part_offset_;
            if (window_) bytes = std::min(bytes, *window_);
            received_.append(static_cast<const char*>(part.iov_base) + part_offset_, bytes);
            part_offset_ += bytes;
            sent_bytes_ += bytes;
            if (window_) *window_ -= bytes;
            if (part_offset_ == part.iov_len) {
                parts_.erase(parts_.begin());
                part_offset_ = 0;
            }
        }
        return parts_.empty() && end_send(sent_bytes_);
    }
    bool end_send(loop::Result<size_t> result) {
        send_under_way_ = false;
        parts_.clear();
        sink_->stream_sent(result);
        return true;
    }

    loop::Loop& loop_;
    MemoryStream* stream_ = nullptr;  // not null while somebody owns it
    loop::Stream::Sink* sink_ = nullptr;
    std::deque<std::string> incoming_;
    std::string received_;
    std::vector<iovec> parts_;  // not yet taken, of the send that is under way
    size_t part_offset_ = 0;    // taken of the first one
    size_t sent_bytes_ = 0;
    size_t sends_ = 0;
    std::optional<size_t> window_;  // no limit without it
    std::optional<loop::Stream::CloseMode> closed_;
    bool send_under_way_ = false;
    bool receiving_ = false;
    bool fin_sent_ = false;
    bool fin_received_ = false;
    bool reset_ = false;
    bool end_told_ = false;
    bool close_told_ = false;
    loop::Bound<loop::Ready, &MemoryPeer::run> ready_{this};
};

}  // namespace fluxgate::test
