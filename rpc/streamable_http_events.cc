#include "rpc/streamable_http_events.h"

#include <cstring>
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
    bool is_over = false;
    while (!is_over) {
        const EventStreams::Watcher::Batch batch = watcher.take();
        loop::BlockChain out;
        for (const StreamEvent& event : batch.events) {
            const std::string id = id_of(*sessions, carrier, event.number);
            http::append_event(out, {.name = "message", .id = id}, event.data);
        }
        is_over = batch.is_over || batch.is_replaced;
        if (batch.is_over && !carrier.last.empty()) {
            http::append_event(out, {.name = "message", .id = {}}, carrier.last);
        }
        if (!out.empty()) {
            const loop::Result<void> written = co_await exchange->write(std::move(out));
            if (!written) break;
        }
        if (is_over) break;
        const loop::Result<void> woken =
            co_await watcher.waiter().wait(exchange->scope(), keep_alive_every);
        if (woken) continue;
        if (woken.error().code != loop::ErrorCode::timed_out) break;
        loop::BlockChain comment;
        comment.append(http::sse_keep_alive);
        const loop::Result<void> written = co_await exchange->write(std::move(comment));
        if (!written) break;
    }
    exchange->end_stream();
}

}  // namespace fluxgate::rpc
