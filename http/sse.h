// Server-sent events (WHATWG HTML, "Server-sent events"): what is written to a text/event-stream.
#pragma once

#include <string_view>

#include "http/response.h"
#include "loop/block_chain.h"

namespace fluxgate::http {

// The head of every stream: never cached, and passed on at once by proxies that would collect it.
[[nodiscard]] Response sse_head();

struct SseEvent {
    std::string_view name = "message";
    std::string_view id;  // empty: none. Visible ASCII
};
// Line breaks in `data` become blanks: it is JSON, where they only stand between tokens, and one
// event is one line of data.
void append_event(loop::BlockChain& out, const SseEvent& event, std::string_view data);
// Moves `data` where it has no line break, else copies it.
void append_event(loop::BlockChain& out, const SseEvent& event, loop::BlockChain&& data);
// An event without data that only gives the client an id to come back with, and the time after
// which to do so (milliseconds).
void append_priming(loop::BlockChain& out, std::string_view id, uint32_t retry_ms);
// A comment: clients ignore it, proxies see that the connection lives.
inline constexpr std::string_view sse_keep_alive = ": keepalive\n\n";

}  // namespace fluxgate::http
