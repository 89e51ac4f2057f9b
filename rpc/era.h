// Which era and revision a message is of, and whether its envelope and headers fit: the ladder of
// checks between JSON and dispatch (revision 2026-07-28, "Streamable HTTP" and "Versioning").
//
// JSON-RPC's shape -> era and revision -> envelope -> standard headers. The body decides: a message
// whose params._meta names a protocol version is stateless, whatever a header says. Pure: no HTTP,
// no session look-up; the transport acts on what it is told. An accepted message allocates nothing,
// unless its Mcp-Name is in base64.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "loop/arena.h"
#include "rpc/envelope.h"
#include "rpc/json_rpc.h"

namespace fluxgate::rpc {

// The fields of the head that the ladder compares with the body. Absent: nullopt. Several fields of
// one name: is_repeated, and nullopt for that one.
struct StandardHeaders {
    std::optional<std::string_view> protocol_version;  // MCP-Protocol-Version
    std::optional<std::string_view> method;            // Mcp-Method
    std::optional<std::string_view> name;              // Mcp-Name
    bool is_repeated = false;
};

struct Classified {
    const Protocol* protocol = nullptr;
    RpcMessage message;
    Envelope envelope;  // of a legacy request only the token; of anything but a request nothing
};

struct Refusal {
    uint16_t status = 400;
    RpcError error;                      // views into the arena, or static
    const Protocol* protocol = nullptr;  // how the error is written
};

// One message (not a batch). `assumed` is what a legacy message without MCP-Protocol-Version is
// taken for: its session's revision, or default_protocol(). What the refusal's texts point to is in
// `arena`. Which methods a revision has is not asked here.
[[nodiscard]] std::expected<Classified, Refusal> classify(const Json& document,
                                                          const StandardHeaders& headers,
                                                          const Protocol& assumed,
                                                          loop::Arena& arena);

// An array: which revision it is of, or why not (a stateless element, an empty one, a revision
// without batches).
[[nodiscard]] std::expected<const Protocol*, Refusal> classify_batch(const Json& document,
                                                                     const StandardHeaders& headers,
                                                                     const Protocol& assumed,
                                                                     loop::Arena& arena);

}  // namespace fluxgate::rpc
