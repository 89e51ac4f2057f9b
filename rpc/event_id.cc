#include "rpc/event_id.h"

#include <cstring>

namespace fluxgate::rpc {

namespace {

// kind, stream, number, session; integers as this machine has them would do, but instances of two
// kinds may share a key, so they are little-endian.
constexpr size_t payload_bytes = 1 + 8 + 4 + std::tuple_size_v<SessionNonce>;

void put(std::string& out, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i)
        out += static_cast<char>(value >> (8 * i) & 0xFF);
}

uint64_t get(std::string_view from, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; ++i)
        value |= uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
    return value;
}

}  // namespace

std::string make_event_id(const Signer& signer, const EventId& id) {
    std::string payload;
    payload.reserve(payload_bytes);
    put(payload, static_cast<uint64_t>(id.kind), 1);
    put(payload, id.stream, 8);
    put(payload, id.number, 4);
    payload.append(reinterpret_cast<const char*>(id.session.data()), id.session.size());
    return signer.sign(Purpose::event_id, payload);
}

std::optional<EventId> read_event_id(const Signer& signer, std::string_view text) {
    const std::optional<std::string> payload = signer.verify(Purpose::event_id, text);
    if (!payload || payload->size() != payload_bytes) return std::nullopt;
    const std::string_view bytes = *payload;
    const uint64_t kind = get(bytes, 1);
    if (kind > static_cast<uint64_t>(EventStreams::Kind::session)) return std::nullopt;
    EventId id{.kind = static_cast<EventStreams::Kind>(kind),
               .stream = get(bytes.substr(1), 8),
               .number = static_cast<uint32_t>(get(bytes.substr(9), 4)),
               .session = {}};
    std::memcpy(id.session.data(), bytes.data() + 13, id.session.size());
    return id;
}

}  // namespace fluxgate::rpc
