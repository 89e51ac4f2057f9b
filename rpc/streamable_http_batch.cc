// JSON-RPC batches, which only revision 2025-03-26 has: at most batch_messages_max messages,
// answered as one array in their order. The tool calls in it run at the same time, so PostgreSQL
// sees them together.
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "http/rate_limit.h"
#include "rpc/json_writer.h"
#include "rpc/streamable_http.h"

namespace fluxgate::rpc {

namespace {

RpcError batch_error(std::string_view text) {
    return {
        .code = rpc_code::invalid_request, .message = text, .subject = {}, .detail = {}, .id = {}};
}

// Nothing can be told before the array is there.
class SilentLink final : public CallLink {
public:
    [[nodiscard]] loop::Task<void> progress(double, double, std::string_view) override {
        co_return;
    }
    [[nodiscard]] loop::Task<void> log(LogLevel, std::string_view, std::string_view) override {
        co_return;
    }
    [[nodiscard]] loop::Task<void> hang_up() override { co_return; }
    [[nodiscard]] loop::Task<std::expected<const Json*, std::string>> ask(
        loop::Scope*, const InputRequired*) override {
        co_return std::unexpected(std::string("in a batch the client can not be asked"));
    }
};

}  // namespace

void StreamableHttp::on_batch(http::Exchange& exchange, const Json& document,
                              const FoundSession& found) {
    exchange.notes().rpc_method = "batch";
    const Session* session = found.session;
    const Protocol& assumed = session == nullptr ? default_protocol() : *session->protocol;
    const auto protocol = classify_batch(document, headers_in(session, exchange.request()), assumed,
                                         exchange.arena());
    if (!protocol) {
        refuse(exchange, protocol.error());
        return;
    }
    if (found.kind == FoundSession::Kind::gone) {
        refuse(exchange, {.status = 404, .error = session_gone({}), .protocol = *protocol});
        return;
    }
    if (document.count > 1) {  // http/rate_limit has counted one
        const int retry_after_s = http::RateLimit::take(exchange, document.count - 1);
        if (retry_after_s > 0) {
            RpcError error = batch_error("rate limit exceeded");
            error.code = rpc_code::too_many_requests;
            Reply reply = error_reply(429, error, **protocol);
            reply.retry_after_s = retry_after_s;
            send(exchange, std::move(reply));
            return;
        }
    }
    const Caller caller{.principal = exchange.principal().get(),
                        .protocol = *protocol,
                        .session = session,
                        .envelope = {.capabilities = session == nullptr ? ClientCapabilities{}
                                                                        : session->capabilities,
                                     .log_level = std::nullopt,
                                     .progress_token = {}}};
    exchange.scope().spawn("batch", run_batch(&exchange, &document, caller));
}

loop::Task<void> StreamableHttp::run_batch(http::Exchange* exchange, const Json* document,
                                           Caller caller) {
    const Protocol* protocol = caller.protocol;
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
        if (message->kind == RpcMessage::Kind::response) {
            if (const auto id = expected_id(*message, caller.session); !id.empty()) {
                loop::BlockChain text;
                append_json(text, *item);
                (void)sessions_.answers.deliver(id, caller.session->nonce, text.to_string());
            }
            continue;
        }
        entry.answer = dispatcher_.answer(*message, caller, exchange->arena());
        heed_cancelled(*exchange, *message, caller.session);
        if (entry.answer.job.kind != Job::Kind::none) {
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
    SilentLink link;
    loop::Scope own(&exchange->loop(), scope);
    std::optional<InFlight::Call> in_flight;
    if (caller.session != nullptr) {
        in_flight.emplace(caller.session->nonce, entry->message.id, &own);
        sessions_.core(exchange->loop().core()).in_flight.add(*in_flight);
    }
    const CallRequest request{.job = entry->answer.job,
                              .message = entry->message,
                              .caller = caller,
                              .link = &link,
                              .scope = &own,
                              .arena = &exchange->arena(),
                              .notes = &entry->notes};
    loop::Task<Reply> task = dispatcher_.call(request);
    Reply reply = co_await std::move(task);
    const bool is_cancelled = in_flight && in_flight->is_cancelled();
    entry->answer.reply = is_cancelled ? Reply() : std::move(reply);  // nobody wants it any more
}

}  // namespace fluxgate::rpc
