// subscriptions/listen (revision 2026-07-28): the answer is a stream that tells what has changed,
// of the kinds that were asked for, until one of the two ends it.
#include <utility>

#include "http/media_type.h"
#include "http/sse.h"
#include "rpc/json_writer.h"
#include "rpc/streamable_http.h"
#include "rpc/streamable_http_events.h"

namespace fluxgate::rpc {

namespace {

bool wants(const Json& kinds, std::string_view kind) {
    const Json* member = kinds.find(kind);
    return member != nullptr && member->kind == Json::Kind::boolean && member->boolean;
}

Interest read_interest(const Json& kinds, std::string_view id) {
    Interest interest;
    interest.tools = wants(kinds, "toolsListChanged");
    interest.prompts = wants(kinds, "promptsListChanged");
    interest.resources = wants(kinds, "resourcesListChanged");
    interest.subscription_id = id;
    const Json* uris = kinds.find("resourceSubscriptions");
    if (uris == nullptr || !uris->is_array()) return interest;
    for (const Json* uri = uris->first; uri != nullptr; uri = uri->next) {
        if (!uri->is_string() || uri->text.size() > SessionStates::uri_bytes_max) continue;
        if (interest.uris.size() >= SessionStates::uris_max) break;
        interest.uris.emplace(uri->text);
    }
    return interest;
}

void write_subscription(JsonWriter<Escape::once>& json, const Interest& interest) {
    json.raw(R"("_meta":{"io.modelcontextprotocol/subscriptionId":)");
    json.out().append(interest.subscription_id);
    json.raw('}');
}

// Which of what was asked for will be told.
std::string acknowledgement(const Interest& interest) {
    loop::BlockChain chain;
    JsonWriter<Escape::once> json(chain);
    json.raw(R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{)");
    json.raw(R"("notifications":{)");
    bool is_first = true;
    const auto member = [&](std::string_view name) {
        if (!std::exchange(is_first, false)) json.raw(',');
        json.key(name);
    };
    const auto flag = [&](std::string_view name, bool is_set) {
        if (!is_set) return;
        member(name);
        json.boolean(true);
    };
    flag("toolsListChanged", interest.tools);
    flag("promptsListChanged", interest.prompts);
    flag("resourcesListChanged", interest.resources);
    if (!interest.uris.empty()) {
        member("resourceSubscriptions");
        json.raw('[');
        bool is_first_uri = true;
        for (const std::string& uri : interest.uris) {
            if (!std::exchange(is_first_uri, false)) json.raw(',');
            json.string(uri);
        }
        json.raw(']');
    }
    json.raw("},");
    write_subscription(json, interest);
    json.raw("}}");
    return chain.to_string();
}

std::string graceful_end(const Interest& interest) {
    loop::BlockChain chain;
    JsonWriter<Escape::once> json(chain);
    open_result(chain, interest.subscription_id);
    json.raw(R"({"resultType":"complete",)");
    write_subscription(json, interest);
    json.raw("}}");
    return chain.to_string();
}

}  // namespace

void StreamableHttp::on_listen(http::Exchange& exchange, const RpcMessage& message,
                               const Caller& caller) {
    const Protocol& protocol = stateless_protocol();
    RpcError error{.code = rpc_code::invalid_request,
                   .message =
                       "subscriptions/listen answers with a stream: send "
                       "Accept: application/json, text/event-stream",
                   .subject = {},
                   .detail = {},
                   .id = message.id};
    const http::Request& request = exchange.request();
    if (const std::string_view accept = request.get(http::Field::accept);
        !accept.empty() && accept != "*/*" && !http::accepts_events(request)) {
        refuse(exchange, {.status = 406, .error = error, .protocol = &protocol});
        return;
    }
    Interest interest = read_interest(*message.params->find("notifications"), message.id);
    if (caller.principal != nullptr) interest.role = caller.principal->role;
    std::erase_if(interest.uris, [&](const std::string& uri) {
        const auto verdict = dispatcher_.may_follow(uri, caller, exchange.arena());
        return verdict.kind != Dispatcher::FollowVerdict::Kind::allowed;
    });
    const bool has_uris = !interest.uris.empty();
    EventCarrier carrier;
    carrier.kind = EventStreams::Kind::subscription;
    loop::BlockChain first;
    http::append_event(first, {}, acknowledgement(interest));
    carrier.first = first.to_string();
    carrier.last = graceful_end(interest);
    carrier.stream = sessions_.streams.open(carrier.kind, new_stream_id(exchange.loop()), {},
                                            std::move(interest), exchange.loop().now());
    if (carrier.stream == nullptr) {
        error.code = 503;
        error.message = has_uris ? "too many streams are open, or they follow too many resources; "
                                   "follow fewer or try again later"
                                 : "too many streams are open, try again later";
        Reply full = error_reply(503, error, protocol);
        full.retry_after_s = streams_full_retry_s;
        send(exchange, std::move(full));
        return;
    }
    exchange.scope().spawn("listen", carry_events(&exchange, &sessions_, std::move(carrier)));
}

}  // namespace fluxgate::rpc
