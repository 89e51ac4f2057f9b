// One HTTP/1.1 connection: requests in order, one at a time, each answered before the next one
// starts.
//
//   idle -> head -> [waiting for a filter] -> body -> answering -> idle
//                       refusal, or the last answer -> lingering -> closing
//   answered before its body was read -> discarding -> idle
//
// A last answer ends the connection at once, though its request stays open while its scope runs.
//
// Input is parsed where it arrives; what comes while a request is being answered waits in
// read_ahead_ (bounded). Answers collect in out_, are sent together at the end of each event, and
// hold back further reading when the peer does not take them. The request's memory (arena, scope,
// principal) is given back as soon as its answer is in out_ and its scope is empty.
//
// Every entry from outside (stream, timers, handlers that answer later) ends in settle(), which is
// the one place that decides what to do next. Closing: break_off() -> stream_closed() -> scope
// empty -> Owner::connection_closed(), the last call. Single-threaded, of one loop. Read
// connection.cc first, then connection_answer.cc and connection_close.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/connection_context.h"
#include "http/exchange.h"
#include "http/parser.h"
#include "http/response_head.h"
#include "loop/bound.h"
#include "loop/intrusive_list.h"
#include "loop/stream.h"

namespace fluxgate::http {

class Connection;
struct ConnectionTag;

class ConnectionOwner {
public:
    // Nothing of `connection` is in use any more; the owner frees it here.
    virtual void connection_closed(Connection& connection) = 0;

protected:
    ~ConnectionOwner() = default;
};

class Connection final : public Exchange,
                         public loop::ListNode<ConnectionTag>,
                         private loop::Stream::Sink {
public:
    struct Options {
        std::unique_ptr<loop::Stream> stream;
        loop::PeerAddress peer;
        uint64_t number = 0;  // for logs
    };
    // `context` and `owner` outlive it.
    Connection(ConnectionContext& context, ConnectionOwner& owner, Options options);
    ~Connection() override;  // only from connection_closed()
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start();
    // Instead of start(): answers with `verdict`, whatever is asked, and closes.
    void start_refusing(const Verdict& verdict);
    // context.draining is set: an idle connection closes, a busy one after its answer.
    void drain();
    // Cancels what runs and resets the connection.
    void abort();
    [[nodiscard]] const loop::PeerAddress& peer() const { return peer_; }
    // The owner's note that it is over a bound.
    void mark_refused() { is_refused_ = true; }
    [[nodiscard]] bool is_refused() const { return is_refused_; }

    // Exchange. The answering half is in connection_answer.cc.
    [[nodiscard]] const Request& request() const override { return *request_; }
    [[nodiscard]] loop::Arena& arena() override { return arena_; }
    [[nodiscard]] loop::Loop& loop() override { return context_.loop; }
    [[nodiscard]] loop::Scope& scope() override;
    void cancel_on_disconnect() override;
    void add_answer_field(std::string_view name, std::string_view value) override;
    void respond(Response&& response) override;
    void respond_prebuilt(const PrebuiltResponse& response) override;
    void begin_stream(Response&& head) override;
    [[nodiscard]] loop::Task<loop::Result<void>> write(loop::BlockChain bytes) override;
    void end_stream() override;
    void end_stream_and_close() override;
    void resume_head(Next next) override;
    [[nodiscard]] loop::Task<bool> still_allowed(loop::Scope* scope) override;
    [[nodiscard]] const PrincipalPtr& principal() const override { return principal_; }
    void set_principal(PrincipalPtr principal) override { principal_ = std::move(principal); }
    [[nodiscard]] ExchangeNotes& notes() override { return notes_; }

private:
    enum class State : uint8_t {
        idle,        // between requests
        head,        // some bytes of a request are there
        waiting,     // a filter, or on_head, will call resume_head()
        body,        // of a request that will be dispatched
        answering,   // dispatched, or answered and not joined
        discarding,  // answered; the rest of its body is read and dropped
        lingering,   // the last answer is out or on its way; input is dropped
        closing,     // the stream was told to close
    };
    class WriteRoom;  // suspends write() until the peer has taken enough

    // loop::Stream::Sink
    void stream_received(std::span<const char> bytes) override;
    void stream_ended(const loop::Error& reason) override;
    void stream_sent(loop::Result<size_t> result) override;
    void stream_closed() override;

    // Reading: connection.cc
    void settle();
    [[nodiscard]] bool can_read() const;
    size_t consume(std::span<const char> bytes);
    size_t consume_some(std::span<const char> bytes);
    void consume_read_ahead();
    void keep_for_later(std::span<const char> bytes);
    void update_receiving();
    void begin_request();
    void head_completed();
    [[nodiscard]] bool choose_route();
    void answer_unrouted(const Router::Match& match);
    void run_filters();
    [[nodiscard]] Next run_next_filter();
    void start_body();
    void dispatch();
    void refuse(const Verdict& verdict);
    void answer_options();

    // Answering: connection_answer.cc
    [[nodiscard]] bool begin_answer(uint16_t status, bool close);
    [[nodiscard]] std::string_view make_head(const Response& response, BodyFraming framing);
    void decide_close(bool wanted);
    [[nodiscard]] std::string_view connection_field() const;
    void append_chunk(loop::BlockChain&& bytes);
    void advance();
    void check_answered();
    void watch_scope();
    [[nodiscard]] loop::Task<void> join_scope();
    void scope_joined();
    void finish_request();
    void report();
    void flush();
    void update_output_full();
    void wake_writers();

    // Ending and deadlines: connection_close.cc
    void start_lingering();
    void linger_on();
    size_t discard_lingering(std::span<const char> bytes);
    void peer_ended();
    void break_off(loop::Stream::CloseMode mode, CloseReason reason);
    void abandon_request();
    void release_if_over();
    void set_read_deadline(loop::Instant at);
    void update_read_deadline();
    [[nodiscard]] loop::Instant body_deadline() const;
    [[nodiscard]] loop::Instant write_deadline() const;
    void read_timer_fired();
    void read_timed_out();
    void write_timer_fired();

    ConnectionContext& context_;
    ConnectionOwner& owner_;
    std::unique_ptr<loop::Stream> stream_;
    const uint64_t number_;
    const loop::PeerAddress peer_;
    uint32_t requests_ = 0;

    State state_ = State::idle;
    bool busy_ = false;  // inside an entry: settle() comes at its end
    bool receiving_ = false;
    bool peer_eof_ = false;
    bool stream_closed_ = false;
    bool sending_ = false;  // from stream_->send() to stream_sent()
    bool fin_sent_ = false;
    bool output_full_ = false;   // no request is started until half of the output is gone
    bool reading_held_ = false;  // the read deadline does not run, as we do not read
    bool writing_ = false;       // out_ is not empty: write_began_ counts
    bool released_ = false;      // connection_closed() was called
    bool is_refused_ = false;

    // open_ is true from a request's first byte until its answer is given and its scope is joined.
    bool open_ = false;
    bool resume_due_ = false;     // Next::wait was returned, resume_head() was not called
    bool dispatched_ = false;     // on_request() was called
    bool continue_sent_ = false;  // 100 Continue

    // Of the request, reset by begin_request().
    bool answered_ = false;
    bool streaming_ = false;  // between begin_stream() and end_stream()
    bool chunked_answer_ = false;
    bool head_only_ = false;  // HEAD: the answer has no body
    bool body_done_ = false;  // nothing of the request is left to read
    bool close_after_ = false;
    bool cancel_on_disconnect_ = false;
    uint16_t status_ = 0;
    uint16_t filter_index_ = 0;  // the next one to run; behind the last: the handler's on_head
    uint32_t answers_unsent_ = 0;
    uint64_t answer_bytes_ = 0;
    const Route* route_ = nullptr;
    std::string_view allow_;
    std::string_view extra_fields_;  // "\r\nName: value"..., in the arena
    CloseReason close_reason_ = CloseReason::none;
    std::optional<Next> early_resume_;  // resume_head() came before Next::wait was returned

    loop::Arena arena_;
    Request* request_ = nullptr;  // of the open request, in its arena
    Parser parser_;
    std::optional<loop::Scope> scope_;
    std::optional<loop::Task<void>> join_task_;  // while somebody waits for the scope
    PrincipalPtr principal_;
    ExchangeNotes notes_;

    loop::BlockChain out_;  // what the stream is sending, then what is not yet sent
    std::string read_ahead_;
    size_t read_ahead_begin_ = 0;
    loop::IntrusiveList<WriteRoom> writers_;

    loop::Instant phase_began_{};  // the request's first byte, the body's, or the lingering's
    loop::Instant progress_{};     // of the body
    uint64_t progress_bytes_ = 0;  // body bytes at phase_began_: the rate counts from there
    size_t lingering_bytes_ = 0;
    loop::Instant write_began_{};
    loop::Instant write_progress_{};
    uint64_t written_ = 0;  // since write_began_
    loop::Instant read_deadline_ = loop::Instant::max();
    loop::Instant read_armed_ = loop::Instant::max();
    loop::Bound<loop::Timer, &Connection::read_timer_fired> read_timer_{this};
    loop::Bound<loop::Timer, &Connection::write_timer_fired> write_timer_{this};
    loop::Bound<loop::Ready, &Connection::scope_joined> joined_ready_{this};
    loop::Bound<loop::Ready, &Connection::release_if_over> release_ready_{this};
};
// Of ours, beside the socket, while a connection is idle: arena, body, read-ahead and output hold
// nothing.
static_assert(sizeof(Connection) <= 2048);

}  // namespace fluxgate::http
