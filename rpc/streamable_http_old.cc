// 2024-11-05's transport, the side of the POSTs: they come to the address that the `endpoint` event
// gave, and what they ask for is answered on that stream. The stream: streamable_http_get.cc.
#include "rpc/old_endpoint.h"
#include "rpc/streamable_http.h"

namespace fluxgate::rpc {

namespace {

struct OldTransport {
    EventStreams::StreamPtr stream;    // null: gone, or somebody else's
    const Session* session = nullptr;  // in the exchange's arena
};

OldTransport find_transport(http::Exchange& exchange, Sessions& sessions) {
    const PrincipalDigest principal = digest_of(exchange.principal().get());
    const std::string_view query = exchange.request().query;
    const auto endpoint =
        read_old_endpoint(sessions.signer, principal, query.substr(old_transport_query.size()));
    if (!endpoint) return {};
    const Session session{.protocol = &protocol_of(Revision::r2024_11_05),
                          .capabilities = sessions.states.capabilities(endpoint->session),
                          .principal = principal,
                          .issued_s = 0,
                          .nonce = endpoint->session};
    return {.stream = sessions.streams.find(endpoint->stream, endpoint->session),
            .session = exchange.arena().create<Session>(session)};
}

}  // namespace

void StreamableHttp::on_old_message(http::Exchange& exchange, const Json& document) {
    const OldTransport old = find_transport(exchange, sessions_);
    if (old.stream == nullptr) {
        const auto message = read_message(document);
        refuse(exchange,
               {.status = 404,
                .error = session_gone(message ? message->request_id() : std::string_view()),
                .protocol = &protocol_of_refusal(exchange, sessions_)});
        return;
    }
    auto classified = document.is_array()
                          ? std::unexpected(Refusal{.status = 400,
                                                    .error = {.code = rpc_code::invalid_request,
                                                              .message = no_batches_text,
                                                              .subject = {},
                                                              .detail = {},
                                                              .id = {}},
                                                    .protocol = old.session->protocol})
                          : classify(document, standard_headers(exchange.request()),
                                     *old.session->protocol, exchange.arena());
    if (!classified) {
        refuse(exchange, classified.error());
        return;
    }
    const RpcMessage& message = classified->message;
    if (message.kind == RpcMessage::Kind::response) {
        on_client_answer(exchange, message, old.session);
        return;
    }
    Caller caller{.principal = exchange.principal().get(),
                  .protocol = classified->protocol,
                  // The stream is the session before it is initialized, so that may come in it.
                  .session = message.method == "initialize" ? nullptr : old.session,
                  .envelope = classified->envelope};
    if (caller.protocol->is_stateless) {  // knows no such stream
        caller.session = nullptr;
        on_call(exchange, {.message = message, .caller = caller, .old_stream = nullptr});
        return;
    }
    caller.envelope.capabilities = old.session->capabilities;
    if (message.method == "initialize") {
        const Json* params = message.params;
        sessions_.states.set_capabilities(
            old.session->nonce,
            read_capabilities(params == nullptr ? nullptr : params->find("capabilities")));
    }
    on_call(exchange, {.message = message, .caller = caller, .old_stream = old.stream});
}

void StreamableHttp::accept_old(http::Exchange& exchange, bool close) {
    http::Response accepted;
    accepted.status = 202;
    accepted.content_type = {};
    accepted.close = close;
    exchange.respond(std::move(accepted));
}

void StreamableHttp::tell_old(http::Exchange& exchange, const EventStreams::StreamPtr& stream,
                              const RpcMessage& message, Reply&& reply) {
    exchange.notes().is_error = reply.is_error;
    if (!reply.body.empty() && sessions_.streams.append(stream, reply.body.to_string()) == 0) {
        const Reply too_large = error_reply(
            200,
            {.code = rpc_code::internal_error,
             .message = "the result is too large for this transport; use Streamable HTTP",
             .subject = {},
             .detail = {},
             .id = message.id},
            default_protocol());
        sessions_.streams.append(stream, too_large.body.to_string());
    }
}

}  // namespace fluxgate::rpc
