// Ids of events on resumable streams: signed values, so that Last-Event-ID leads to nobody else's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rpc/event_streams.h"
#include "rpc/signed_value.h"

namespace fluxgate::rpc {

struct EventId {
    EventStreams::Kind kind = EventStreams::Kind::answer;
    StreamId stream = 0;
    uint32_t number = 0;  // 0: before the first event
    SessionNonce session{};
};

[[nodiscard]] std::string make_event_id(const Signer& signer, const EventId& id);
[[nodiscard]] std::optional<EventId> read_event_id(const Signer& signer, std::string_view text);

}  // namespace fluxgate::rpc
