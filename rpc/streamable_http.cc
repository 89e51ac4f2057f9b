#include "rpc/streamable_http.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "http/media_type.h"

namespace fluxgate::rpc {

namespace {

using http::Field;

bool accepts(const http::Request& request) {
    if (request.known_count[static_cast<size_t>(Field::accept)] <= 1) {
        const std::string_view accept = request.get(Field::accept);
        return accept.empty() || http::accepts_answer(accept);
    }
    // Several fields are one list (RFC 9110 section 5.3).
    return std::ranges::any_of(request.fields, [](const http::HeaderField& field) {
        constexpr std::string_view name = "accept";
        return std::ranges::equal(field.name, name,
                                  [](char sent, char lower) { return (sent | 0x20) == lower; }) &&
               http::accepts_answer(field.value);
    });
}

// Null: a revision that is not served, or several.
const Protocol* stated_protocol(const http::Request& request) {
    if (!request.has(Field::mcp_protocol_version)) return &default_protocol();
    if (request.known_count[static_cast<size_t>(Field::mcp_protocol_version)] > 1) return nullptr;
    return find_protocol(request.get(Field::mcp_protocol_version));
}

void note(http::ExchangeNotes& notes, const Tool* tool, const ToolNotes& call) {
    if (tool != nullptr) notes.tool = tool->info().name;
    notes.sqlstate = call.sqlstate;
    notes.queue_us = call.queue_us;
    notes.db_us = call.db_us;
}

}  // namespace

StreamableHttp::StreamableHttp(Options options, Dispatcher* dispatcher)
    : options_(std::move(options)), dispatcher_(*dispatcher), reader_(options_.message_bytes_max) {
}

http::Next StreamableHttp::on_head(http::Exchange& exchange) {
    const http::Request& request = exchange.request();
    const Protocol* stated = stated_protocol(request);
    const Protocol& protocol = stated == nullptr ? default_protocol() : *stated;
    RpcError error{
        .code = rpc_code::server_error, .message = {}, .subject = {}, .detail = {}, .id = {}};
    if (request.known_count[static_cast<size_t>(Field::content_type)] != 1 ||
        !http::is_json_type(request.get(Field::content_type))) {
        error.message = "Unsupported Media Type: Content-Type must be application/json";
        refuse(exchange, 415, error, protocol);
        return http::Next::answered;
    }
    if (!accepts(request)) {
        error.message = "Not Acceptable: answers are application/json (or text/event-stream) only";
        refuse(exchange, 406, error, protocol);
        return http::Next::answered;
    }
    return http::Next::proceed;
}

void StreamableHttp::on_request(http::Exchange& exchange) {
    const http::Request& request = exchange.request();
    const Protocol* stated = stated_protocol(request);
    const auto document = reader_.read(request.body, exchange.arena());
    if (!document) {
        refuse(exchange, 400, to_rpc_error(document.error()),
               stated == nullptr ? default_protocol() : *stated);
        return;
    }
    if ((*document)->is_array()) {
        on_batch(exchange, **document, stated);
    } else {
        on_message(exchange, **document, stated);
    }
}

void StreamableHttp::on_message(http::Exchange& exchange, const Json& document,
                                const Protocol* stated) {
    const Protocol& protocol = stated == nullptr ? default_protocol() : *stated;
    const auto message = read_message(document);
    if (!message) {
        refuse(exchange, 400, message.error(), protocol);
        return;
    }
    // initialize says in its body what it can; a header of another era must not stop the handshake.
    if (stated == nullptr && message->method != "initialize") {
        refuse(exchange, 400, unsupported_version(exchange, message->id), protocol);
        return;
    }
    if (message->kind == RpcMessage::Kind::response) {  // to no request of ours: taken, ignored
        exchange.notes().rpc_method = "response";
        Reply accepted;
        accepted.status = 202;
        send(exchange, std::move(accepted));
        return;
    }
    const Caller caller{.principal = exchange.principal().get(), .protocol = &protocol};
    Answer answer = dispatcher_.answer(*message, caller);
    exchange.notes().rpc_method = answer.method;
    if (answer.tool == nullptr) {
        send(exchange, std::move(answer.reply));
        return;
    }
    exchange.scope().spawn("tools/call", run_call(&exchange, *message, caller, answer.tool));
}

loop::Task<void> StreamableHttp::run_call(http::Exchange* exchange, RpcMessage message,
                                          Caller caller, Tool* tool) {
    ToolNotes notes;
    const ToolRequest request{.tool = tool,
                              .message = message,
                              .caller = caller,
                              .scope = &exchange->scope(),
                              .arena = &exchange->arena(),
                              .notes = &notes};
    loop::Task<Reply> task = dispatcher_.call(request);
    Reply reply = co_await std::move(task);
    note(exchange->notes(), tool, notes);
    send(*exchange, std::move(reply));
}

void StreamableHttp::refuse(http::Exchange& exchange, uint16_t status, const RpcError& error,
                            const Protocol& protocol) {
    send(exchange, error_reply(status, error, protocol));
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
    if (reply.refused_tool != nullptr) {
        std::string challenge = R"(Bearer error="insufficient_scope", scope=")";
        for (const std::string& scope : reply.refused_tool->scopes) {
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

RpcError StreamableHttp::unsupported_version(http::Exchange& exchange, std::string_view id) const {
    std::string text = "Bad Request: MCP-Protocol-Version is not served; use one of";
    for (const Protocol& protocol : all_protocols()) {
        text += protocol.revision == Revision{} ? " " : ", ";
        text += protocol.name;
    }
    return {.code = rpc_code::server_error,
            .message = exchange.arena().copy(text),
            .subject = {},
            .detail = {},
            .id = id};
}

}  // namespace fluxgate::rpc
