#include "rpc/dispatcher.h"

#include <chrono>
#include <utility>

#include "loop/check.h"
#include "loop/deadline.h"
#include "loop/loop.h"
#include "loop/timer_wheel.h"
#include "rpc/json_writer.h"

namespace fluxgate::rpc {

namespace {

// Ends a call that went on after its deadline.
class CancelTimer final : public loop::Timer {
public:
    explicit CancelTimer(loop::Scope* scope)
        : loop::Timer(
              [](loop::Timer& timer) { static_cast<CancelTimer&>(timer).scope_->cancel(); }),
          scope_(scope) {}

private:
    loop::Scope* scope_;
};

Reply result_reply(const RpcMessage& message, std::string_view result) {
    Reply reply;
    open_result(reply.body, message.id);
    reply.body.append(result);
    reply.body.append('}');
    return reply;
}

RpcError invalid_params(const RpcMessage& message, std::string_view text,
                        std::string_view subject = {}) {
    return {.code = rpc_code::invalid_params,
            .message = text,
            .subject = subject,
            .detail = {},
            .id = message.id};
}

Reply forbidden_reply(const ToolInfo& tool, const RpcMessage& message, const Caller& caller) {
    std::string text = "insufficient scope:";
    for (const std::string& scope : tool.scopes) {
        if (caller.principal != nullptr && caller.principal->has_scope(scope)) continue;
        text += ' ';
        text += scope;
    }
    Reply reply = error_reply(403,
                              {.code = rpc_code::forbidden,
                               .message = text,
                               .subject = {},
                               .detail = {},
                               .id = message.id},
                              *caller.protocol);
    reply.refused_tool = &tool;
    return reply;
}

Reply failure_reply(const ToolFailure& failure, const RpcMessage& message, const Caller& caller) {
    const bool is_status = failure.code >= 400 && failure.code <= 599;
    Reply reply = error_reply(is_status ? static_cast<uint16_t>(failure.code) : uint16_t{200},
                              {.code = failure.code,
                               .message = failure.message,
                               .subject = {},
                               .detail = {},
                               .id = message.id},
                              *caller.protocol);
    reply.retry_after_s = failure.retry_after_s;
    return reply;
}

// The rows are not copied: what belongs before them goes into the headroom of their first block.
Reply tool_reply(ToolResult&& result, const RpcMessage& message, const Protocol& protocol) {
    Reply reply;
    reply.is_error = result.is_error;
    loop::BlockChain& body = reply.body;
    body = std::move(result.text);
    body.prepend(R"(,"result":{"content":[{"type":"text","text":")");
    body.prepend(message.id);
    body.prepend(R"({"jsonrpc":"2.0","id":)");
    body.append(R"("}])");
    if (protocol.structured_content && !result.structured.empty()) {
        body.append(R"(,"structuredContent":)");
        body.append_chain(std::move(result.structured));
    }
    body.append(result.is_error ? R"(,"isError":true}})" : R"(,"isError":false}})");
    return reply;
}

}  // namespace

Reply error_reply(uint16_t status, const RpcError& error, const Protocol& protocol) {
    Reply reply;
    reply.status = status;
    reply.is_error = true;
    write_error(reply.body, error, protocol);
    return reply;
}

const Dispatcher::MethodEntry Dispatcher::methods[] = {
    {"tools/call", &Dispatcher::call_tool},
    {"ping", &Dispatcher::ping},
    {"tools/list", &Dispatcher::list_tools},
    {"initialize", &Dispatcher::initialize},
};

Dispatcher::Dispatcher(Options options, const ToolRegistry& tools)
    : options_(std::move(options)), tools_(tools), list_(tools) {
    FLUX_CHECK(options_.call_timeout_ms > 0);
    for (const Protocol& protocol : all_protocols()) {
        initialize_results_[static_cast<size_t>(protocol.revision)] = build_initialize(protocol);
    }
}

std::string Dispatcher::build_initialize(const Protocol& protocol) const {
    loop::BlockChain chain;
    JsonWriter<Escape::once> json(chain);
    json.raw('{');
    json.key("protocolVersion");
    json.string(protocol.name);
    // What is served, and nothing that is not: the list of tools does not change under a client.
    json.raw(R"(,"capabilities":{"tools":{}},"serverInfo":{)");
    json.key("name");
    json.string(options_.name);
    if (protocol.titles && !options_.title.empty()) {
        json.raw(',');
        json.key("title");
        json.string(options_.title);
    }
    json.raw(',');
    json.key("version");
    json.string(options_.version);
    json.raw('}');
    if (!options_.instructions.empty()) {
        json.raw(',');
        json.key("instructions");
        json.string(options_.instructions);
    }
    json.raw('}');
    return chain.to_string();
}

Answer Dispatcher::answer(const RpcMessage& message, const Caller& caller) {
    Answer answer;
    for (const MethodEntry& entry : methods) {
        if (message.method != entry.name) continue;
        answer.method = entry.name;
        if (message.kind == RpcMessage::Kind::request) {
            (this->*entry.run)(message, caller, answer);
            return answer;
        }
        // Without an id nobody would hear how a call ended, so it is not run.
        answer.reply = error_reply(400,
                                   {.code = rpc_code::invalid_request,
                                    .message = "Invalid Request",
                                    .subject = {},
                                    .detail = "this method needs an `id`; nothing was run",
                                    .id = {}},
                                   *caller.protocol);
        return answer;
    }
    answer.method = message.method.starts_with("notifications/") ? "notifications" : "other";
    if (message.kind == RpcMessage::Kind::notification) {  // known or not: never answered
        answer.reply.status = 202;
        return answer;
    }
    answer.reply = error_reply(caller.protocol->unknown_method_is_404 ? 404 : 200,
                               {.code = rpc_code::method_not_found,
                                .message = "Method not found: ",
                                .subject = message.method,
                                .detail = {},
                                .id = message.id},
                               *caller.protocol);
    return answer;
}

void Dispatcher::initialize(const RpcMessage& message, const Caller& caller, Answer& answer) {
    if (message.params == nullptr) {
        answer.reply = error_reply(
            200, invalid_params(message, "Invalid params: `params` is required"), *caller.protocol);
        return;
    }
    // A version that is not served, or none, gets our latest: the client decides whether it can.
    const Protocol* agreed = &latest_legacy();
    if (const Json* version = message.params->find("protocolVersion"); version != nullptr) {
        if (!version->is_string()) {
            answer.reply = error_reply(
                200, invalid_params(message, "Invalid params: `protocolVersion` must be a string"),
                *caller.protocol);
            return;
        }
        const Protocol* wanted = find_protocol(version->text);
        if (wanted != nullptr && !wanted->is_stateless) agreed = wanted;
    }
    answer.reply =
        result_reply(message, initialize_results_[static_cast<size_t>(agreed->revision)]);
}

void Dispatcher::ping(const RpcMessage& message, const Caller&, Answer& answer) {
    answer.reply = result_reply(message, "{}");
}

void Dispatcher::list_tools(const RpcMessage& message, const Caller& caller, Answer& answer) {
    // The list is one page, so no cursor was ever given out.
    const Json* cursor = message.params == nullptr ? nullptr : message.params->find("cursor");
    if (cursor != nullptr && !cursor->is_null()) {
        answer.reply = error_reply(200, invalid_params(message, "Invalid params: unknown `cursor`"),
                                   *caller.protocol);
        return;
    }
    answer.reply = result_reply(message, list_.result(caller.principal, *caller.protocol));
}

// The order of the seed: is it allowed (the registry knows no other), is it there, may the caller,
// run.
void Dispatcher::call_tool(const RpcMessage& message, const Caller& caller, Answer& answer) {
    const Json* name = message.params == nullptr ? nullptr : message.params->find("name");
    if (name == nullptr || !name->is_string()) {
        answer.reply =
            error_reply(200, invalid_params(message, "Invalid params: `name` must be a string"),
                        *caller.protocol);
        return;
    }
    Tool* tool = tools_.find(name->text);
    if (tool == nullptr) {
        answer.reply = error_reply(200, invalid_params(message, "Unknown tool: ", name->text),
                                   *caller.protocol);
        return;
    }
    if (!may_call(tool->info(), caller.principal)) {
        answer.reply = forbidden_reply(tool->info(), message, caller);
        return;
    }
    const Json* arguments = message.params->find("arguments");
    if (arguments != nullptr && !arguments->is_object() && !arguments->is_null()) {
        answer.reply = error_reply(
            200, invalid_params(message, "Invalid params: `arguments` must be an object"),
            *caller.protocol);
        return;
    }
    answer.tool = tool;
}

loop::Task<Reply> Dispatcher::call(ToolRequest request) {
    loop::Loop& loop = request.scope->loop();
    loop::Scope scope(&loop, request.scope);
    scope.set_deadline(
        loop::Deadline::after(loop.now(), std::chrono::milliseconds(options_.call_timeout_ms)));
    CancelTimer timer(&scope);
    loop.timers().start(
        timer, scope.deadline().at() + std::chrono::milliseconds(options_.cancel_grace_ms));

    const Json* arguments = request.message.params->find("arguments");
    ToolCall call;
    call.scope = &scope;
    call.arena = request.arena;
    call.principal = request.caller.principal;
    call.arguments = arguments != nullptr && arguments->is_object() ? arguments : nullptr;
    call.protocol = request.caller.protocol;

    loop::Task<ToolOutcome> task = request.tool->call(&call);
    ToolOutcome outcome = co_await std::move(task);
    timer.stop();
    if (!scope.empty()) scope.cancel();  // what the tool left running is not waited for in vain
    co_await scope.join();

    *request.notes = call.notes;
    if (!outcome) co_return failure_reply(outcome.error(), request.message, request.caller);
    co_return tool_reply(std::move(*outcome), request.message, *request.caller.protocol);
}

}  // namespace fluxgate::rpc
