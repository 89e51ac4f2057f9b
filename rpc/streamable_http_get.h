// GET /mcp, a stream of what the server says unasked, and DELETE /mcp, the end of a session. Legacy
// revisions only: 2026-07-28 has neither and gets 405.
//
//   GET with Mcp-Session-Id                    the session's stream (2025-03-26 to 2025-11-25)
//   GET with Last-Event-ID too                 the rest of that stream, from there on
//   GET without, and no MCP-Protocol-Version   2024-11-05's transport: an `endpoint` event first
#pragma once

#include <string>

#include "http/exchange.h"
#include "rpc/sessions.h"
#include "rpc/streamable_http_session.h"

namespace fluxgate::rpc {

class StreamableHttpGet final : public http::Handler {
public:
    // `sessions` outlives it.
    explicit StreamableHttpGet(Sessions* sessions) : sessions_(*sessions) {}
    void on_request(http::Exchange& exchange) override;

private:
    void resume(http::Exchange& exchange, const Session& session);
    // `has_missed`: the client was told things on a stream that is gone.
    void open_stream(http::Exchange& exchange, const Session& session, uint32_t after,
                     bool has_missed);
    void open_old_transport(http::Exchange& exchange);

    Sessions& sessions_;
};

class StreamableHttpDelete final : public http::Handler {
public:
    struct Options {
        int64_t session_timeout_s = 3600;
    };
    StreamableHttpDelete(const Options& options, Sessions* sessions)
        : options_(options), sessions_(*sessions) {}
    void on_request(http::Exchange& exchange) override;

private:
    Options options_;
    Sessions& sessions_;
};

}  // namespace fluxgate::rpc
