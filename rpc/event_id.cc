#include "rpc/event_id.h"

#include "rpc/big_endian.h"
#include "rpc/payload_bytes.h"

namespace fluxgate::rpc {

namespace {

// version | kind | stream | number | session
constexpr uint8_t payload_version = 1;
constexpr size_t kind_at = 1;
constexpr size_t stream_at = kind_at + 1;
constexpr size_t number_at = stream_at + sizeof(StreamId);
constexpr size_t session_at = number_at + sizeof(uint32_t);
constexpr size_t payload_bytes = session_at + sizeof(SessionNonce);

}  // namespace

std::string make_event_id(const Signer& signer, const EventId& id) {
    std::string payload;
    payload.reserve(payload_bytes);
    payload += static_cast<char>(payload_version);
    payload += static_cast<char>(id.kind);
    payload += BigEndian(id.stream).view();
    payload += BigEndian(id.number).view();
    payload += as_text(id.session);
    return signer.sign(Purpose::event_id, payload);
}

std::optional<EventId> read_event_id(const Signer& signer, std::string_view text) {
    const std::optional<std::string> payload = signer.verify(Purpose::event_id, text);
    if (!payload || payload->size() != payload_bytes) return std::nullopt;
    const std::string_view fields = *payload;
    if (static_cast<uint8_t>(fields.front()) != payload_version) return std::nullopt;
    const auto kind = static_cast<uint8_t>(fields[kind_at]);
    if (kind > static_cast<uint8_t>(EventStreams::Kind::session)) return std::nullopt;
    EventId id{.kind = static_cast<EventStreams::Kind>(kind),
               .stream = from_big_endian<StreamId>(fields.substr(stream_at)),
               .number = from_big_endian<uint32_t>(fields.substr(number_at)),
               .session = {}};
    copy_bytes(fields, session_at, id.session);
    return id;
}

}  // namespace fluxgate::rpc
