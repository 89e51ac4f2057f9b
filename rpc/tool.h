// What a tool is: a name, a schema, the scopes that it needs, and a coroutine. One file per family
// in tools/; docs/add-a-tool.md walks through one.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "loop/block_chain.h"
#include "loop/task.h"
#include "rpc/call_context.h"

namespace fluxgate::rpc {

struct ToolInfo {
    std::string name;  // [A-Za-z0-9_.-]{1,64}
    std::string title;
    std::string description;          // for the model: what it does, what it needs, what it answers
    std::string input_schema;         // JSON Schema text, root type object
    std::string output_schema;        // or empty
    std::vector<std::string> scopes;  // all are needed
    ClientCapabilities needs = {};    // what it can not do without; refused before it is called
    std::string icons = {};           // a JSON array of Icon, or empty
    bool read_only = false;           // annotations
    bool destructive = true;
    bool idempotent = false;
    bool open_world = false;
};

struct ToolCall : CallContext {
    const Json* arguments = nullptr;  // an object, or null where the caller sent none
};

// What a tool returns when it did what was asked: the text of one content item, or several items;
// and the same as an object for structuredContent (empty where the tool has no output schema or the
// revision knows none).
struct ToolResult {
    loop::BlockChain text;   // escaped as the inside of a JSON string: the content item's "text"
    loop::BlockChain items;  // instead of `text`: JSON objects with commas between (rpc/content.h)
    loop::BlockChain structured;  // a JSON object
    bool is_error = false;        // text then says what was wrong and what would be right
    // Instead of all that: the client must be asked first.
    std::unique_ptr<InputRequired> ask;
};

using ToolOutcome = std::expected<ToolResult, CallFailure>;

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
