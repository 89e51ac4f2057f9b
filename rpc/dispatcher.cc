#include "rpc/dispatcher.h"

#include <utility>

#include "rpc/call_replies.h"
#include "rpc/scopes.h"

namespace fluxgate::rpc {

const Dispatcher::MethodEntry Dispatcher::methods[] = {
    {"tools/call", Eras::both, &Dispatcher::call_tool},
    {"ping", Eras::legacy, &Dispatcher::ping},
    {"tools/list", Eras::both, &Dispatcher::list_tools},
    {"initialize", Eras::legacy, &Dispatcher::initialize},
    {"server/discover", Eras::stateless, &Dispatcher::discover},
    {"resources/list", Eras::both, &Dispatcher::list_resources},
    {"resources/templates/list", Eras::both, &Dispatcher::list_templates},
    {"resources/read", Eras::both, &Dispatcher::read_resource},
    {"resources/subscribe", Eras::legacy, &Dispatcher::subscribe},
    {"resources/unsubscribe", Eras::legacy, &Dispatcher::unsubscribe},
    {"prompts/list", Eras::both, &Dispatcher::list_prompts},
    {"prompts/get", Eras::both, &Dispatcher::get_prompt},
    {"completion/complete", Eras::both, &Dispatcher::complete},
    {"logging/setLevel", Eras::legacy, &Dispatcher::set_log_level},
    {"subscriptions/listen", Eras::stateless, &Dispatcher::listen},
};

Dispatcher::Dispatcher(Options options, const Catalogue& catalogue, const Signer* signer,
                       SessionStates* states)
    : options_(std::move(options)),
      catalogue_(catalogue),
      signer_(*signer),
      states_(*states),
      results_(options_.server),
      handshake_(options_.server, options_.instructions),
      list_(*catalogue_.tools, &results_),
      calls_(options_.calls, &results_, catalogue_.resources, signer) {
}

Answer Dispatcher::answer(const RpcMessage& message, const Caller& caller, loop::Arena& arena) {
    Answer answer;
    const Eras other = caller.protocol->is_stateless ? Eras::legacy : Eras::stateless;
    for (const MethodEntry& entry : methods) {
        if (message.method != entry.name) continue;
        if (entry.eras == other) break;
        answer.method = entry.name;
        if (message.kind == RpcMessage::Kind::request) {
            (this->*entry.run)({message, caller, arena}, answer);
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

Reply Dispatcher::empty_result(const Request& request) const {
    Reply reply;
    open_result(reply.body, request.message.id);
    reply.body.append(results_.empty(*request.caller.protocol));
    reply.body.append('}');
    return reply;
}

void Dispatcher::initialize(const Request& request, Answer& answer) {
    if (request.caller.session != nullptr) {
        answer.reply = error_reply(400,
                                   {.code = rpc_code::invalid_request,
                                    .message = "Invalid Request: this session is initialized "
                                               "already; leave Mcp-Session-Id out for a new one",
                                    .subject = {},
                                    .detail = {},
                                    .id = request.message.id},
                                   *request.caller.protocol);
        return;
    }
    const auto agreed = Handshake::negotiate(request.message.params);
    if (!agreed) {
        answer.reply = invalid_params(request.message, *request.caller.protocol, agreed.error());
        return;
    }
    open_result(answer.reply.body, request.message.id);
    answer.reply.body.append(handshake_.initialize_result(*agreed->protocol));
    answer.reply.body.append('}');
    answer.reply.agreed = *agreed;
}

void Dispatcher::discover(const Request& request, Answer& answer) {
    results_.open(answer.reply.body, request.message.id, *request.caller.protocol);
    answer.reply.body.append(handshake_.discover_members());
    answer.reply.body.append("}}");
}

void Dispatcher::ping(const Request& request, Answer& answer) {
    answer.reply = empty_result(request);
}

// Without a session there is no stream on which anything would be logged later: accepted all the
// same, as clients send it unasked.
void Dispatcher::set_log_level(const Request& request, Answer& answer) {
    const Json* name = string_param(request, "level", answer);
    if (name == nullptr) return;
    const std::optional<LogLevel> level = find_log_level(name->text);
    if (!level) {
        answer.reply = invalid_params(
            request.message, *request.caller.protocol,
            "Invalid params: `level` must be one of debug, info, notice, warning, error, critical, "
            "alert, emergency; got ",
            name->text);
        return;
    }
    if (request.caller.session != nullptr) {
        states_.set_log_level(request.caller.session->nonce, *level);
    }
    answer.reply = empty_result(request);
}

Dispatcher::FollowVerdict Dispatcher::may_follow(std::string_view uri, const Caller& caller,
                                                 loop::Arena& arena) const {
    using Kind = FollowVerdict::Kind;
    const Resource* resource = catalogue_.resources->find(uri, &arena).resource;
    if (resource == nullptr) {
        const bool is_foreign = catalogue_.resources->is_foreign(uri);
        return {.kind = is_foreign ? Kind::allowed : Kind::unknown, .scopes = {}};
    }
    const std::vector<std::string>& scopes = resource->info().scopes;
    return {.kind = has_scopes(caller.principal, scopes) ? Kind::allowed : Kind::forbidden,
            .scopes = scopes};
}

bool Dispatcher::is_in_session(const Request& request, Answer& answer) const {
    if (request.caller.session != nullptr) return true;
    answer.reply = error_reply(400,
                               {.code = rpc_code::server_error,
                                .message = "Bad Request: without a session nothing could be told: "
                                           "initialize, send its Mcp-Session-Id with this request, "
                                           "and open a stream with GET",
                                .subject = {},
                                .detail = {},
                                .id = request.message.id},
                               *request.caller.protocol);
    return false;
}

void Dispatcher::subscribe(const Request& request, Answer& answer) {
    const Json* uri = string_param(request, "uri", answer);
    if (uri == nullptr) return;
    const FollowVerdict verdict = may_follow(uri->text, request.caller, request.arena);
    if (verdict.kind == FollowVerdict::Kind::unknown) {
        answer.reply = unknown_resource(request, uri->text);
        return;
    }
    if (verdict.kind == FollowVerdict::Kind::forbidden) {
        answer.reply = forbidden(verdict.scopes, request.message, request.caller);
        return;
    }
    if (!is_in_session(request, answer)) return;
    if (!states_.follow(request.caller.session->nonce, uri->text)) {
        answer.reply = invalid_params(request.message, *request.caller.protocol,
                                      "Invalid params: a session follows at most 100 resources, "
                                      "of at most 2048 bytes each, and all sessions a "
                                      "limited number");
        return;
    }
    answer.reply = empty_result(request);
}

void Dispatcher::unsubscribe(const Request& request, Answer& answer) {
    const Json* uri = string_param(request, "uri", answer);
    if (uri == nullptr || !is_in_session(request, answer)) return;
    states_.unfollow(request.caller.session->nonce, uri->text);
    answer.reply = empty_result(request);
}

void Dispatcher::listen(const Request& request, Answer& answer) {
    const Json* params = request.message.params;
    const Json* wanted = params == nullptr ? nullptr : params->find("notifications");
    if (wanted == nullptr || !wanted->is_object()) {
        answer.reply = invalid_params(request.message, *request.caller.protocol,
                                      "Invalid params: `notifications` must be an object");
        return;
    }
    answer.is_listen = true;
}

const Json* Dispatcher::string_param(const Request& request, std::string_view name,
                                     Answer& answer) const {
    const Json* params = request.message.params;
    const Json* member = params == nullptr ? nullptr : params->find(name);
    if (member != nullptr && member->is_string()) return member;
    answer.reply =
        invalid_params(request.message, *request.caller.protocol,
                       request.arena.join({"Invalid params: `", name, "` must be a string"}));
    return nullptr;
}

}  // namespace fluxgate::rpc
