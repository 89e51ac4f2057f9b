// JSON-RPC 2.0 as MCP uses it: what is a message, and how results and errors are framed.
//
// Knows no method and no transport. Ids are tokens, not values: they go out byte for byte as they
// came in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "loop/block_chain.h"
#include "rpc/json.h"
#include "rpc/json_reader.h"
#include "rpc/protocol.h"

namespace fluxgate::rpc {

namespace rpc_code {
inline constexpr int parse_error = -32700;
inline constexpr int invalid_request = -32600;
inline constexpr int method_not_found = -32601;
inline constexpr int invalid_params = -32602;
inline constexpr int internal_error = -32603;
inline constexpr int server_error = -32000;       // the transport's own refusals, up to 2025-11-25
inline constexpr int session_not_found = -32001;  // the same
inline constexpr int header_mismatch = -32020;    // from 2026-07-28 on, as the next two
inline constexpr int missing_capability = -32021;
inline constexpr int unsupported_version = -32022;
// Where HTTP has a word for it, its status is the code: 403, 429, 503 (outside JSON-RPC's reserved
// range).
inline constexpr int forbidden = 403;
inline constexpr int too_many_requests = 429;
}  // namespace rpc_code

inline constexpr size_t id_bytes_max = 256;   // of a string id, unescaped: 400, -32600
inline constexpr size_t echo_bytes_max = 64;  // of a peer's text that an error message repeats
inline constexpr std::string_view no_batches_text =
    "Invalid Request: batching is of revision 2025-03-26 only; send one message at a time";
inline constexpr size_t batch_messages_max = 50;  // 400, -32600

struct RpcMessage {
    enum class Kind : uint8_t { request, notification, response };
    Kind kind = Kind::notification;
    std::string_view id;           // raw token; empty for a notification
    std::string_view method;       // empty for a response
    const Json* params = nullptr;  // an object, or null where there are none

    // The id that an error repeats; empty where there is none. A response's is the server's own: an
    // error with it would answer nothing of the client's.
    [[nodiscard]] std::string_view request_id() const {
        return kind == Kind::request ? id : std::string_view();
    }
};

// Views are static text or live as long as the request's arena.
struct RpcError {
    int code = 0;
    std::string_view message;
    // Appended to the message, cut at echo_bytes_max: what the peer called for.
    std::string_view subject;
    // The "data" member, where it helps to know why; empty: none.
    std::string_view detail;
    // Appended behind the subject, whole: what would be right.
    std::string_view hint = {};
    std::string_view data = {};  // instead of `detail`: the "data" member as JSON text
    std::string_view id;         // empty: it could not be read
};

// Checks the shape of one message (not of a batch). The id of the error is set where it could be
// read.
[[nodiscard]] std::expected<RpcMessage, RpcError> read_message(const Json& document);
[[nodiscard]] RpcError to_rpc_error(ReadError error);
// At most echo_bytes_max of it, and no half of a character.
[[nodiscard]] std::string_view cut_echo(std::string_view text);

// {"jsonrpc":"2.0","id":1,"error":{...}}. Without an id the member is null or left out, by
// revision.
void write_error(loop::BlockChain& out, const RpcError& error, const Protocol& protocol);
// {"jsonrpc":"2.0","id":1,"result":   and the caller writes the result and a closing brace.
void open_result(loop::BlockChain& out, std::string_view id);

}  // namespace fluxgate::rpc
