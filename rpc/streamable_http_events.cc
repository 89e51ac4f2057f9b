#include "rpc/streamable_http_events.h"

#include <algorithm>
#include <utility>

#include "http/sse.h"
#include "loop/loop.h"
#include "loop/random.h"
#include "rpc/event_id.h"

namespace fluxgate::rpc {

namespace {

std::string id_of(const Sessions& sessions, const EventCarrier& carrier, uint32_t number) {
    if (!carrier.has_ids) return {};
    return make_event_id(
        sessions.signer,
        {.kind = carrier.kind, .stream = carrier.id, .number = number, .session = carrier.session});
}

// Appends what is new as frames. True: nothing comes behind it.
bool take_frames(EventStreams::Watcher& watcher, const Sessions& sessions,
                 const EventCarrier& carrier, loop::BlockChain& out) {
    const EventStreams::Watcher::Batch batch = watcher.take();
    for (const StreamEvent& event : batch.events) {
        const std::string id = id_of(sessions, carrier, event.number);
        http::append_event(out, {.name = "message", .id = id}, *event.data);
    }
    if (batch.is_over && !carrier.last.empty()) {
        http::append_event(out, {.name = "message", .id = {}}, carrier.last);
    }
    return batch.is_over || batch.is_replaced;
}

}  // namespace

StreamId new_stream_id(loop::Loop& loop) {
    StreamId id = 0;
    while (id == 0)
        loop.entropy().fill(std::as_writable_bytes(std::span(&id, 1)));
    return id;
}

loop::Task<void> carry_events(http::Exchange* exchange, Sessions* sessions, EventCarrier carrier) {
    loop::Loop& loop = exchange->loop();
    EventStreams::Watcher watcher(&sessions->streams, carrier.stream, carrier.after,
                                  &sessions->core(loop.core()).wakes, &loop);
    http::Response head = http::sse_head();
    if (carrier.is_primed) {
        http::append_priming(head.body, id_of(*sessions, carrier, carrier.after), retry_ms);
    }
    head.body.append(carrier.first);
    carrier.first = {};  // streams live long
    exchange->begin_stream(std::move(head));
    exchange->cancel_on_disconnect();
    loop::Instant written_at = loop.now();
    loop::Instant checked_at = written_at;
    for (;;) {
        // Before what is new, and however often there is something new.
        if (loop.now() - checked_at >= keep_alive_every) {
            loop::Task<bool> check = exchange->still_allowed(&exchange->scope());
            const bool is_allowed = co_await std::move(check);
            if (!is_allowed) break;
            checked_at = loop.now();
        }
        // Nothing of the events themselves lives on while this writes and waits.
        loop::BlockChain out;
        const bool is_over = take_frames(watcher, *sessions, carrier, out);
        if (out.empty() && !is_over && loop.now() - written_at >= keep_alive_every) {
            out.append(http::sse_keep_alive);
        }
        if (!out.empty()) {
            const loop::Result<void> written = co_await exchange->write(std::move(out));
            if (!written) break;
            written_at = loop.now();
        }
        if (is_over) break;
        const loop::Instant next = std::min(written_at, checked_at) + keep_alive_every;
        const loop::Result<void> woken = co_await watcher.waiter().wait(
            exchange->scope(), std::max(next - loop.now(), loop::Duration::zero()));
        if (!woken && woken.error().code != loop::ErrorCode::timed_out) break;
    }
    exchange->end_stream();
}

}  // namespace fluxgate::rpc
