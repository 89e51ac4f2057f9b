// What a tool is: a name, a schema, the scopes that it needs, and a coroutine. One file per family
// in tools/; docs/add-a-tool.md walks through one.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "http/principal.h"
#include "loop/arena.h"
#include "loop/block_chain.h"
#include "loop/scope.h"
#include "loop/task.h"
#include "rpc/json.h"
#include "rpc/protocol.h"

namespace fluxgate::rpc {

struct ToolInfo {
    std::string name;  // [A-Za-z0-9_.-]{1,64}
    std::string title;
    std::string description;          // for the model: what it does, what it needs, what it answers
    std::string input_schema;         // JSON Schema text, root type object
    std::string output_schema;        // or empty
    std::vector<std::string> scopes;  // all are needed
    bool read_only = false;           // annotations
    bool destructive = true;
    bool idempotent = false;
    bool open_world = false;
};

// Notes for the access log and metrics.
struct ToolNotes {
    std::string_view sqlstate;  // static or in the arena
    int64_t queue_us = 0;
    int64_t db_us = 0;
};

// Everything that a call may use. Lives in the dispatcher's frame until the call has returned.
struct ToolCall {
    loop::Scope* scope = nullptr;  // cancelled when the caller gave up; carries the deadline
    loop::Arena* arena = nullptr;
    const http::Principal* principal = nullptr;
    const Json* arguments = nullptr;  // an object, or null where the caller sent none
    const Protocol* protocol = nullptr;
    ToolNotes notes;
};

// What a tool returns when it did what was asked: the text of one content item, and the same as an
// object for structuredContent (empty where the tool has no output schema or the revision knows
// none).
struct ToolResult {
    loop::BlockChain text;  // escaped as the inside of a JSON string: the content item's "text"
    loop::BlockChain structured;  // a JSON object
    bool is_error = false;        // text then says what was wrong and what would be right
};

// What only the transport can say: the database is away, a scope is missing.
struct ToolFailure {
    int code = 0;  // JSON-RPC; also the HTTP status where 400..599
    std::string message;
    int retry_after_s = 0;  // > 0: Retry-After
};

using ToolOutcome = std::expected<ToolResult, ToolFailure>;

// isError with this text; the model reads it. `text` is escaped here.
[[nodiscard]] ToolResult tool_error(std::string_view text);

class Tool {
public:
    virtual ~Tool() = default;
    [[nodiscard]] virtual const ToolInfo& info() const = 0;
    // Suspends. `call` lives until the task has ended. A cancelled scope means that nobody waits
    // any more: return soon, with anything. One second after the deadline the scope is cancelled
    // anyway, and what the tool has spawned in it is joined before the answer goes out.
    [[nodiscard]] virtual loop::Task<ToolOutcome> call(ToolCall* call) = 0;
};

}  // namespace fluxgate::rpc
