// From a message to its answer: the methods of MCP, in one table, with the eras that have them.
//
// Knows no HTTP but the status that a transport shows. ping, initialize and tools/list are bytes
// made in advance with the id spliced in: no coroutine, no allocation. What may take its time
// becomes a Job, which rpc/calls runs. One a core.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/principal.h"
#include "loop/arena.h"
#include "loop/task.h"
#include "rpc/calls.h"
#include "rpc/handshake.h"
#include "rpc/prompt_registry.h"
#include "rpc/reply.h"
#include "rpc/resource_registry.h"
#include "rpc/results.h"
#include "rpc/session_states.h"
#include "rpc/signed_value.h"
#include "rpc/tool_list.h"
#include "rpc/tool_registry.h"

namespace fluxgate::rpc {

// What is offered; complete, and outlives the dispatcher.
struct Catalogue {
    const ToolRegistry* tools = nullptr;
    const ResourceRegistry* resources = nullptr;
    const PromptRegistry* prompts = nullptr;
};

struct Answer {
    Reply reply;              // unless there is a job
    Job job;                  // must run first: Dispatcher::call()
    bool is_listen = false;   // subscriptions/listen: the transport opens a stream instead
    std::string_view method;  // for the log: from the closed list, or "other"
};

class Dispatcher {
public:
    struct Options {
        ServerInfo server;
        std::string instructions;  // for the model: what the server is good for; empty: none
        Calls::Options calls;
    };
    // `signer` and `states` outlive this.
    Dispatcher(Options options, const Catalogue& catalogue, const Signer* signer,
               SessionStates* states);
    Dispatcher(const Dispatcher&) = delete;
    Dispatcher& operator=(const Dispatcher&) = delete;

    // A request's answer, or the refusal of a notification that must not be one. Not for responses.
    // What a job points to is in `arena`.
    [[nodiscard]] Answer answer(const RpcMessage& message, const Caller& caller,
                                loop::Arena& arena);
    // Runs the job; cancelling the request's scope cancels it.
    [[nodiscard]] loop::Task<Reply> call(CallRequest request) { return calls_.run(request); }
    // Of the job's tool: what the head must repeat.
    [[nodiscard]] std::span<const ParamHeader> param_headers(const Job& job) const {
        return catalogue_.tools->param_headers(job.tool);
    }
    // Whether the caller may hear of changes of a resource, which need not be there (yet).
    struct FollowVerdict {
        enum class Kind : uint8_t {
            allowed,
            unknown,    // misspelled, or mcp.allowed_resources leaves it out
            forbidden,  // the caller lacks some of `scopes`
        };
        Kind kind = Kind::allowed;
        std::span<const std::string> scopes;
    };
    [[nodiscard]] FollowVerdict may_follow(std::string_view uri, const Caller& caller,
                                           loop::Arena& arena) const;

private:
    struct Request {
        const RpcMessage& message;
        const Caller& caller;
        loop::Arena& arena;
    };
    using Method = void (Dispatcher::*)(const Request&, Answer&);
    enum class Eras : uint8_t { both, legacy, stateless };
    struct MethodEntry {
        std::string_view name;
        Eras eras;
        Method run;
    };
    static const MethodEntry methods[];

    void initialize(const Request& request, Answer& answer);
    void discover(const Request& request, Answer& answer);
    void ping(const Request& request, Answer& answer);
    void set_log_level(const Request& request, Answer& answer);
    void subscribe(const Request& request, Answer& answer);
    void unsubscribe(const Request& request, Answer& answer);
    void listen(const Request& request, Answer& answer);
    // dispatcher_catalogue.cc
    void list_tools(const Request& request, Answer& answer);
    void call_tool(const Request& request, Answer& answer);
    void list_resources(const Request& request, Answer& answer);
    void list_templates(const Request& request, Answer& answer);
    void read_resource(const Request& request, Answer& answer);
    void list_prompts(const Request& request, Answer& answer);
    void get_prompt(const Request& request, Answer& answer);
    void complete(const Request& request, Answer& answer);

    // What completion/complete is asked about, into the job; false, and the refusal, if it is
    // nothing that is known or the caller may not see it.
    [[nodiscard]] bool find_completed(const Request& request, const Json& ref,
                                      std::string_view type, Answer& answer) const;
    // False, and the refusal, if what the job completes has no argument of that name.
    [[nodiscard]] bool has_argument(const Request& request, std::string_view name,
                                    Answer& answer) const;
    // False, and the refusal, outside of a session.
    [[nodiscard]] bool is_in_session(const Request& request, Answer& answer) const;
    [[nodiscard]] Reply unknown_resource(const Request& request, std::string_view uri) const;
    [[nodiscard]] Reply empty_result(const Request& request) const;
    // `params.<name>`; null, and the refusal in `answer`, unless it is a string.
    [[nodiscard]] const Json* string_param(const Request& request, std::string_view name,
                                           Answer& answer) const;
    // False, and the refusal, if the caller lacks one of them.
    [[nodiscard]] static bool may_use(std::span<const std::string> scopes, const Request& request,
                                      Answer& answer);
    template <class Registry>
    using Hint = std::string (*)(const Registry& registry, const http::Principal* principal,
                                 std::string_view wanted);
    // What `params.name` names and the caller may use; else null, and the refusal.
    template <class Registry>
    [[nodiscard]] auto find_named(const Registry& registry, std::string_view unknown,
                                  Hint<Registry> hint, const Request& request, Answer& answer) const
        -> decltype(registry.find({}));
    // `params.arguments` into the job; false, and the refusal, if it is neither object nor absent.
    [[nodiscard]] bool take_arguments(const Request& request, Answer& answer) const;
    // Behind which entry the page begins; false, and the refusal, for a cursor that is not ours.
    [[nodiscard]] bool read_page(const Request& request, std::string_view& after,
                                 Answer& answer) const;

    Options options_;
    Catalogue catalogue_;
    const Signer& signer_;
    SessionStates& states_;
    Results results_;
    Handshake handshake_;
    ToolList list_;
    Calls calls_;
};

}  // namespace fluxgate::rpc
