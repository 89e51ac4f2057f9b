// MCP's Streamable HTTP transport as a handler for POST /mcp: one message in, one answer out, as
// JSON or, when there is something to tell before it, as a stream of events.
//
// Order of the checks: media types (head only), JSON, era and envelope (rpc/era), session, method.
// GET and DELETE are in streamable_http_get.h. One a core.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "http/exchange.h"
#include "loop/task.h"
#include "rpc/dispatcher.h"
#include "rpc/era.h"
#include "rpc/json_reader.h"
#include "rpc/sessions.h"
#include "rpc/streamable_http_session.h"

namespace fluxgate::rpc {

class StreamableHttp final : public http::Handler {
public:
    struct Options {
        size_t message_bytes_max = 10'485'760;
        // https://host/.well-known/oauth-protected-resource, for WWW-Authenticate; empty: left out.
        std::string resource_metadata_url;
    };
    // `dispatcher` and `sessions` outlive this.
    StreamableHttp(Options options, Dispatcher* dispatcher, Sessions* sessions);

    [[nodiscard]] http::Next on_head(http::Exchange& exchange) override;
    void on_request(http::Exchange& exchange) override;

private:
    struct Entry {  // of a batch. The answer is there at once, or the job's task fills it
        RpcMessage message;
        Answer answer;
        CallNotes notes;
    };
    // One message on its way to the dispatcher.
    struct Incoming {
        RpcMessage message;
        Caller caller;
        EventStreams::StreamPtr old_stream;  // of 2024-11-05's transport: where answers go
    };

    void on_message(http::Exchange& exchange, const Json& document, const FoundSession& found);
    void on_old_message(http::Exchange& exchange, const Json& document);
    void on_call(http::Exchange& exchange, Incoming incoming);
    void on_client_answer(http::Exchange& exchange, const RpcMessage& message,
                          const Session* session);
    // The id of our own request that a response answers; empty: nobody waits for it (any more).
    // Asked before its text is made, which may have megabytes.
    [[nodiscard]] std::string_view expected_id(const RpcMessage& message, const Session* session);
    // Ends the call that notifications/cancelled names.
    void heed_cancelled(http::Exchange& exchange, const RpcMessage& message,
                        const Session* session);
    [[nodiscard]] const ParamHeader* find_mismatch(http::Exchange& exchange, const Job& job) const;
    void on_listen(http::Exchange& exchange, const RpcMessage& message, const Caller& caller);
    void on_batch(http::Exchange& exchange, const Json& document, const FoundSession& found);
    void refuse(http::Exchange& exchange, const Refusal& refusal);
    void send(http::Exchange& exchange, Reply&& reply);
    // The old transport: 202 for the POST, the message on the stream.
    static void accept_old(http::Exchange& exchange, bool close);
    void tell_old(http::Exchange& exchange, const EventStreams::StreamPtr& stream,
                  const RpcMessage& message, Reply&& reply);
    [[nodiscard]] loop::Task<void> run_call(http::Exchange* exchange, Incoming incoming, Job job);
    [[nodiscard]] loop::Task<void> run_batch(http::Exchange* exchange, const Json* document,
                                             Caller caller);
    [[nodiscard]] loop::Task<void> run_entry(http::Exchange* exchange, Entry* entry,
                                             loop::Scope* scope, Caller caller);
    static void join_entries(std::span<Entry> entries, Reply& whole);
    static void note_entries(std::span<const Entry> entries, http::ExchangeNotes& notes);

    Options options_;
    Dispatcher& dispatcher_;
    Sessions& sessions_;
    JsonReader reader_;
};

}  // namespace fluxgate::rpc
