#include "http/response_head.h"

#include <cstring>

#include "http/text.h"
#include "loop/check.h"

namespace fluxgate::http {
namespace {

// More than all fixed text, numbers and names of one head together.
constexpr size_t fixed_bytes_max = 512;

class Writer {
public:
    Writer(loop::Arena& arena, size_t capacity)
        : begin_(static_cast<char*>(arena.allocate(capacity, 1))),
          next_(begin_),
          end_(begin_ + capacity) {}

    Writer& raw(std::string_view text) {
        FLUX_CHECK(text.size() <= static_cast<size_t>(end_ - next_));
        if (!text.empty()) std::memcpy(next_, text.data(), text.size());
        next_ += text.size();
        return *this;
    }
    Writer& value(std::string_view text) {
        char* const from = next_;
        raw(text);
        for (char* c = from; c != next_; ++c) {
            const auto byte = static_cast<unsigned char>(*c);
            if (byte < 0x20 || byte == 0x7f) *c = ' ';
        }
        return *this;
    }
    [[nodiscard]] std::string_view text() const {
        return {begin_, static_cast<size_t>(next_ - begin_)};
    }

private:
    char* begin_;
    char* next_;
    char* end_;
};

}  // namespace

std::string_view write_head(loop::Arena& arena, const Response& response,
                            const HeadOptions& options) {
    size_t capacity = fixed_bytes_max + options.extra.size() + response.content_type.size();
    for (size_t i = 0; i < response.extra_count; ++i) {
        capacity += response.extra[i].name.size() + response.extra[i].value.size() + 4;
    }
    Writer out(arena, capacity);
    out.raw("HTTP/1.1 ").raw(Decimal(response.status).text()).raw(" ");
    out.raw(reason_phrase(response.status)).raw("\r\nDate: ").raw(options.date);
    out.raw("\r\nX-Content-Type-Options: nosniff");
    if (!response.content_type.empty()) {
        out.raw("\r\nContent-Type: ").value(response.content_type);
    }
    const bool has_length = response.status != 204 && response.status != 304;
    if (options.framing == BodyFraming::chunked) {
        out.raw("\r\nTransfer-Encoding: chunked");
    } else if (options.framing == BodyFraming::length && has_length) {
        out.raw("\r\nContent-Length: ").raw(Decimal(options.body_bytes).text());
    }
    for (size_t i = 0; i < response.extra_count; ++i) {
        out.raw("\r\n").raw(response.extra[i].name).raw(": ").value(response.extra[i].value);
    }
    out.raw(options.extra).raw(options.connection).raw("\r\n\r\n");
    return out.text();
}

}  // namespace fluxgate::http
