// One request and its answer, as filters and handlers see it. Implemented by http/connection; tests
// have a recording one (tests/support).
//
// Life: head complete -> filters in the order of the route -> Handler::on_head -> body ->
// on_request -> exactly one answer, at once or later -> the scope is joined -> the arena is reset.
// After the answer was given, request() and arena() stay valid until the scope is empty.
#pragma once

#include <memory>
#include <string_view>

#include "http/principal.h"
#include "http/request.h"
#include "http/response.h"
#include "loop/arena.h"
#include "loop/loop.h"
#include "loop/scope.h"

namespace fluxgate::http {

enum class Next : uint8_t {
    proceed,   // go on with the next filter, or the body
    wait,      // a task in the exchange's scope() will call resume_head()
    answered,  // an answer was given; the request is over
};

// Filled by whoever knows, for the access log.
struct ExchangeNotes {
    std::string_view rpc_method;  // from the closed list of methods, or "other"
    std::string_view tool;        // a registered name, or empty
    std::string_view sqlstate;
    std::string_view remedy;  // the configuration key that would let pass what was refused
    int64_t queue_us = 0;
    int64_t db_us = 0;
    bool is_error = false;
};

class Exchange {
public:
    virtual ~Exchange() = default;

    [[nodiscard]] virtual const Request& request() const = 0;
    [[nodiscard]] virtual loop::Arena& arena() = 0;
    [[nodiscard]] virtual loop::Loop& loop() = 0;
    // Of this request. Cancelled when the connection must end (drain deadline, write failure), and,
    // if cancel_on_disconnect() was called, when the peer is gone. Joined before the next request.
    [[nodiscard]] virtual loop::Scope& scope() = 0;
    // The peer's FIN counts as gone then, since a client that closes sends nothing else. Without it
    // a half-closed peer is answered, and after RST the request runs to its end and the answer is
    // dropped.
    virtual void cancel_on_disconnect() = 0;

    // A field of whatever answer is given later, for filters (CORS). `name` and `value` are copied.
    virtual void add_answer_field(std::string_view name, std::string_view value) = 0;

    // Exactly once, unless begin_stream() was called. A handler that does not answer inside
    // on_request() has a task in scope() that will: when the scope empties without an answer, the
    // peer gets 500.
    virtual void respond(Response&& response) = 0;
    virtual void respond_prebuilt(const PrebuiltResponse& response) = 0;

    // A body of unknown length (chunked in 1.1, until close in 1.0): begin, write any number of
    // times, end. write() takes the bytes over; it suspends while more than limits.unsent_bytes_max
    // wait for a slow reader, and fails once the peer is gone or the scope is cancelled.
    virtual void begin_stream(Response&& head) = 0;
    [[nodiscard]] virtual loop::Task<loop::Result<void>> write(loop::BlockChain bytes) = 0;
    virtual void end_stream() = 0;
    // The same where tasks of scope() go on for long behind it: nothing more is read from the peer,
    // and the connection closes at once, as it does behind every answer with Response::close. The
    // peer is no longer missed when it goes (cancel_on_disconnect).
    virtual void end_stream_and_close() = 0;

    // Once after a filter or on_head returned Next::wait, from a task in scope(): goes on where it
    // stopped, or, with Next::answered, says that the answer was given. A task that was cancelled
    // may end without it; otherwise the peer gets 500 when the scope empties.
    virtual void resume_head(Next next) = 0;

    // For answers that last (streams): whether the route's filters would let the request in once
    // more, with the rights that it had. False: the answer should end. True also where nobody can
    // tell, and once `scope` is cancelled, which ends the asking.
    [[nodiscard]] virtual loop::Task<bool> still_allowed(loop::Scope* scope) = 0;

    [[nodiscard]] virtual const PrincipalPtr& principal() const = 0;
    virtual void set_principal(PrincipalPtr principal) = 0;
    [[nodiscard]] virtual ExchangeNotes& notes() = 0;
};

// Runs when the head is complete, before any of the body is read (so a refusal needs no 100
// Continue).
class Filter {
public:
    virtual ~Filter() = default;
    [[nodiscard]] virtual Next on_head(Exchange& exchange) = 0;
    // Exchange::still_allowed(). Answers nothing and counts nothing.
    [[nodiscard]] virtual loop::Task<bool> still_allows(Exchange*, loop::Scope*) { co_return true; }
};

class Handler {
public:
    virtual ~Handler() = default;
    // For refusals that need no body: media type, Accept.
    [[nodiscard]] virtual Next on_head(Exchange&) { return Next::proceed; }
    // The whole body is there. Answers now, or spawns a task on exchange.scope() that does.
    virtual void on_request(Exchange& exchange) = 0;
};

}  // namespace fluxgate::http
