// Sessions on the wire: Mcp-Session-Id of the Streamable HTTP transport, and the address that
// 2024-11-05's transport gives out (its stream is the session).
#pragma once

#include <cstdint>
#include <string>

#include "http/exchange.h"
#include "rpc/era.h"
#include "rpc/sessions.h"

namespace fluxgate::rpc {

// What the ladder reads of the head.
[[nodiscard]] StandardHeaders standard_headers(const http::Request& request);
// -32001, for 404.
[[nodiscard]] RpcError session_gone(std::string_view id);

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

// 2024-11-05: what the `endpoint` event says behind the path, and what a POST to it belongs to.
struct OldTransport {
    EventStreams::StreamPtr stream;    // null: gone, or somebody else's
    const Session* session = nullptr;  // in the exchange's arena
};
inline constexpr std::string_view old_transport_query = "sessionId=";
[[nodiscard]] std::string make_old_endpoint(const Sessions& sessions, StreamId stream,
                                            const Session& session);
[[nodiscard]] OldTransport find_old_transport(http::Exchange& exchange, Sessions& sessions);

}  // namespace fluxgate::rpc
