// What a connection does that carries a stream of events: takes what is new, writes it, says every
// 15 s that it is there, and ends when the stream or the peer does, or when the caller's credential
// no longer holds, which is asked as often.
#pragma once

#include <string>

#include "http/exchange.h"
#include "loop/task.h"
#include "rpc/sessions.h"

namespace fluxgate::rpc {

inline constexpr loop::Duration keep_alive_every = std::chrono::seconds(15);
inline constexpr uint32_t retry_ms = 1'000;  // after which a client comes back for the rest
// Retry-After where there is no room for one more stream: those that nobody came back to are looked
// for as often.
inline constexpr int streams_full_retry_s = 5;

struct EventCarrier {
    EventStreams::StreamPtr stream;
    EventStreams::Kind kind = EventStreams::Kind::session;
    StreamId id = 0;
    uint32_t after = 0;      // begins behind this event
    SessionNonce session{};  // signed into event ids, where the kind has them
    bool has_ids = false;
    bool is_primed = false;  // begins with an event without data
    std::string first;       // written at once: whole frames, or empty
    std::string last;        // the data of a last event when the server ends the stream, or empty
};

// Answers `exchange` with the stream, in its scope. Cancelled when the peer goes.
[[nodiscard]] loop::Task<void> carry_events(http::Exchange* exchange, Sessions* sessions,
                                            EventCarrier carrier);

// Random and not 0.
[[nodiscard]] StreamId new_stream_id(loop::Loop& loop);

}  // namespace fluxgate::rpc
