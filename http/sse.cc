#include "http/sse.h"

#include <algorithm>
#include <utility>

#include "http/text.h"

namespace fluxgate::http {

namespace {

void open_event(loop::BlockChain& out, const SseEvent& event) {
    out.append("event: ");
    out.append(event.name);
    if (!event.id.empty()) {
        out.append("\nid: ");
        out.append(event.id);
    }
    out.append("\ndata: ");
}

void append_line(loop::BlockChain& out, std::string_view text) {
    while (!text.empty()) {
        const size_t end = std::min(text.find_first_of("\r\n"), text.size());
        out.append(text.substr(0, end));
        if (end == text.size()) return;
        out.append(' ');
        text.remove_prefix(end + 1);
    }
}

}  // namespace

Response sse_head() {
    Response head;
    head.content_type = "text/event-stream";
    head.add("Cache-Control", "no-cache, no-transform");
    head.add("X-Accel-Buffering", "no");
    return head;
}

void append_event(loop::BlockChain& out, const SseEvent& event, std::string_view data) {
    open_event(out, event);
    append_line(out, data);
    out.append("\n\n");
}

void append_event(loop::BlockChain& out, const SseEvent& event, loop::BlockChain&& data) {
    open_event(out, event);
    bool is_line = true;
    data.for_each([&is_line](std::string_view piece) {
        is_line = is_line && piece.find('\n') == piece.npos && piece.find('\r') == piece.npos;
    });
    if (is_line) {
        out.append_chain(std::move(data));
    } else {
        data.for_each([&out](std::string_view piece) { append_line(out, piece); });
    }
    out.append("\n\n");
}

void append_priming(loop::BlockChain& out, std::string_view id, uint32_t retry_ms) {
    out.append("id: ");
    out.append(id);
    out.append("\nretry: ");
    out.append(Decimal(retry_ms).text());
    out.append("\ndata: \n\n");
}

}  // namespace fluxgate::http
