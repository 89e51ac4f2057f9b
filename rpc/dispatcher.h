// From a message to its answer: the methods of MCP, in one table.
//
// Knows no HTTP but the status that a transport shows. ping, initialize and tools/list are bytes
// made in advance with the id spliced in: no coroutine, no allocation. Only tools/call runs a task.
// One a core. Sessions, resources, prompts and the stateless revision add rows to the table of
// methods in the .cc.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/principal.h"
#include "loop/arena.h"
#include "loop/block_chain.h"
#include "loop/scope.h"
#include "loop/task.h"
#include "rpc/json_rpc.h"
#include "rpc/tool.h"
#include "rpc/tool_list.h"
#include "rpc/tool_registry.h"

namespace fluxgate::rpc {

// Who asks, and in which revision. Both outlive the answer.
struct Caller {
    const http::Principal* principal = nullptr;  // null: nobody, who has no scope
    const Protocol* protocol = nullptr;
};

struct Reply {
    uint16_t status = 200;
    int retry_after_s = 0;                   // > 0: Retry-After
    const ToolInfo* refused_tool = nullptr;  // its scopes go into the 403's WWW-Authenticate
    bool is_error = false;                   // for the log: an error, or a result that says isError
    loop::BlockChain body;  // one JSON-RPC message; empty: there is none to send (202)
};

struct Answer {
    Reply reply;              // unless `tool` is set
    Tool* tool = nullptr;     // its task must run first: Dispatcher::call()
    std::string_view method;  // for the log: from the closed list, or "other"
};

// Everything that a tools/call needs, by value. What it points to outlives the call.
struct ToolRequest {
    Tool* tool = nullptr;  // as answer() named it
    RpcMessage message;
    Caller caller;
    loop::Scope* scope = nullptr;  // the request's; the call has a child of it
    loop::Arena* arena = nullptr;
    ToolNotes* notes = nullptr;  // filled when the call has ended
};

class Dispatcher {
public:
    struct Options {
        std::string name = "fluxgate";
        std::string title = "fluxgate";
        std::string version;
        std::string instructions;  // for the model: what the server is good for; empty: none
        // A call's deadline. PostgreSQL hears of it as statement_timeout; what is still running
        // cancel_grace_ms later is cancelled.
        uint32_t call_timeout_ms = 60'000;
        uint32_t cancel_grace_ms = 1'000;
    };
    // `tools` is complete, and outlives this.
    Dispatcher(Options options, const ToolRegistry& tools);
    Dispatcher(const Dispatcher&) = delete;
    Dispatcher& operator=(const Dispatcher&) = delete;

    // A request's answer, or the refusal of a notification that must not be one. Not for responses.
    [[nodiscard]] Answer answer(const RpcMessage& message, const Caller& caller);
    // Runs the tool with a deadline; cancelling the request's scope cancels it.
    [[nodiscard]] loop::Task<Reply> call(ToolRequest request);

private:
    using Method = void (Dispatcher::*)(const RpcMessage&, const Caller&, Answer&);
    struct MethodEntry {
        std::string_view name;
        Method run;
    };
    static const MethodEntry methods[];

    void initialize(const RpcMessage& message, const Caller& caller, Answer& answer);
    void ping(const RpcMessage& message, const Caller& caller, Answer& answer);
    void list_tools(const RpcMessage& message, const Caller& caller, Answer& answer);
    void call_tool(const RpcMessage& message, const Caller& caller, Answer& answer);
    [[nodiscard]] std::string build_initialize(const Protocol& protocol) const;

    Options options_;
    const ToolRegistry& tools_;
    ToolList list_;
    std::array<std::string, revision_count> initialize_results_;
};

// A whole error reply. `status` is the HTTP one.
[[nodiscard]] Reply error_reply(uint16_t status, const RpcError& error, const Protocol& protocol);

}  // namespace fluxgate::rpc
