// What the connections of one core share, and what they report.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "http/body_buffer.h"
#include "http/date_cache.h"
#include "http/exchange.h"
#include "http/limits.h"
#include "http/router.h"
#include "loop/loop.h"
#include "loop/scope.h"

namespace fluxgate::http {

// Why a connection ended with this request, for the access log.
enum class CloseReason : uint8_t {
    none,          // it goes on
    peer_asked,    // Connection: close, or HTTP/1.0 without keep-alive
    answer_asked,  // the handler
    refused,       // the message's framing can not be trusted
    requests_max,
    draining,
    timed_out,
    peer_gone,  // RST, or FIN before the request was whole
    slow_reader,
    aborted,  // drain deadline, or an answer that could not be completed
};
[[nodiscard]] std::string_view to_string(CloseReason reason);

// Plain integers of one core; a reader sums them.
struct ConnectionCounts {
    uint64_t requests = 0;               // answered, with refusals
    std::array<uint64_t, 6> by_class{};  // answers by the first digit of their status
    uint64_t refused_messages = 0;       // refused by the parser
    uint64_t incomplete_requests = 0;    // the peer left before its request was whole
    uint64_t head_timeouts = 0;
    uint64_t body_timeouts = 0;
    uint64_t write_timeouts = 0;
    uint64_t idle_timeouts = 0;
    uint64_t unanswered = 0;  // a handler that gave none: our bug
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
};

// One finished request. Views are valid during the call.
struct RequestReport {
    const Request& request;
    const Principal* principal;  // may be null
    const ExchangeNotes& notes;
    std::string_view route;  // the route's name, or empty
    loop::PeerAddress peer;
    uint64_t connection = 0;
    uint64_t bytes_in = 0;    // raw, with framing
    uint64_t bytes_out = 0;   // head and body of the answer, as given
    int64_t duration_us = 0;  // from its first byte until its answer was complete and it was joined
    uint16_t status = 0;      // 0: never answered
    bool head_complete = false;  // otherwise only peer and received of `request` are set
    CloseReason close_reason = CloseReason::none;
};

class RequestObserver {
public:
    virtual void request_finished(const RequestReport& report) = 0;

protected:
    ~RequestObserver() = default;
};

struct ConnectionContext {
    loop::Loop& loop;
    const Limits& limits;
    const Router& router;
    RequestObserver* observer = nullptr;  // may be null
    loop::Scope* scope = nullptr;         // parent of the requests' scopes; may be null
    BodyBudget bodies{};
    bool draining = false;
    DateCache dates{};
    ConnectionCounts counts{};
};

}  // namespace fluxgate::http
