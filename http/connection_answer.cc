// The answering half of Connection: from respond() to the bytes on their way, and the end of a
// request.
#include <array>
#include <charconv>
#include <utility>

#include "http/connection.h"
#include "loop/check.h"

namespace fluxgate::http {

// Suspends a write() until the peer has taken enough, the connection ends, or the scope is
// cancelled.
class Connection::WriteRoom : public loop::ListNode<> {
public:
    explicit WriteRoom(Connection& connection) : connection_(connection) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        connection_.writers_.push_back(*this);
        connection_.scope().add_hook(hook_);
    }
    void await_resume() const noexcept {}
    void resume() {
        unlink();
        hook_.unlink();
        waiter_.resume();
    }

private:
    Connection& connection_;
    std::coroutine_handle<> waiter_;
    loop::Bound<loop::CancelHook, &WriteRoom::resume> hook_{this};
};

// ---- what handlers call

loop::Scope& Connection::scope() {
    FLUX_CHECK(open_);
    if (!scope_) scope_.emplace(&context_.loop, context_.scope);
    return *scope_;
}

void Connection::cancel_on_disconnect() {
    cancel_on_disconnect_ = true;
    if (peer_eof_ || state_ == State::closing) scope().cancel();
}

void Connection::add_answer_field(std::string_view name, std::string_view value) {
    FLUX_CHECK(open_ && !answered_);
    // Trusted like Response::extra; what a peer sent is compared before it is echoed.
    extra_fields_ = arena_.join({extra_fields_, "\r\n", name, ": ", value});
}

void Connection::respond(Response&& response) {
    if (!begin_answer(response.status, response.close)) return settle();
    const std::string_view head = make_head(response, BodyFraming::length);
    const size_t body_bytes = head_only_ ? 0 : response.body.size();
    answer_bytes_ = head.size() + body_bytes;
    if (body_bytes == 0) {
        out_.append(head);
    } else if (out_.empty() && head.size() <= loop::BlockChain::headroom_bytes) {
        response.body.prepend(head);
        out_ = std::move(response.body);
    } else {
        out_.append(head);
        out_.append_chain(std::move(response.body));
    }
    settle();
}

void Connection::respond_prebuilt(const PrebuiltResponse& response) {
    if (!begin_answer(response.status(), false)) return settle();
    const std::string_view date = context_.dates.at(context_.loop.wall_now());
    std::string_view rest = response.after_date();
    if (head_only_) rest.remove_suffix(response.body_bytes());
    const size_t before = out_.size();
    out_.append(response.before_date());
    out_.append(date);
    out_.append(extra_fields_);
    out_.append(connection_field());
    out_.append(rest);
    answer_bytes_ = out_.size() - before;
    settle();
}

void Connection::begin_stream(Response&& head) {
    const bool is_old = request_->version_minor == 0;
    chunked_answer_ = !is_old && !head_only_;
    streaming_ = true;
    if (!begin_answer(head.status, head.close || is_old)) return settle();
    const std::string_view text =
        make_head(head, is_old ? BodyFraming::until_close : BodyFraming::chunked);
    answer_bytes_ = text.size();
    out_.append(text);
    if (!head.body.empty()) append_chunk(std::move(head.body));
    settle();
}

loop::Task<loop::Result<void>> Connection::write(loop::BlockChain bytes) {
    FLUX_CHECK(open_ && streaming_);
    if (!bytes.empty() && state_ != State::closing) append_chunk(std::move(bytes));
    settle();
    while (state_ != State::closing && !scope().is_cancelled() &&
           out_.size() > context_.limits.unsent_bytes_max) {
        co_await WriteRoom(*this);
    }
    if (state_ == State::closing) {
        co_return std::unexpected(
            loop::Error{loop::ErrorCode::reset, 0, "write to a connection that has ended"});
    }
    if (scope().is_cancelled()) {
        co_return std::unexpected(loop::Error{loop::ErrorCode::cancelled, 0, "write"});
    }
    co_return loop::Result<void>{};
}

void Connection::end_stream() {
    FLUX_CHECK(open_ && streaming_);
    streaming_ = false;
    if (chunked_answer_ && state_ != State::closing) {
        out_.append("0\r\n\r\n");
        answer_bytes_ += 5;
    }
    settle();
}

void Connection::end_stream_and_close() {
    close_after_ = true;
    if (close_reason_ == CloseReason::none) close_reason_ = CloseReason::answer_asked;
    end_stream();
}

loop::Task<bool> Connection::still_allowed(loop::Scope* scope) {
    FLUX_CHECK(open_ && dispatched_);
    for (Filter* filter : route_->filters) {
        loop::Task<bool> asked = filter->still_allows(this, scope);
        const bool is_allowed = co_await std::move(asked);
        if (!is_allowed) co_return false;
    }
    co_return true;
}

// ---- writing

// False: the connection has ended, the answer goes nowhere.
bool Connection::begin_answer(uint16_t status, bool close) {
    FLUX_CHECK(open_ && !answered_);
    answered_ = true;
    status_ = status;
    if (state_ == State::closing) return false;
    decide_close(close);
    ++answers_unsent_;
    return true;
}

std::string_view Connection::make_head(const Response& response, BodyFraming framing) {
    HeadOptions options;
    options.date = context_.dates.at(context_.loop.wall_now());
    options.extra = extra_fields_;
    options.connection = connection_field();
    options.framing = framing;
    options.body_bytes = response.body.size();
    return write_head(arena_, response, options);
}

void Connection::decide_close(bool wanted) {
    const auto close = [&](CloseReason reason) {
        close_after_ = true;
        if (close_reason_ == CloseReason::none) close_reason_ = reason;
    };
    if (wanted) return close(CloseReason::answer_asked);
    if (!request_->keep_alive) return close(CloseReason::peer_asked);
    if (requests_ >= context_.limits.requests_per_connection_max) {
        return close(CloseReason::requests_max);
    }
    if (context_.draining) return close(CloseReason::draining);
    if (body_done_) return;
    // A body that nobody wants is read only where that costs little; and a peer that waits for 100
    // may send it or not (RFC 9110 10.1.1), so what follows could be either.
    const bool waits = parser_.expects_continue() && !continue_sent_;
    const bool is_small = parser_.is_chunked() ||  // stops when it turns out too long
                          parser_.content_length() <= context_.limits.lingering_bytes_max;
    if (waits || !is_small) close(CloseReason::refused);
}

std::string_view Connection::connection_field() const {
    if (close_after_) return "\r\nConnection: close";
    return request_->version_minor == 0 ? "\r\nConnection: keep-alive" : "";
}

void Connection::append_chunk(loop::BlockChain&& bytes) {
    if (head_only_) return;
    const size_t before = out_.size();
    if (chunked_answer_) {
        std::array<char, 16> size{};
        const auto end = std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16);
        out_.append({size.data(), static_cast<size_t>(end.ptr - size.data())});
        out_.append("\r\n");
    }
    out_.append_chain(std::move(bytes));
    if (chunked_answer_) out_.append("\r\n");
    answer_bytes_ += out_.size() - before;
}

void Connection::flush() {
    update_output_full();
    if (sending_ || out_.empty() || state_ == State::closing) return;
    std::array<iovec, loop::Stream::send_parts_max> parts;
    size_t count = out_.fill_iovec(parts);
    size_t bytes = 0;
    for (size_t i = 0; i < count; ++i) {
        const size_t room = context_.limits.send_bytes_max - bytes;
        if (parts[i].iov_len >= room) {
            parts[i].iov_len = room;
            count = i + 1;
        }
        bytes += parts[i].iov_len;
    }
    if (!writing_) {
        writing_ = true;
        written_ = 0;
        write_began_ = write_progress_ = context_.loop.now();
        if (!write_timer_.is_running())
            context_.loop.timers().start(write_timer_, write_deadline());
    }
    sending_ = true;
    stream_->send(std::span(parts).first(count));
}

void Connection::stream_sent(loop::Result<size_t> result) {
    FLUX_CHECK(sending_ && !busy_);
    sending_ = false;
    if (state_ == State::closing) {
        out_.clear();
        return settle();
    }
    if (!result) return break_off(loop::Stream::CloseMode::reset, CloseReason::peer_gone);
    context_.counts.bytes_out += *result;
    out_.consume(*result);
    written_ += *result;
    write_progress_ = context_.loop.now();
    if (out_.empty()) {
        out_.clear();  // an empty chain may still hold a block
        writing_ = false;
        answers_unsent_ = 0;
        if (state_ == State::idle) phase_began_ = context_.loop.now();
    }
    update_output_full();
    busy_ = true;
    wake_writers();
    busy_ = false;
    settle();
}

// Set when the peer is behind in taking answers, cleared when it has taken half.
void Connection::update_output_full() {
    const Limits& limits = context_.limits;
    const bool too_many = answers_unsent_ >= limits.pipelined_requests_max;
    const size_t allowed = output_full_ ? limits.unsent_bytes_max / 2 : limits.unsent_bytes_max;
    output_full_ = too_many || out_.size() > allowed;
}

void Connection::wake_writers() {
    if (state_ != State::closing && out_.size() > context_.limits.unsent_bytes_max / 2) return;
    loop::IntrusiveList<WriteRoom> waiting;
    waiting.splice_back(writers_);
    while (WriteRoom* writer = waiting.pop_front()) {
        writer->resume();
    }
}

// ---- the end of a request

void Connection::advance() {
    if (!open_ || !answered_ || streaming_ || resume_due_) return;
    if (state_ != State::closing) {
        if (!body_done_ && !close_after_) {
            if (state_ == State::discarding) return;
            state_ = State::discarding;
            phase_began_ = progress_ = context_.loop.now();
            progress_bytes_ = parser_.body_bytes();
            return parser_.discard_body(context_.limits.lingering_bytes_max);
        }
        if (state_ != State::lingering) state_ = State::answering;
    }
    if (!scope_ || scope_->empty()) return finish_request();
    if (close_after_ && state_ == State::answering) {
        // What the scope still does needs the request's memory, but no peer: nobody waits for it.
        cancel_on_disconnect_ = false;
        start_lingering();
    }
}

// After on_request(), and whenever the scope has become empty: nobody is left who could answer.
void Connection::check_answered() {
    if (!open_ || (scope_ && !scope_->empty())) return;
    const bool was_due = std::exchange(resume_due_, false);
    if (state_ == State::closing) return abandon_request();
    if (!dispatched_ && !was_due) return;
    if (streaming_) {  // without its last chunk the peer must not take the answer for whole
        break_off(loop::Stream::CloseMode::reset, CloseReason::aborted);
    } else if (!answered_) {
        ++context_.counts.unanswered;
        refuse(verdict::no_answer);
    }
}

void Connection::watch_scope() {
    if (!open_ || !scope_ || scope_->empty()) return;
    if (join_task_ && !join_task_->done()) return;
    join_task_.emplace(join_scope());
    join_task_->start();
}

loop::Task<void> Connection::join_scope() {
    co_await scope_->join();
    // The last task is still on the stack.
    context_.loop.post(joined_ready_);
}

void Connection::scope_joined() {
    busy_ = true;
    check_answered();
    busy_ = false;
    settle();
}

void Connection::finish_request() {
    report();
    open_ = false;
    parser_.end();
    if (join_task_ && join_task_->done()) join_task_.reset();
    scope_.reset();
    principal_.reset();
    notes_ = ExchangeNotes{};
    route_ = nullptr;
    allow_ = {};
    extra_fields_ = {};
    request_ = nullptr;
    arena_.reset();
    if (state_ == State::closing) return;
    if (context_.draining && read_ahead_.empty() && !close_after_) {
        close_reason_ = CloseReason::draining;  // drain() has seen it while it was busy
        close_after_ = true;
    }
    if (state_ == State::lingering) return;
    if (close_after_) return start_lingering();
    state_ = State::idle;
    phase_began_ = context_.loop.now();
    update_output_full();
}

void Connection::report() {
    ConnectionCounts& counts = context_.counts;
    if (status_ == 0) {
        ++counts.incomplete_requests;
    } else {
        ++counts.requests;
        ++counts.by_class[status_ / 100 < counts.by_class.size() ? status_ / 100 : 0];
    }
    if (context_.observer == nullptr) return;
    const auto duration = context_.loop.clock_now() - request_->received;
    context_.observer->request_finished(
        {.request = *request_,
         .principal = principal_.get(),
         .notes = notes_,
         .route = route_ == nullptr ? std::string_view{} : route_->name,
         .peer = peer_,
         .connection = number_,
         .bytes_in = parser_.raw_bytes(),
         .bytes_out = answer_bytes_,
         .duration_us = std::chrono::duration_cast<std::chrono::microseconds>(duration).count(),
         .status = status_,
         .head_complete = parser_.is_head_complete(),
         .close_reason = close_reason_});
}

}  // namespace fluxgate::http
