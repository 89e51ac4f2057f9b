// What goes between the dispatcher and the transport: who asks, and the answer to one message.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "http/principal.h"
#include "loop/block_chain.h"
#include "rpc/envelope.h"
#include "rpc/handshake.h"
#include "rpc/json_rpc.h"
#include "rpc/session_id.h"

namespace fluxgate::rpc {

// Who asks, and in which revision. All outlives the answer.
struct Caller {
    const http::Principal* principal = nullptr;  // null: nobody, who has no scope
    const Protocol* protocol = nullptr;
    const Session* session = nullptr;  // of the legacy revisions; null: without one
    Envelope envelope;                 // capabilities are the session's where there is one
};

struct Reply {
    uint16_t status = 200;
    int retry_after_s = 0;                             // > 0: Retry-After
    std::span<const std::string> missing_scopes = {};  // go into the 403's WWW-Authenticate
    bool is_error = false;  // for the log: an error, or a result that says isError
    std::optional<Handshake::Agreement> agreed;  // by initialize: the transport opens a session
    loop::BlockChain body;  // one JSON-RPC message; empty: there is none to send (202)
};

// A whole error reply. `status` is the HTTP one.
[[nodiscard]] Reply error_reply(uint16_t status, const RpcError& error, const Protocol& protocol);
// -32602 with the text (and what it is about), HTTP 200.
[[nodiscard]] Reply invalid_params(const RpcMessage& message, const Protocol& protocol,
                                   std::string_view text, std::string_view subject = {},
                                   std::string_view hint = {});
// 403: which of `scopes` the caller lacks.
[[nodiscard]] Reply forbidden(std::span<const std::string> scopes, const RpcMessage& message,
                              const Caller& caller);
// What the client has not declared and must: -32021 with HTTP 400 from 2026-07-28 on, else -32602.
[[nodiscard]] Reply missing_capability(ClientCapabilities needed, const RpcMessage& message,
                                       const Protocol& protocol);

}  // namespace fluxgate::rpc
