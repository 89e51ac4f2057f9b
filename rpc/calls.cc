#include "rpc/calls.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "loop/deadline.h"
#include "loop/loop.h"
#include "loop/timer_wheel.h"
#include "rpc/call_replies.h"
#include "rpc/cursor.h"
#include "rpc/json_writer.h"
#include "rpc/list_page.h"
#include "rpc/request_state.h"

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

RequestBinding binding_of(const CallRequest& request) {
    return {.principal = digest_of(request.caller.principal),
            .method = request.message.method,
            .name = request.job.name,
            .arguments = request.job.arguments};
}

ClientCapabilities missing_of(const InputRequired& ask, ClientCapabilities declared) {
    ClientCapabilities missing;
    for (const InputRequest& request : ask.requests) {
        if (!declared.has(request.needs)) missing.add(request.needs);
    }
    return missing;
}

}  // namespace

// What the client has answered, and what the work wants to remember, in the request's arena.
struct Calls::Round {
    const Json* inputs = nullptr;
    std::string_view state;
};

struct Calls::Outcome {
    Reply reply;
    std::unique_ptr<InputRequired> ask = nullptr;  // instead
};

Calls::Calls(const Options& options, const Results* results, const ResourceRegistry* resources,
             const Signer* signer)
    : options_(options), results_(*results), resources_(*resources), signer_(*signer) {
    FLUX_CHECK(options_.call_timeout_ms > 0);
}

loop::Task<Reply> Calls::run(CallRequest request) {
    const Protocol& protocol = *request.caller.protocol;
    Round round;
    if (std::optional<Reply> refusal = begin(request, round)) co_return std::move(*refusal);
    for (int rounds = 0; rounds < rounds_max; ++rounds) {
        Outcome outcome = co_await run_round(&request, &round);
        if (outcome.ask == nullptr) co_return std::move(outcome.reply);
        const ClientCapabilities missing =
            missing_of(*outcome.ask, request.caller.envelope.capabilities);
        if (missing.bits() != 0) co_return missing_capability(missing, request.message, protocol);
        if (outcome.ask->state.size() > request_state_bytes_max) {  // a bug of the work's
            co_return failure_reply({.code = rpc_code::internal_error,
                                     .message = "this can not be asked: its state is too large",
                                     .retry_after_s = 0},
                                    request.message, protocol);
        }
        if (protocol.is_stateless) co_return input_required(request, *outcome.ask);

        std::expected<const Json*, std::string> answers =
            co_await request.link->ask(request.scope, outcome.ask.get());
        if (!answers) {
            if (request.job.kind == Job::Kind::tool) {
                co_return tool_reply(results_, tool_error(answers.error()), request.message,
                                     protocol);
            }
            co_return failure_reply(
                {.code = rpc_code::internal_error, .message = answers.error(), .retry_after_s = 0},
                request.message, protocol);
        }
        round.inputs = *answers;
        round.state = request.arena->copy(outcome.ask->state);
    }
    co_return failure_reply({.code = rpc_code::internal_error,
                             .message = "the client was asked too often",
                             .retry_after_s = 0},
                            request.message, protocol);
}

// What a repeated request brings along (revision 2026-07-28). The refusal, if it is wrong.
std::optional<Reply> Calls::begin(const CallRequest& request, Round& round) const {
    const Protocol& protocol = *request.caller.protocol;
    if (!protocol.is_stateless || request.message.params == nullptr) return std::nullopt;
    const Json* inputs = request.message.params->find("inputResponses");
    if (inputs != nullptr && !inputs->is_null()) {
        if (!inputs->is_object()) {
            return invalid_params(request.message, protocol,
                                  "Invalid params: `inputResponses` must be an object");
        }
        round.inputs = inputs;
    }
    const Json* state = request.message.params->find("requestState");
    if (state != nullptr && !state->is_null()) {
        const auto plain =
            state->is_string()
                ? read_request_state(signer_, binding_of(request), state->text,
                                     loop::unix_seconds(request.scope->loop().wall_now()))
                : std::nullopt;
        if (!plain) {
            return invalid_params(request.message, protocol,
                                  "Invalid params: `requestState` was changed, has expired, or "
                                  "belongs to another request; begin again without it");
        }
        round.state = request.arena->copy(*plain);
    }
    return std::nullopt;
}

// One run of the work, with a deadline of its own: while a person thinks, no call is running.
loop::Task<Calls::Outcome> Calls::run_round(const CallRequest* request, const Round* round) {
    loop::Loop& loop = request->scope->loop();
    loop::Scope scope(&loop, request->scope);
    scope.set_deadline(
        loop::Deadline::after(loop.now(), std::chrono::milliseconds(options_.call_timeout_ms)));
    CancelTimer timer(&scope);
    loop.timers().start(
        timer, scope.deadline().at() + std::chrono::milliseconds(options_.cancel_grace_ms));
    CallContext context;
    context.scope = &scope;
    context.arena = request->arena;
    context.principal = request->caller.principal;
    context.protocol = request->caller.protocol;
    context.client = request->link;
    context.capabilities = request->caller.envelope.capabilities;
    context.inputs = round->inputs;
    context.state = round->state;

    loop::Task<Outcome> task = work(request, context, request->notes);
    Outcome outcome = co_await std::move(task);
    timer.stop();
    if (!scope.empty()) scope.cancel();  // what the work left running is not waited for in vain
    co_await scope.join();
    co_return std::move(outcome);
}

loop::Task<Calls::Outcome> Calls::work(const CallRequest* request, CallContext context,
                                       CallNotes* notes) {
    const Job& job = request->job;
    const RpcMessage& message = request->message;
    const Protocol& protocol = *request->caller.protocol;
    // Its failure, its question, or the reply that is made of its result.
    const auto end = [&](auto outcome, const auto& reply_of) {
        if (!outcome) return Outcome{failure_reply(outcome.error(), message, protocol)};
        if (outcome->ask != nullptr) return Outcome{{}, std::move(outcome->ask)};
        return Outcome{reply_of(std::move(*outcome))};
    };
    switch (job.kind) {
        case Job::Kind::tool: {
            ToolCall call{context, job.arguments};
            loop::Task<ToolOutcome> task = job.tool->call(&call);
            ToolOutcome outcome = co_await std::move(task);
            *notes = call.notes;
            co_return end(std::move(outcome), [&](ToolResult&& result) {
                return tool_reply(results_, std::move(result), message, protocol);
            });
        }
        case Job::Kind::prompt: {
            PromptCall call{context, job.arguments};
            loop::Task<PromptOutcome> task = job.prompt->get(&call);
            PromptOutcome outcome = co_await std::move(task);
            *notes = call.notes;
            co_return end(std::move(outcome), [&](PromptResult&& result) {
                return prompt_reply(results_, std::move(result), message, protocol);
            });
        }
        case Job::Kind::resource: {
            ReadCall call{context, job.name, job.variables};
            loop::Task<ReadOutcome> task = job.resource->read(&call);
            ReadOutcome outcome = co_await std::move(task);
            *notes = call.notes;
            co_return end(std::move(outcome), [&](ReadResult&& result) {
                return read_reply(results_, job.resource->info(), std::move(result), job.name,
                                  message, protocol);
            });
        }
        case Job::Kind::complete: {
            CompletionCall call{context, job.argument, job.value, job.arguments};
            loop::Task<CompletionOutcome> task =
                job.prompt != nullptr ? job.prompt->complete(&call) : job.resource->complete(&call);
            const CompletionOutcome outcome = co_await std::move(task);
            *notes = call.notes;
            if (!outcome) co_return Outcome{failure_reply(outcome.error(), message, protocol)};
            co_return Outcome{
                completion_reply(results_, *outcome, completions_max, message, protocol)};
        }
        case Job::Kind::list_resources: {
            loop::Task<Outcome> task = list_resources(request, context);
            Outcome outcome = co_await std::move(task);
            co_return std::move(outcome);
        }
        case Job::Kind::none:
            break;
    }
    FLUX_CHECK(false);
}

loop::Task<Calls::Outcome> Calls::list_resources(const CallRequest* request, CallContext context) {
    constexpr std::string_view list = "resources/list";
    const Protocol& protocol = *request->caller.protocol;
    loop::BlockChain entries;
    std::expected<std::string, CallFailure> last =
        co_await write_resources_page(&context, &resources_, request->job.after, &entries);
    *request->notes = context.notes;
    if (!last) co_return Outcome{failure_reply(last.error(), request->message, protocol)};
    Reply reply;
    results_.open_list(reply.body, request->message.id, protocol, "resources");
    reply.body.append_chain(std::move(entries));
    close_page(reply.body, *last, signer_, list, request->caller);
    co_return Outcome{std::move(reply)};
}

// {"resultType":"input_required","inputRequests":{"key":{"method":…,"params":…}},"requestState":…}
Reply Calls::input_required(const CallRequest& request, const InputRequired& ask) const {
    Reply reply;
    results_.open(reply.body, request.message.id, *request.caller.protocol, "input_required");
    JsonWriter<Escape::once> json(reply.body);
    if (!ask.requests.empty()) {
        json.raw(R"(,"inputRequests":{)");
        bool is_first = true;
        for (const InputRequest& one : ask.requests) {
            if (!std::exchange(is_first, false)) json.raw(',');
            json.key(one.key);
            json.raw(R"({"method":)");
            json.string(method_of(one.needs));
            json.raw(R"(,"params":)");
            json.json_text(one.params.empty() ? "{}" : std::string_view(one.params));
            json.raw('}');
        }
        json.raw('}');
    }
    if (!ask.state.empty() || ask.requests.empty()) {
        json.raw(R"(,"requestState":)");
        json.string(make_request_state(signer_, binding_of(request), ask.state,
                                       loop::unix_seconds(request.scope->loop().wall_now())));
    }
    json.raw("}}");
    return reply;
}

}  // namespace fluxgate::rpc
