#include "rpc/streamable_http_get.h"

#include <utility>

#include "http/media_type.h"
#include "http/sse.h"
#include "rpc/event_id.h"
#include "rpc/list_changed.h"
#include "rpc/old_endpoint.h"
#include "rpc/reply.h"
#include "rpc/streamable_http_events.h"

namespace fluxgate::rpc {

namespace {

using http::Field;

void refuse(http::Exchange& exchange, Sessions& sessions, uint16_t status, const RpcError& error) {
    Reply reply = error_reply(status, error, protocol_of_refusal(exchange, sessions));
    http::Response response;
    response.status = status;
    response.body = std::move(reply.body);
    if (status == 405) response.add("Allow", "POST, OPTIONS");
    const std::string retry_after = std::to_string(streams_full_retry_s);
    if (status == 503) response.add("Retry-After", retry_after);
    exchange.notes().is_error = true;
    exchange.respond(std::move(response));
}

void refuse(http::Exchange& exchange, Sessions& sessions, uint16_t status, int code,
            std::string_view text) {
    refuse(exchange, sessions, status,
           {.code = code, .message = text, .subject = {}, .detail = {}, .id = {}});
}

// The revisions that have GET and DELETE are served; null: answered.
bool is_legacy(http::Exchange& exchange, Sessions& sessions) {
    const Protocol* stated = find_protocol(exchange.request().get(Field::mcp_protocol_version));
    if (stated != nullptr && stated->is_stateless) {
        refuse(exchange, sessions, 405, rpc_code::server_error,
               "Method Not Allowed: revision 2026-07-28 has POST only");
        return false;
    }
    if (stated == nullptr && exchange.request().has(Field::mcp_protocol_version)) {
        refuse(exchange, sessions, 400, rpc_code::server_error,
               "Bad Request: MCP-Protocol-Version is not served");
        return false;
    }
    return true;
}

// What a session follows is in its state; here is only who listens.
Interest interest_of(http::Exchange& exchange) {
    Interest interest;
    if (exchange.principal() != nullptr) interest.role = exchange.principal()->role;
    return interest;
}

void refuse_gone(http::Exchange& exchange, Sessions& sessions) {
    refuse(exchange, sessions, 404, session_gone({}));
}

}  // namespace

void StreamableHttpGet::on_request(http::Exchange& exchange) {
    if (!is_legacy(exchange, sessions_)) return;
    const http::Request& request = exchange.request();
    if (request.method == http::Method::head) {  // a stream without a body would never end
        refuse(exchange, sessions_, 405, rpc_code::server_error,
               "Method Not Allowed: GET opens a stream");
        return;
    }
    exchange.notes().rpc_method = "stream";
    if (!http::accepts_events(request)) {
        refuse(exchange, sessions_, 406, rpc_code::server_error,
               "Not Acceptable: GET answers with text/event-stream");
        return;
    }
    const FoundSession found = find_session(exchange, sessions_);
    switch (found.kind) {
        case FoundSession::Kind::gone:
            refuse_gone(exchange, sessions_);
            return;
        case FoundSession::Kind::none:
            if (request.has(Field::mcp_protocol_version)) {
                refuse(exchange, sessions_, 405, rpc_code::server_error,
                       "Method Not Allowed: without Mcp-Session-Id there is no stream");
            } else {
                open_old_transport(exchange);
            }
            return;
        case FoundSession::Kind::live:
            renew_session(exchange, sessions_, *found.session);
            if (request.has(Field::last_event_id)) {
                resume(exchange, *found.session);
            } else {
                const auto stream = sessions_.streams.find_session_stream(found.session->nonce);
                open_stream(exchange, *found.session,
                            stream == nullptr ? 0 : sessions_.streams.taken(stream), false);
            }
    }
}

void StreamableHttpGet::resume(http::Exchange& exchange, const Session& session) {
    const auto id = read_event_id(sessions_.signer, exchange.request().get(Field::last_event_id));
    if (!id || id->session != session.nonce) {
        refuse(exchange, sessions_, 400, rpc_code::server_error,
               "Bad Request: Last-Event-ID is none of this session's");
        return;
    }
    EventStreams::StreamPtr stream = sessions_.streams.find(id->stream, session.nonce);
    if (id->kind == EventStreams::Kind::session) {
        // A stream that is kept no longer begins anew.
        open_stream(exchange, session, stream == nullptr ? 0 : id->number, stream == nullptr);
        return;
    }
    if (stream == nullptr) {
        refuse(exchange, sessions_, 404, rpc_code::server_error,
               "Not Found: what followed that event is kept no longer");
        return;
    }
    EventCarrier carrier{.stream = std::move(stream),
                         .kind = id->kind,
                         .id = id->stream,
                         .after = id->number,
                         .session = session.nonce,
                         .has_ids = true,
                         .is_primed = session.protocol->stream_priming,
                         .first = {},
                         .last = {}};
    exchange.scope().spawn("stream", carry_events(&exchange, &sessions_, std::move(carrier)));
}

void StreamableHttpGet::open_stream(http::Exchange& exchange, const Session& session,
                                    uint32_t after, bool has_missed) {
    EventCarrier carrier{.stream = sessions_.streams.find_session_stream(session.nonce),
                         .kind = EventStreams::Kind::session,
                         .id = 0,
                         .after = after,
                         .session = session.nonce,
                         .has_ids = true,
                         .is_primed = session.protocol->stream_priming,
                         .first = {},
                         .last = {}};
    if (carrier.stream == nullptr) {
        carrier.after = 0;
        carrier.stream =
            sessions_.streams.open(EventStreams::Kind::session, new_stream_id(exchange.loop()),
                                   session.nonce, interest_of(exchange), exchange.loop().now());
        if (carrier.stream == nullptr) {
            refuse(exchange, sessions_, 503, 503, "too many streams are open, try again later");
            return;
        }
        // What changed while nobody here knew the session: after a restart, on another instance, or
        // longer than what it missed is kept.
        if (has_missed || !sessions_.is_of_this_process(session.nonce)) {
            sessions_.streams.append(carrier.stream, tools_list_changed({}));
            sessions_.streams.append(carrier.stream, prompts_list_changed({}));
            sessions_.streams.append(carrier.stream, resources_list_changed({}));
        }
    }
    carrier.id = EventStreams::id_of(carrier.stream);
    exchange.scope().spawn("stream", carry_events(&exchange, &sessions_, std::move(carrier)));
}

void StreamableHttpGet::open_old_transport(http::Exchange& exchange) {
    const StreamId id = new_stream_id(exchange.loop());
    const SessionNonce session = sessions_.new_nonce(exchange.loop().entropy());
    EventCarrier carrier;
    carrier.kind = EventStreams::Kind::old_transport;
    carrier.stream = sessions_.streams.open(carrier.kind, id, session, interest_of(exchange),
                                            exchange.loop().now());
    if (carrier.stream == nullptr) {
        refuse(exchange, sessions_, 503, 503, "too many streams are open, try again later");
        return;
    }
    carrier.id = id;
    const std::string address =
        std::string(exchange.request().path) + "?" + std::string(old_transport_query) +
        make_old_endpoint(sessions_.signer, digest_of(exchange.principal().get()),
                          {.stream = id, .session = session});
    loop::BlockChain first;
    http::append_event(first, {.name = "endpoint", .id = {}}, address);
    carrier.first = first.to_string();
    exchange.scope().spawn("stream", carry_events(&exchange, &sessions_, std::move(carrier)));
}

void StreamableHttpDelete::on_request(http::Exchange& exchange) {
    if (!is_legacy(exchange, sessions_)) return;
    exchange.notes().rpc_method = "end_session";
    const FoundSession found = find_session(exchange, sessions_);
    switch (found.kind) {
        case FoundSession::Kind::none:
            refuse(exchange, sessions_, 400, rpc_code::server_error,
                   "Bad Request: DELETE ends the session that Mcp-Session-Id names");
            return;
        case FoundSession::Kind::gone:
            refuse_gone(exchange, sessions_);
            return;
        case FoundSession::Kind::live: {
            const SessionNonce& nonce = found.session->nonce;
            // A renewed id may live a whole time longer.
            const int64_t now_s = loop::unix_seconds(exchange.loop().wall_now());
            sessions_.states.revoke(nonce, now_s + options_.session_timeout_s, now_s);
            sessions_.cancel_all(exchange.loop().core(), nonce);
            sessions_.streams.end_session(nonce, exchange.loop().now());
            http::Response ended;
            ended.content_type = {};
            exchange.respond(std::move(ended));
        }
    }
}

}  // namespace fluxgate::rpc
