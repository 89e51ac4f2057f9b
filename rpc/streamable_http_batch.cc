// JSON-RPC batches, which only revision 2025-03-26 has: at most batch_messages_max messages,
// answered as one array in their order. The tool calls in it run at the same time, so PostgreSQL
// sees them together.
#include <algorithm>
#include <utility>
#include <vector>

#include "http/rate_limit.h"
#include "rpc/streamable_http.h"

namespace fluxgate::rpc {

namespace {

RpcError batch_error(std::string_view text) {
    return {
        .code = rpc_code::invalid_request, .message = text, .subject = {}, .detail = {}, .id = {}};
}

}  // namespace

void StreamableHttp::on_batch(http::Exchange& exchange, const Json& document,
                              const Protocol* stated) {
    const Protocol& protocol = stated == nullptr ? default_protocol() : *stated;
    exchange.notes().rpc_method = "batch";
    if (stated == nullptr) {
        refuse(exchange, 400, unsupported_version(exchange, {}), protocol);
        return;
    }
    if (!protocol.batches) {
        refuse(exchange, 400, batch_error("batching is not supported"), protocol);
        return;
    }
    if (document.count == 0 || document.count > batch_messages_max) {
        refuse(exchange, 400, batch_error("Invalid Request: a batch has 1 to 50 messages"),
               protocol);
        return;
    }
    const bool has_initialize = [&document] {
        for (const Json* entry = document.first; entry != nullptr; entry = entry->next) {
            const Json* method = entry->find("method");
            if (method != nullptr && method->is_string() && method->text == "initialize")
                return true;
        }
        return false;
    }();
    if (has_initialize) {
        refuse(exchange, 400, batch_error("Invalid Request: initialize can not be in a batch"),
               protocol);
        return;
    }
    if (document.count > 1) {  // http/rate_limit has counted one
        const int retry_after_s = http::RateLimit::take(exchange, document.count - 1);
        if (retry_after_s > 0) {
            RpcError error = batch_error("rate limit exceeded");
            error.code = rpc_code::too_many_requests;
            Reply reply = error_reply(429, error, protocol);
            reply.retry_after_s = retry_after_s;
            send(exchange, std::move(reply));
            return;
        }
    }
    exchange.scope().spawn("batch", run_batch(&exchange, &document, &protocol));
}

loop::Task<void> StreamableHttp::run_batch(http::Exchange* exchange, const Json* document,
                                           const Protocol* protocol) {
    const Caller caller{.principal = exchange->principal().get(), .protocol = protocol};
    loop::Scope scope(&exchange->loop(), &exchange->scope());
    std::vector<Entry> entries(document->count);
    size_t valid = 0;
    size_t at = 0;
    for (const Json* item = document->first; item != nullptr; item = item->next) {
        Entry& entry = entries[at++];
        const auto message = read_message(*item);
        if (!message) {
            entry.answer.reply = error_reply(400, message.error(), *protocol);
            continue;
        }
        ++valid;
        entry.message = *message;
        if (message->kind == RpcMessage::Kind::response) continue;
        entry.answer = dispatcher_.answer(*message, caller);
        if (entry.answer.tool != nullptr) {
            scope.spawn("tools/call", run_entry(exchange, &entry, &scope, caller));
        }
    }
    co_await scope.join();
    note_entries(entries, exchange->notes());

    Reply whole;
    if (valid == 0) {  // not one message: this is no batch of MCP
        whole = error_reply(400, batch_error("Invalid Request"), *protocol);
    } else {
        join_entries(entries, whole);
    }
    send(*exchange, std::move(whole));
}

// Entries without an answer (notifications, responses) leave nothing; if all are such, it is a 202.
void StreamableHttp::join_entries(std::span<Entry> entries, Reply& whole) {
    for (Entry& entry : entries) {
        if (entry.answer.reply.body.empty()) continue;
        whole.is_error |= entry.answer.reply.is_error;
        whole.body.append(whole.body.empty() ? '[' : ',');
        whole.body.append_chain(std::move(entry.answer.reply.body));
    }
    if (whole.body.empty()) {
        whole.status = 202;
    } else {
        whole.body.append(']');
    }
}

// One line of the access log stands for all: their times in PostgreSQL add up, and the first
// SQLSTATE shows.
void StreamableHttp::note_entries(std::span<const Entry> entries, http::ExchangeNotes& notes) {
    for (const Entry& entry : entries) {
        notes.queue_us += entry.notes.queue_us;
        notes.db_us += entry.notes.db_us;
        if (notes.sqlstate.empty()) notes.sqlstate = entry.notes.sqlstate;
    }
}

loop::Task<void> StreamableHttp::run_entry(http::Exchange* exchange, Entry* entry,
                                           loop::Scope* scope, Caller caller) {
    const ToolRequest request{.tool = entry->answer.tool,
                              .message = entry->message,
                              .caller = caller,
                              .scope = scope,
                              .arena = &exchange->arena(),
                              .notes = &entry->notes};
    loop::Task<Reply> task = dispatcher_.call(request);
    entry->answer.reply = co_await std::move(task);
}

}  // namespace fluxgate::rpc
