#include "rpc/streamable_http.h"

#include <charconv>
#include <optional>
#include <utility>

#include "http/media_type.h"
#include "rpc/json_writer.h"
#include "rpc/old_endpoint.h"
#include "rpc/streamable_http_answer.h"

namespace fluxgate::rpc {

namespace {

using http::Field;

// The raw token of a notification's requestId, as the request's own id came; empty: no id.
std::string_view request_token(const Json& id, loop::Arena& arena) {
    if (id.text.size() > id_bytes_max) return {};
    if (id.is_number()) return id.text;
    if (!id.is_string()) return {};
    loop::BlockChain token;
    JsonWriter<Escape::once> json(token);
    json.string(id.text);
    return arena.copy(token.to_string());
}

void note(http::ExchangeNotes& notes, const Job& job, const CallNotes& call) {
    if (job.tool != nullptr) notes.tool = job.tool->info().name;
    notes.sqlstate = call.sqlstate;
    notes.queue_us = call.queue_us;
    notes.db_us = call.db_us;
}

Refusal param_mismatch(const ParamHeader& wrong, const RpcMessage& message, loop::Arena& arena) {
    return {.status = 400,
            .error = {.code = rpc_code::header_mismatch,
                      .message = arena.join({"Header mismatch: `", wrong.field,
                                             "` must repeat its argument of this call"}),
                      .subject = {},
                      .detail = {},
                      .id = message.id},
            .protocol = &stateless_protocol()};
}

}  // namespace

StreamableHttp::StreamableHttp(Options options, Dispatcher* dispatcher, Sessions* sessions)
    : options_(std::move(options)),
      dispatcher_(*dispatcher),
      sessions_(*sessions),
      reader_(options_.message_bytes_max) {
}

http::Next StreamableHttp::on_head(http::Exchange& exchange) {
    const http::Request& request = exchange.request();
    RpcError error{
        .code = rpc_code::server_error, .message = {}, .subject = {}, .detail = {}, .id = {}};
    if (request.known_count[static_cast<size_t>(Field::content_type)] != 1 ||
        !http::is_json_type(request.get(Field::content_type))) {
        error.message = "Unsupported Media Type: Content-Type must be application/json";
        refuse(
            exchange,
            {.status = 415, .error = error, .protocol = &protocol_of_refusal(exchange, sessions_)});
        return http::Next::answered;
    }
    if (!http::accepts_answer(request)) {
        error.message = "Not Acceptable: answers are application/json (or text/event-stream) only";
        refuse(
            exchange,
            {.status = 406, .error = error, .protocol = &protocol_of_refusal(exchange, sessions_)});
        return http::Next::answered;
    }
    return http::Next::proceed;
}

void StreamableHttp::on_request(http::Exchange& exchange) {
    const http::Request& request = exchange.request();
    const auto document = reader_.read(request.body, exchange.arena());
    if (!document) {
        refuse(exchange, {.status = 400,
                          .error = to_rpc_error(document.error()),
                          .protocol = &protocol_of_refusal(exchange, sessions_)});
        return;
    }
    if (request.query.starts_with(old_transport_query)) {
        on_old_message(exchange, **document);
        return;
    }
    const FoundSession found = find_session(exchange, sessions_);
    if ((*document)->is_array()) {
        on_batch(exchange, **document, found);
    } else {
        on_message(exchange, **document, found);
    }
}

void StreamableHttp::on_message(http::Exchange& exchange, const Json& document,
                                const FoundSession& found) {
    const Session* session = found.session;
    const Protocol& assumed = session == nullptr ? default_protocol() : *session->protocol;
    auto classified =
        classify(document, headers_in(session, exchange.request()), assumed, exchange.arena());
    if (!classified) {
        refuse(exchange, classified.error());
        return;
    }
    const RpcMessage& message = classified->message;
    Caller caller{.principal = exchange.principal().get(),
                  .protocol = classified->protocol,
                  .session = nullptr,
                  .envelope = classified->envelope};
    if (!caller.protocol->is_stateless) {
        if (found.kind == FoundSession::Kind::gone && message.method != "initialize") {
            refuse(exchange, {.status = 404,
                              .error = session_gone(message.request_id()),
                              .protocol = caller.protocol});
            return;
        }
        caller.session = session;
        if (session != nullptr) {
            caller.envelope.capabilities = session->capabilities;
            renew_session(exchange, sessions_, *session);
        }
    }
    if (message.kind == RpcMessage::Kind::response) {
        on_client_answer(exchange, message, session);
        return;
    }
    on_call(exchange, {.message = message, .caller = caller, .old_stream = nullptr});
}

void StreamableHttp::on_client_answer(http::Exchange& exchange, const RpcMessage& message,
                                      const Session* session) {
    exchange.notes().rpc_method = "response";
    if (const std::string_view id = expected_id(message, session); !id.empty()) {
        // False: another core was faster. Taken and ignored, as an answer that comes too late is.
        (void)sessions_.answers.deliver(id, session->nonce, std::string(exchange.request().body));
    }
    Reply accepted;
    accepted.status = 202;
    send(exchange, std::move(accepted));
}

std::string_view StreamableHttp::expected_id(const RpcMessage& message, const Session* session) {
    std::string_view id = message.id;
    if (session == nullptr || id.size() <= 2 || id.front() != '"') return {};
    id = id.substr(1, id.size() - 2);
    return sessions_.answers.is_expected(id, session->nonce) ? id : std::string_view();
}

void StreamableHttp::on_call(http::Exchange& exchange, Incoming incoming) {
    const RpcMessage& message = incoming.message;
    Answer answer = dispatcher_.answer(message, incoming.caller, exchange.arena());
    exchange.notes().rpc_method = answer.method;
    heed_cancelled(exchange, message, incoming.caller.session);
    if (answer.is_listen) {
        on_listen(exchange, message, incoming.caller);
        return;
    }
    if (answer.job.kind == Job::Kind::none) {
        if (incoming.old_stream != nullptr) {
            tell_old(exchange, incoming.old_stream, message, std::move(answer.reply));
            accept_old(exchange, false);
            return;
        }
        if (answer.reply.agreed) {
            open_session(exchange, sessions_,
                         {.protocol = answer.reply.agreed->protocol,
                          .capabilities = answer.reply.agreed->capabilities,
                          .principal = {},
                          .issued_s = 0,
                          .nonce = {}});
        }
        send(exchange, std::move(answer.reply));
        return;
    }
    if (incoming.caller.protocol->is_stateless) {
        if (const ParamHeader* wrong = find_mismatch(exchange, answer.job); wrong != nullptr) {
            refuse(exchange, param_mismatch(*wrong, message, exchange.arena()));
            return;
        }
        exchange.cancel_on_disconnect();
    }
    // Clients of the old transport post one message at a time: what answers or cancels this call
    // comes behind the 202. A connection that is kept would be the call's until it ends, so it
    // closes.
    if (incoming.old_stream != nullptr) accept_old(exchange, true);
    exchange.scope().spawn("call", run_call(&exchange, std::move(incoming), answer.job));
}

void StreamableHttp::heed_cancelled(http::Exchange& exchange, const RpcMessage& message,
                                    const Session* session) {
    if (session == nullptr || message.kind != RpcMessage::Kind::notification ||
        message.method != "notifications/cancelled") {
        return;
    }
    const Json* id = message.params == nullptr ? nullptr : message.params->find("requestId");
    if (id == nullptr) return;
    const std::string_view token = request_token(*id, exchange.arena());
    if (!token.empty()) sessions_.cancel(exchange.loop().core(), session->nonce, token);
}

// Null: the head repeats what it must.
const ParamHeader* StreamableHttp::find_mismatch(http::Exchange& exchange, const Job& job) const {
    const std::span<const ParamHeader> headers = dispatcher_.param_headers(job);
    if (headers.empty()) return nullptr;
    const auto sent = exchange.request().fields;
    const std::span<FieldView> fields = exchange.arena().array<FieldView>(sent.size());
    for (size_t i = 0; i < sent.size(); ++i)
        fields[i] = {.name = sent[i].name, .value = sent[i].value};
    return find_param_mismatch(headers, job.arguments, fields);
}

loop::Task<void> StreamableHttp::run_call(http::Exchange* exchange, Incoming incoming, Job job) {
    const Caller& caller = incoming.caller;
    CallNotes notes;
    loop::Scope scope(&exchange->loop(), &exchange->scope());
    std::optional<InFlight::Call> in_flight;
    if (caller.session != nullptr) {
        in_flight.emplace(caller.session->nonce, incoming.message.id, &scope);
        sessions_.core(exchange->loop().core()).in_flight.add(*in_flight);
    }
    CallAnswer answer({.exchange = exchange,
                       .sessions = &sessions_,
                       .reader = &reader_,
                       .caller = caller,
                       .scope = &scope,
                       .can_stream = http::accepts_events(exchange->request()),
                       .old_stream = incoming.old_stream,
                       .id = incoming.message.id});
    if (!caller.envelope.progress_token.empty()) answer.start();
    const CallRequest request{.job = job,
                              .message = incoming.message,
                              .caller = caller,
                              .link = &answer,
                              .scope = &scope,
                              .arena = &exchange->arena(),
                              .notes = &notes};
    loop::Task<Reply> task = dispatcher_.call(request);
    Reply reply = co_await std::move(task);
    co_await answer.stop();
    note(exchange->notes(), job, notes);
    const bool is_cancelled = answer.is_refused() || (in_flight && in_flight->is_cancelled());
    in_flight.reset();
    if (is_cancelled) {  // the client wants no answer any more
        if (answer.is_streaming()) {
            answer.abandon();
            co_return;
        }
        reply = error_reply(200,
                            {.code = rpc_code::server_error,
                             .message = "Request cancelled",
                             .subject = {},
                             .detail = {},
                             .id = incoming.message.id},
                            *caller.protocol);
    }
    if (incoming.old_stream != nullptr) {
        if (is_cancelled) reply.body.clear();
        tell_old(*exchange, incoming.old_stream, incoming.message, std::move(reply));
    } else if (answer.is_streaming()) {
        exchange->notes().is_error = reply.is_error;
        co_await answer.finish(&reply.body);
    } else {
        send(*exchange, std::move(reply));
    }
}

void StreamableHttp::refuse(http::Exchange& exchange, const Refusal& refusal) {
    send(exchange, error_reply(refusal.status, refusal.error, *refusal.protocol));
}

void StreamableHttp::send(http::Exchange& exchange, Reply&& reply) {
    loop::Arena& arena = exchange.arena();
    exchange.notes().is_error = reply.is_error;
    http::Response response;
    response.status = reply.status;
    if (reply.body.empty()) response.content_type = {};  // 202
    response.body = std::move(reply.body);
    if (reply.retry_after_s > 0) {
        char digits[12];
        const auto end = std::to_chars(digits, digits + sizeof digits, reply.retry_after_s).ptr;
        response.add("Retry-After", arena.copy({digits, static_cast<size_t>(end - digits)}));
    }
    if (!reply.missing_scopes.empty()) {
        std::string challenge = R"(Bearer error="insufficient_scope", scope=")";
        for (const std::string& scope : reply.missing_scopes) {
            if (challenge.back() != '"') challenge += ' ';
            challenge += scope;
        }
        challenge += '"';
        if (!options_.resource_metadata_url.empty()) {
            challenge += R"(, resource_metadata=")" + options_.resource_metadata_url + '"';
        }
        response.add("WWW-Authenticate", arena.copy(challenge));
    }
    exchange.respond(std::move(response));
}

}  // namespace fluxgate::rpc
