// Sessions on the wire: Mcp-Session-Id of the Streamable HTTP transport.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/exchange.h"
#include "rpc/era.h"
#include "rpc/sessions.h"

namespace fluxgate::rpc {

// What the ladder reads of the head.
[[nodiscard]] StandardHeaders standard_headers(const http::Request& request);
// The same in a session (null: none). Its revision is what was agreed on, so another legacy one
// that the head states is not heeded: clients should state the session's, and some do not.
[[nodiscard]] StandardHeaders headers_in(const Session* session, const http::Request& request);
// -32001, for 404.
[[nodiscard]] RpcError session_gone(std::string_view id);

// The revision that a refusal is written in before the message is understood: the stateless one if
// the head states it, else the session's, else what the head states, else the default one.
[[nodiscard]] const Protocol& protocol_of_refusal(http::Exchange& exchange, Sessions& sessions);

struct FoundSession {
    enum class Kind : uint8_t {
        none,  // no id was sent
        live,
        gone,  // changed, expired, ended, or somebody else's: 404 for legacy messages
    };
    Kind kind = Kind::none;
    const Session* session = nullptr;  // live: in the exchange's arena
};

// Of the head's Mcp-Session-Id.
[[nodiscard]] FoundSession find_session(http::Exchange& exchange, Sessions& sessions);
// The answer's Mcp-Session-Id, with a new nonce. Before the answer is given.
void open_session(http::Exchange& exchange, const Sessions& sessions, Session session);
// The same session with a later time, if its id is due for it: clients that take it go on.
void renew_session(http::Exchange& exchange, const Sessions& sessions, const Session& session);

}  // namespace fluxgate::rpc
