#include "http/connection.h"

#include <utility>

#include "loop/check.h"

namespace fluxgate::http {
namespace {

constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Connection::Connection(ConnectionContext& context, ConnectionOwner& owner, Options options)
    : context_(context),
      owner_(owner),
      stream_(std::move(options.stream)),
      number_(options.number),
      peer_(options.peer),
      parser_(context.limits, &context.bodies) {
}

Connection::~Connection() {
    FLUX_CHECK(released_ && !open_ && !sending_);
}

void Connection::start() {
    stream_->set_sink(*this);
    phase_began_ = context_.loop.now();
    settle();
}

void Connection::start_refusing(const Verdict& verdict) {
    stream_->set_sink(*this);
    busy_ = true;
    begin_request();
    refuse(verdict);
    busy_ = false;
    settle();
}

// ---- entries

void Connection::stream_received(std::span<const char> bytes) {
    FLUX_CHECK(!busy_);
    if (state_ == State::closing) return;
    busy_ = true;
    // Straight from the receive buffer where nothing waits before it.
    const size_t used = read_ahead_.empty() ? consume(bytes) : 0;
    keep_for_later(bytes.subspan(used));
    busy_ = false;
    settle();
}

// What happens after every event:
//   1. an answer that was given meanwhile is followed up, which may begin the next request;
//   2. what waited to be read is read, as far as the output allows;
//   3. what was written is sent, in one go;
//   4. the end of the connection, where it is due;
//   5. receiving, deadlines and the watch over the scope follow the new state.
void Connection::settle() {
    if (busy_) return;
    busy_ = true;
    advance();
    consume_read_ahead();
    flush();
    if (peer_eof_) peer_ended();
    if (state_ == State::lingering) linger_on();
    update_receiving();
    update_read_deadline();
    watch_scope();
    busy_ = false;
    if (stream_closed_ && !open_ && !released_) context_.loop.post(release_ready_);
}

// ---- reading

bool Connection::can_read() const {
    switch (state_) {
        case State::idle:
        case State::head:
        case State::body:
        case State::discarding:
            return !output_full_;
        case State::lingering:
            return lingering_bytes_ < context_.limits.lingering_bytes_max;
        case State::waiting:
        case State::answering:
        case State::closing:
            return false;
    }
    return false;
}

size_t Connection::consume(std::span<const char> bytes) {
    size_t used = 0;
    while (used < bytes.size() && can_read()) {
        used += consume_some(bytes.subspan(used));
    }
    return used;
}

size_t Connection::consume_some(std::span<const char> bytes) {
    if (state_ == State::lingering) return discard_lingering(bytes);
    if (state_ == State::idle) begin_request();
    const Parser::Progress progress = parser_.feed(bytes);
    context_.counts.bytes_in += progress.consumed;
    switch (progress.event) {
        case Parser::Event::more:
            progress_ = context_.loop.now();
            break;
        case Parser::Event::head:
            head_completed();
            break;
        case Parser::Event::refused:
            ++context_.counts.refused_messages;
            refuse(parser_.refusal());
            break;
        case Parser::Event::complete:
            body_done_ = true;
            if (answered_) {
                advance();
            } else {
                dispatch();
            }
            break;
    }
    return progress.consumed;
}

void Connection::consume_read_ahead() {
    while (read_ahead_begin_ < read_ahead_.size() && can_read()) {
        const std::span<const char> waiting =
            std::span<const char>(read_ahead_).subspan(read_ahead_begin_);
        read_ahead_begin_ += consume(waiting);
    }
    if (read_ahead_begin_ < read_ahead_.size() && state_ != State::closing) return;
    if (read_ahead_.capacity() != 0) std::string().swap(read_ahead_);
    read_ahead_begin_ = 0;
}

void Connection::keep_for_later(std::span<const char> bytes) {
    if (bytes.empty() || state_ == State::closing) return;
    if (read_ahead_begin_ >= read_ahead_.size() / 2) {
        read_ahead_.erase(0, read_ahead_begin_);
        read_ahead_begin_ = 0;
    }
    read_ahead_.append(bytes.data(), bytes.size());
}

void Connection::update_receiving() {
    const bool is_answering = state_ == State::waiting || state_ == State::answering;
    const bool has_room =
        read_ahead_.size() - read_ahead_begin_ < context_.limits.read_ahead_bytes_max;
    const bool wanted =
        state_ != State::closing && !peer_eof_ && (can_read() || (is_answering && has_room));
    if (wanted == receiving_) return;
    receiving_ = wanted;
    if (state_ == State::closing || peer_eof_) return;  // the stream has stopped by itself
    if (wanted) {
        stream_->start_receiving();
    } else {
        stream_->stop_receiving();
    }
}

// ---- a request's way to its handler

void Connection::begin_request() {
    FLUX_CHECK(!open_);
    open_ = true;
    state_ = State::head;
    answered_ = streaming_ = chunked_answer_ = head_only_ = body_done_ = false;
    close_after_ = cancel_on_disconnect_ = false;
    resume_due_ = dispatched_ = continue_sent_ = false;
    status_ = 0;
    answer_bytes_ = 0;
    filter_index_ = 0;
    ++requests_;
    phase_began_ = progress_ = context_.loop.now();
    request_ = arena_.create<Request>();
    request_->peer = peer_;
    request_->received = phase_began_;
    parser_.begin(arena_, *request_);
}

void Connection::head_completed() {
    body_done_ = !parser_.has_body();
    head_only_ = request_->method == Method::head;
    if (choose_route()) run_filters();
}

// False: answered.
bool Connection::choose_route() {
    const Router::Match match = context_.router.match(request_->method, request_->path);
    allow_ = match.allow;
    route_ = match.route;
    if (route_ == nullptr) {
        answer_unrouted(match);
        return false;
    }
    if (route_->body_bytes_max == 0) {
        if (body_done_) return true;
        refuse(verdict::body_not_allowed);
        return false;
    }
    if (parser_.set_body_limit(route_->body_bytes_max)) return true;
    refuse(verdict::payload_too_large);
    return false;
}

void Connection::answer_unrouted(const Router::Match& match) {
    const Verdict& verdict = match.path_known ? verdict::method_not_allowed : verdict::not_found;
    Response response = error_response(verdict.status, verdict.code, verdict.message);
    if (match.path_known) response.add("Allow", match.allow);
    response.close = request_->method == Method::connect;
    state_ = State::answering;
    respond(std::move(response));
    advance();
}

void Connection::run_filters() {
    while (filter_index_ <= route_->filters.size()) {
        Next next = run_next_filter();
        if (next == Next::wait) {
            if (!early_resume_) {
                resume_due_ = true;
                state_ = State::waiting;
                return check_answered();  // its task may have ended without a word
            }
            next = *std::exchange(early_resume_, std::nullopt);
        }
        if (next == Next::answered) {
            FLUX_CHECK(answered_);
            state_ = State::answering;
            return advance();
        }
    }
    start_body();
}

Next Connection::run_next_filter() {
    const size_t index = filter_index_++;
    if (index < route_->filters.size()) return route_->filters[index]->on_head(*this);
    return route_->handler == nullptr ? Next::proceed : route_->handler->on_head(*this);
}

void Connection::resume_head(Next next) {
    FLUX_CHECK(open_ && next != Next::wait);
    if (!resume_due_) {  // from inside on_head()
        early_resume_ = next;
        return;
    }
    resume_due_ = false;
    const bool was_busy = std::exchange(busy_, true);
    if (state_ == State::closing) {
        abandon_request();
    } else {
        FLUX_CHECK(state_ == State::waiting);
        state_ = State::answering;
        if (next == Next::answered) {
            FLUX_CHECK(answered_);
            advance();
        } else {
            run_filters();
        }
    }
    busy_ = was_busy;
    settle();
}

void Connection::start_body() {
    if (route_->handler == nullptr) return answer_options();
    if (body_done_) return dispatch();
    state_ = State::body;
    phase_began_ = progress_ = context_.loop.now();
    progress_bytes_ = 0;
    if (parser_.expects_continue()) {
        out_.append(continue_line);
        continue_sent_ = true;
    }
}

void Connection::dispatch() {
    state_ = State::answering;
    dispatched_ = true;
    route_->handler->on_request(*this);
    check_answered();
    advance();
}

void Connection::answer_options() {
    Response response;
    response.status = 204;
    response.content_type = {};
    response.add("Allow", allow_);
    state_ = State::answering;
    respond(std::move(response));
    advance();
}

void Connection::refuse(const Verdict& verdict) {
    if (answered_) {  // its body turned out malformed: there is nothing more to say
        body_done_ = close_after_ = true;
        close_reason_ = CloseReason::refused;
        return advance();
    }
    head_only_ = request_->method == Method::head;
    state_ = State::answering;
    if (verdict.close && close_reason_ == CloseReason::none) close_reason_ = CloseReason::refused;
    Response response = error_response(verdict.status, verdict.code, verdict.message);
    response.close = verdict.close;
    if (verdict.status == 503) response.add("Retry-After", "1");
    respond(std::move(response));
    advance();
}

}  // namespace fluxgate::http
