// The ending half of Connection: lingering, disconnects, deadlines.
//
// Deadlines are kept as times; a timer is only restarted when a deadline comes earlier than the
// timer would fire. One that fires too early looks at the time again. So a busy connection starts a
// timer about once a minute, not once a request.
#include <algorithm>

#include "http/connection.h"
#include "loop/check.h"

namespace fluxgate::http {
namespace {

using std::chrono::milliseconds;

// How long `bytes` may take at `bytes_per_second`, but at least the grace.
loop::Duration time_for(uint64_t bytes, size_t bytes_per_second, uint32_t grace_ms) {
    const uint64_t ms = bytes * 1000 / bytes_per_second;
    return milliseconds(std::max<uint64_t>(ms, grace_ms));
}

}  // namespace

std::string_view to_string(CloseReason reason) {
    switch (reason) {
        case CloseReason::none:
            return "none";
        case CloseReason::peer_asked:
            return "peer_asked";
        case CloseReason::answer_asked:
            return "answer_asked";
        case CloseReason::refused:
            return "refused";
        case CloseReason::requests_max:
            return "requests_max";
        case CloseReason::draining:
            return "draining";
        case CloseReason::timed_out:
            return "timed_out";
        case CloseReason::peer_gone:
            return "peer_gone";
        case CloseReason::slow_reader:
            return "slow_reader";
        case CloseReason::aborted:
            return "aborted";
    }
    return "none";
}

// ---- lingering

// A close with unread input makes the kernel send RST, which may overtake our last answer. So:
// answer, FIN, drop what still comes, close when the peer has closed or after a while (RFC
// 9112 9.6).
void Connection::start_lingering() {
    state_ = State::lingering;
    lingering_bytes_ = 0;
}

void Connection::linger_on() {
    if (!out_.empty()) return;
    if (!fin_sent_) {
        fin_sent_ = true;
        phase_began_ = context_.loop.now();
        stream_->shutdown_send();
    }
    if (peer_eof_ || !can_read()) break_off(loop::Stream::CloseMode::orderly, close_reason_);
}

size_t Connection::discard_lingering(std::span<const char> bytes) {
    context_.counts.bytes_in += bytes.size();
    lingering_bytes_ += bytes.size();
    return bytes.size();
}

// ---- disconnects

void Connection::stream_ended(const loop::Error& reason) {
    FLUX_CHECK(!busy_);
    if (state_ == State::closing) return;
    peer_eof_ = true;
    receiving_ = false;
    if (reason.code != loop::ErrorCode::closed) {
        return break_off(loop::Stream::CloseMode::reset, CloseReason::peer_gone);
    }
    if (cancel_on_disconnect_ && open_) {
        busy_ = true;
        scope().cancel();
        busy_ = false;
    }
    settle();
}

// The peer sends no more. A request that is whole is answered all the same (it may only have closed
// its half); one that is not is dropped, never dispatched.
void Connection::peer_ended() {
    if (read_ahead_begin_ < read_ahead_.size()) return;
    switch (state_) {
        case State::idle:
            if (out_.empty()) break_off(loop::Stream::CloseMode::orderly, CloseReason::peer_gone);
            return;
        case State::head:
        case State::body:
        case State::discarding:
            close_after_ = true;
            close_reason_ = CloseReason::peer_gone;
            return abandon_request();
        case State::waiting:
        case State::answering:
        case State::lingering:
        case State::closing:
            return;
    }
}

// Nobody will answer any more, or nobody would read it.
void Connection::abandon_request() {
    answered_ = true;
    streaming_ = false;
    body_done_ = true;
    advance();
}

void Connection::break_off(loop::Stream::CloseMode mode, CloseReason reason) {
    if (state_ == State::closing) return;
    state_ = State::closing;
    close_reason_ = reason;
    receiving_ = false;
    read_timer_.stop();
    write_timer_.stop();
    const bool was_busy = std::exchange(busy_, true);
    stream_->close(mode);
    if (!sending_) out_.clear();
    wake_writers();
    const bool cancels = reason == CloseReason::aborted || cancel_on_disconnect_;
    if (open_ && scope_ && cancels) scope_->cancel();
    check_answered();
    busy_ = was_busy;
    settle();
}

void Connection::abort() {
    stream_->set_sink(*this);  // also where it was never started
    busy_ = true;
    if (open_ && scope_) scope_->cancel();
    busy_ = false;
    break_off(loop::Stream::CloseMode::reset, CloseReason::aborted);
}

void Connection::drain() {
    if (state_ == State::idle && read_ahead_.empty()) {
        close_reason_ = CloseReason::draining;
        start_lingering();
    }
    settle();
}

void Connection::stream_closed() {
    FLUX_CHECK(state_ == State::closing && !busy_);
    stream_closed_ = true;
    FLUX_CHECK(!sending_);
    settle();
}

void Connection::release_if_over() {
    if (!stream_closed_ || open_ || released_) return;
    released_ = true;
    owner_.connection_closed(*this);
}

// ---- deadlines

void Connection::update_read_deadline() {
    const Limits& limits = context_.limits;
    const bool is_reading = state_ == State::idle || state_ == State::head ||
                            state_ == State::body || state_ == State::discarding;
    if (is_reading && output_full_) {
        reading_held_ = true;  // it is us who do not read; the write deadline runs instead
        return set_read_deadline(loop::Instant::max());
    }
    if (reading_held_) {
        reading_held_ = false;
        phase_began_ = progress_ = context_.loop.now();
        progress_bytes_ = parser_.body_bytes();
    }
    switch (state_) {
        case State::idle:
            // The peer still reads the last answer: the write deadline runs instead.
            if (writing_) return set_read_deadline(loop::Instant::max());
            return set_read_deadline(phase_began_ + milliseconds(limits.keep_alive_timeout_ms));
        case State::head:
            return set_read_deadline(phase_began_ + milliseconds(limits.head_timeout_ms));
        case State::body:
        case State::discarding:
            return set_read_deadline(body_deadline());
        case State::lingering:
            if (!fin_sent_) return set_read_deadline(loop::Instant::max());
            return set_read_deadline(phase_began_ + milliseconds(limits.lingering_timeout_ms));
        case State::waiting:
        case State::answering:
        case State::closing:
            return set_read_deadline(loop::Instant::max());
    }
}

void Connection::set_read_deadline(loop::Instant at) {
    read_deadline_ = at;
    if (at == loop::Instant::max()) return;
    if (read_timer_.is_running() && read_armed_ <= at) return;
    read_armed_ = at;
    context_.loop.timers().start(read_timer_, at);
}

loop::Instant Connection::body_deadline() const {
    const Limits& limits = context_.limits;
    const loop::Instant idle = progress_ + milliseconds(limits.body_idle_timeout_ms);
    const loop::Instant slow =
        phase_began_ + time_for(parser_.body_bytes() - progress_bytes_,
                                limits.body_bytes_per_second_min, limits.body_rate_grace_ms);
    return std::min(idle, slow);
}

loop::Instant Connection::write_deadline() const {
    const Limits& limits = context_.limits;
    const loop::Instant idle = write_progress_ + milliseconds(limits.write_idle_timeout_ms);
    const loop::Instant slow = write_began_ + time_for(written_, limits.write_bytes_per_second_min,
                                                       limits.write_rate_grace_ms);
    return std::min(idle, slow);
}

void Connection::read_timer_fired() {
    if (read_deadline_ == loop::Instant::max()) return;
    if (context_.loop.now() < read_deadline_) return set_read_deadline(read_deadline_);
    busy_ = true;
    read_timed_out();
    busy_ = false;
    settle();
}

void Connection::read_timed_out() {
    switch (state_) {
        case State::idle:
            ++context_.counts.idle_timeouts;
            return break_off(loop::Stream::CloseMode::orderly, CloseReason::timed_out);
        case State::head:
        case State::body:
            ++(state_ == State::head ? context_.counts.head_timeouts
                                     : context_.counts.body_timeouts);
            close_reason_ = CloseReason::timed_out;
            return refuse(verdict::request_timeout);
        case State::discarding:
            ++context_.counts.body_timeouts;
            close_after_ = true;
            close_reason_ = CloseReason::timed_out;
            return abandon_request();
        case State::lingering:
            return break_off(loop::Stream::CloseMode::orderly, close_reason_);
        case State::waiting:
        case State::answering:
        case State::closing:
            return;
    }
}

void Connection::write_timer_fired() {
    if (!writing_) return;
    const loop::Instant deadline = write_deadline();
    if (context_.loop.now() < deadline) {
        return context_.loop.timers().start(write_timer_, deadline);
    }
    ++context_.counts.write_timeouts;
    break_off(loop::Stream::CloseMode::reset, CloseReason::slow_reader);
}

}  // namespace fluxgate::http
