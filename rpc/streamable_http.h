// MCP's Streamable HTTP transport as a handler for POST /mcp: one message in, one JSON answer out.
//
// Order of the checks: media types (head only), JSON, shape of the message, revision, method. GET
// and DELETE are not routed here: the router answers 405 with Allow. There are no sessions and no
// streams yet: `initialize` gives no Mcp-Session-Id, and what a later request is held to is what
// its MCP-Protocol-Version says. They hook in where on_request() has read the header. One a core.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "http/exchange.h"
#include "loop/task.h"
#include "rpc/dispatcher.h"
#include "rpc/json_reader.h"

namespace fluxgate::rpc {

class StreamableHttp final : public http::Handler {
public:
    struct Options {
        size_t message_bytes_max = 10'485'760;
        // https://host/.well-known/oauth-protected-resource, for WWW-Authenticate; empty: left out.
        std::string resource_metadata_url;
    };
    // `dispatcher` outlives this.
    StreamableHttp(Options options, Dispatcher* dispatcher);

    [[nodiscard]] http::Next on_head(http::Exchange& exchange) override;
    void on_request(http::Exchange& exchange) override;

private:
    struct Entry {  // of a batch. The answer is there at once, or the tool's task fills it
        RpcMessage message;
        Answer answer;
        ToolNotes notes;
    };

    void on_message(http::Exchange& exchange, const Json& document, const Protocol* stated);
    void on_batch(http::Exchange& exchange, const Json& document, const Protocol* stated);
    void refuse(http::Exchange& exchange, uint16_t status, const RpcError& error,
                const Protocol& protocol);
    void send(http::Exchange& exchange, Reply&& reply);
    [[nodiscard]] loop::Task<void> run_call(http::Exchange* exchange, RpcMessage message,
                                            Caller caller, Tool* tool);
    [[nodiscard]] loop::Task<void> run_batch(http::Exchange* exchange, const Json* document,
                                             const Protocol* protocol);
    [[nodiscard]] loop::Task<void> run_entry(http::Exchange* exchange, Entry* entry,
                                             loop::Scope* scope, Caller caller);
    static void join_entries(std::span<Entry> entries, Reply& whole);
    static void note_entries(std::span<const Entry> entries, http::ExchangeNotes& notes);
    [[nodiscard]] RpcError unsupported_version(http::Exchange& exchange, std::string_view id) const;

    Options options_;
    Dispatcher& dispatcher_;
    JsonReader reader_;
};

}  // namespace fluxgate::rpc
