#include "rpc/session_id.h"

#include "loop/check.h"
#include "rpc/big_endian.h"
#include "rpc/payload_bytes.h"

namespace fluxgate::rpc {

namespace {

// version | revision | capabilities | principal | issued | nonce
constexpr uint8_t payload_version = 1;
constexpr size_t revision_at = 1;
constexpr size_t capabilities_at = revision_at + sizeof(uint32_t);
constexpr size_t principal_at = capabilities_at + 1;
constexpr size_t issued_at = principal_at + sizeof(PrincipalDigest);
constexpr size_t nonce_at = issued_at + sizeof(uint64_t);
constexpr size_t payload_bytes = nonce_at + sizeof(SessionNonce);
// v1. + 56 + . + 22 characters; clients and proxies take up to 128
static_assert(payload_bytes == 42 && session_id_bytes == 82);

// 20250618 for "2025-06-18": says the same in every release, whatever became of the table.
uint32_t date_of(std::string_view name) {
    uint32_t date = 0;
    for (const char character : name) {
        if (character != '-') date = date * 10 + static_cast<uint32_t>(character - '0');
    }
    return date;
}

const Protocol* find_by_date(uint32_t date) {
    for (const Protocol& protocol : all_protocols()) {
        if (!protocol.is_stateless && date_of(protocol.name) == date) return &protocol;
    }
    return nullptr;
}

}  // namespace

SessionIds::SessionIds(const Signer* signer, const Options& options)
    : signer_(*signer), options_(options) {
    FLUX_CHECK_OP(options.timeout_s, >, 0);
}

std::string SessionIds::make(const Session& session) const {
    FLUX_CHECK(session.protocol != nullptr && !session.protocol->is_stateless);
    FLUX_CHECK_OP(session.issued_s, >=, 0);
    std::string payload;
    payload.reserve(payload_bytes);
    payload += static_cast<char>(payload_version);
    payload += BigEndian(date_of(session.protocol->name)).view();
    payload += static_cast<char>(session.capabilities.bits());
    payload += as_text(session.principal);
    payload += BigEndian(static_cast<uint64_t>(session.issued_s)).view();
    payload += as_text(session.nonce);
    std::string id = signer_.sign(Purpose::session, payload);
    FLUX_CHECK_OP(id.size(), ==, session_id_bytes);
    return id;
}

std::optional<Session> SessionIds::read(std::string_view id, int64_t now_s) const {
    if (id.size() != session_id_bytes) return std::nullopt;
    std::array<char, payload_bytes> buffer;
    const auto payload = signer_.verify_into(Purpose::session, id, buffer);
    if (!payload || payload->size() != payload_bytes) return std::nullopt;
    if (static_cast<uint8_t>(payload->front()) != payload_version) return std::nullopt;
    Session session;
    session.issued_s = static_cast<int64_t>(from_big_endian<uint64_t>(payload->substr(issued_at)));
    if (!is_current(session, now_s)) return std::nullopt;
    session.protocol = find_by_date(from_big_endian<uint32_t>(payload->substr(revision_at)));
    if (session.protocol == nullptr) return std::nullopt;
    session.capabilities = ClientCapabilities(static_cast<uint8_t>((*payload)[capabilities_at]));
    copy_bytes(*payload, principal_at, session.principal);
    copy_bytes(*payload, nonce_at, session.nonce);
    return session;
}

bool SessionIds::is_current(const Session& session, int64_t now_s) const {
    return session.issued_s >= 0 && session.issued_s <= now_s + clock_skew_s_max &&
           now_s - session.issued_s < options_.timeout_s;
}

bool SessionIds::is_due_for_renewal(const Session& session, int64_t now_s) const {
    const int64_t half_s = options_.timeout_s - options_.timeout_s / 2;
    return now_s - session.issued_s >= half_s;
}

}  // namespace fluxgate::rpc
