#include "rpc/old_endpoint.h"

#include "rpc/big_endian.h"
#include "rpc/payload_bytes.h"

namespace fluxgate::rpc {

namespace {

// version | principal | stream | session
constexpr uint8_t payload_version = 1;
constexpr size_t principal_at = 1;
constexpr size_t stream_at = principal_at + sizeof(PrincipalDigest);
constexpr size_t session_at = stream_at + sizeof(StreamId);
constexpr size_t payload_bytes = session_at + sizeof(SessionNonce);

}  // namespace

std::string make_old_endpoint(const Signer& signer, const PrincipalDigest& principal,
                              const OldEndpoint& endpoint) {
    std::string payload;
    payload.reserve(payload_bytes);
    payload += static_cast<char>(payload_version);
    payload += as_text(principal);
    payload += BigEndian(endpoint.stream).view();
    payload += as_text(endpoint.session);
    return signer.sign(Purpose::sse_endpoint, payload);
}

std::optional<OldEndpoint> read_old_endpoint(const Signer& signer, const PrincipalDigest& principal,
                                             std::string_view text) {
    const std::optional<std::string> payload = signer.verify(Purpose::sse_endpoint, text);
    if (!payload || payload->size() != payload_bytes) return std::nullopt;
    const std::string_view fields = *payload;
    if (static_cast<uint8_t>(fields.front()) != payload_version) return std::nullopt;
    if (fields.substr(principal_at, principal.size()) != as_text(principal)) return std::nullopt;
    OldEndpoint endpoint{.stream = from_big_endian<StreamId>(fields.substr(stream_at)),
                         .session = {}};
    copy_bytes(fields, session_at, endpoint.session);
    return endpoint;
}

}  // namespace fluxgate::rpc
