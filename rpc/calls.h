// The methods whose work may take its time: tools/call, resources/read, resources/list, prompts/get
// and completion/complete. Each is a task with a deadline, and one answer.
//
// Where the work wants to ask the client (InputRequired), it is run again with the answers: up to
// 2025-11-25 at once, as the answers come over the caller's link; from 2026-07-28 on when the
// client repeats its request with them.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "loop/scope.h"
#include "loop/task.h"
#include "rpc/prompt.h"
#include "rpc/reply.h"
#include "rpc/resource.h"
#include "rpc/resource_registry.h"
#include "rpc/results.h"
#include "rpc/signed_value.h"
#include "rpc/tool.h"

namespace fluxgate::rpc {

// What the transport lends a call besides telling things: asking the client in the middle of it.
class CallLink : public ClientLink {
public:
    // Up to 2025-11-25: sends all of `requests` and waits for the answers: an object of the results
    // by key, in the call's arena; or a text for the model why there is none (no stream, declined
    // as an error, too late).
    [[nodiscard]] virtual loop::Task<std::expected<const Json*, std::string>> ask(
        loop::Scope* scope, const InputRequired* required) = 0;

protected:
    ~CallLink() = default;
};

// One call as the dispatcher has settled it. Pointers are to what outlives it.
struct Job {
    enum class Kind : uint8_t { none, tool, prompt, resource, list_resources, complete };
    Kind kind = Kind::none;
    Tool* tool = nullptr;
    Prompt* prompt = nullptr;
    Resource* resource = nullptr;
    std::string_view name;  // the tool's, the prompt's, or the URI
    std::span<const TemplateVariable> variables = {};
    const Json* arguments = nullptr;  // an object, or null
    std::string_view argument = {};   // of completion/complete
    std::string_view value = {};
    std::string_view after = {};  // of list_resources: the last entry of the page before
};

// Everything that a call needs, by value.
struct CallRequest {
    Job job;
    RpcMessage message;
    Caller caller;
    CallLink* link = nullptr;
    loop::Scope* scope = nullptr;  // the request's; the call has children of it
    loop::Arena* arena = nullptr;
    CallNotes* notes = nullptr;  // filled when the call has ended
};

class Calls {
public:
    struct Options {
        // A call's deadline. PostgreSQL hears of it as statement_timeout; what is still running
        // cancel_grace_ms later is cancelled. The time in which the client is asked does not count.
        uint32_t call_timeout_ms = 60'000;
        uint32_t cancel_grace_ms = 1'000;
    };
    static constexpr int rounds_max = 16;  // of asking in one call
    static constexpr size_t completions_max = 100;

    // All outlive it.
    Calls(const Options& options, const Results* results, const ResourceRegistry* resources,
          const Signer* signer);

    // Cancelling the request's scope cancels it.
    [[nodiscard]] loop::Task<Reply> run(CallRequest request);

private:
    struct Round;
    struct Outcome;
    [[nodiscard]] std::optional<Reply> begin(const CallRequest& request, Round& round) const;
    [[nodiscard]] loop::Task<Outcome> run_round(const CallRequest* request, const Round* round);
    [[nodiscard]] loop::Task<Outcome> work(const CallRequest* request, CallContext context,
                                           CallNotes* notes);
    [[nodiscard]] loop::Task<Outcome> list_resources(const CallRequest* request,
                                                     CallContext context);
    [[nodiscard]] Reply input_required(const CallRequest& request, const InputRequired& ask) const;

    Options options_;
    const Results& results_;
    const ResourceRegistry& resources_;
    const Signer& signer_;
};

}  // namespace fluxgate::rpc
