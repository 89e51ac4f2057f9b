#include "rpc/streamable_http_session.h"

#include <optional>

namespace fluxgate::rpc {

namespace {

using http::Field;

constexpr std::string_view session_field = "Mcp-Session-Id";

void tell(http::Exchange& exchange, const Sessions& sessions, const Session& session) {
    exchange.add_answer_field(session_field, sessions.ids.make(session));
}

// Of this caller's session that has not expired.
std::optional<Session> read_session(http::Exchange& exchange, Sessions& sessions,
                                    std::string_view id) {
    const int64_t now_s = loop::unix_seconds(exchange.loop().wall_now());
    const http::PrincipalPtr& principal = exchange.principal();
    SessionCache& checked = sessions.core(exchange.loop().core()).checked;
    if (const Session* known = checked.find(id, principal); known != nullptr) {
        if (sessions.ids.is_current(*known, now_s)) return *known;
        checked.drop(id);
        return std::nullopt;
    }
    const auto session = sessions.ids.read(id, now_s);
    if (!session || session->principal != digest_of(principal.get())) return std::nullopt;
    checked.keep(id, principal, *session);
    return session;
}

}  // namespace

StandardHeaders standard_headers(const http::Request& request) {
    StandardHeaders headers;
    const auto take = [&](Field field, std::optional<std::string_view>& into) {
        const uint8_t count = request.known_count[static_cast<size_t>(field)];
        if (count == 1) into = request.get(field);
        headers.is_repeated |= count > 1;
    };
    take(Field::mcp_protocol_version, headers.protocol_version);
    take(Field::mcp_method, headers.method);
    take(Field::mcp_name, headers.name);
    return headers;
}

StandardHeaders headers_in(const Session* session, const http::Request& request) {
    StandardHeaders headers = standard_headers(request);
    if (session == nullptr || !headers.protocol_version) return headers;
    const Protocol* stated = find_protocol(*headers.protocol_version);
    if (stated != nullptr && !stated->is_stateless) headers.protocol_version.reset();
    return headers;
}

RpcError session_gone(std::string_view id) {
    return {.code = rpc_code::session_not_found,
            .message = "Session not found: it has expired or ended; initialize again",
            .subject = {},
            .detail = {},
            .id = id};
}

const Protocol& protocol_of_refusal(http::Exchange& exchange, Sessions& sessions) {
    const Protocol* stated = find_protocol(exchange.request().get(Field::mcp_protocol_version));
    if (stated != nullptr && stated->is_stateless) return *stated;
    const Session* session = find_session(exchange, sessions).session;
    if (session != nullptr) return *session->protocol;
    return stated == nullptr ? default_protocol() : *stated;
}

FoundSession find_session(http::Exchange& exchange, Sessions& sessions) {
    const http::Request& request = exchange.request();
    if (!request.has(Field::mcp_session_id)) return {};
    FoundSession found{.kind = FoundSession::Kind::gone, .session = nullptr};
    if (request.known_count[static_cast<size_t>(Field::mcp_session_id)] > 1) return found;
    const auto session = read_session(exchange, sessions, request.get(Field::mcp_session_id));
    if (!session || sessions.states.is_revoked(session->nonce)) return found;
    found.kind = FoundSession::Kind::live;
    found.session = exchange.arena().create<Session>(*session);
    return found;
}

void open_session(http::Exchange& exchange, const Sessions& sessions, Session session) {
    session.principal = digest_of(exchange.principal().get());
    session.issued_s = loop::unix_seconds(exchange.loop().wall_now());
    session.nonce = sessions.new_nonce(exchange.loop().entropy());
    tell(exchange, sessions, session);
}

void renew_session(http::Exchange& exchange, const Sessions& sessions, const Session& session) {
    const int64_t now_s = loop::unix_seconds(exchange.loop().wall_now());
    if (!sessions.ids.is_due_for_renewal(session, now_s)) return;
    Session renewed = session;
    renewed.issued_s = now_s;
    tell(exchange, sessions, renewed);
}

}  // namespace fluxgate::rpc
