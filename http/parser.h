// One HTTP/1.x request after the other, out of whatever pieces arrive. The only user of llhttp.
//
// llhttp runs strict (no lenient flag is ever set) over the head and over chunked framing; a body
// with Content-Length is counted here. Around it: the request line scanner, the budgets of
// limits.h, and the checks of request_head. A message's fate depends on its bytes alone: fed whole
// or one by one, the events, the views and the refusals are the same. A budget is never larger than
// the slice that llhttp is given, so what lies behind a limit is not even looked at.
//
// Memory: head and fields in the request's arena, the body in a BodyBuffer; nothing of the input is
// kept by reference. Between requests the parser holds no memory. Start reading at feed().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "http/body_buffer.h"
#include "http/limits.h"
#include "http/request.h"
#include "http/request_head.h"
#include "http/request_line.h"
#include "http/verdict.h"
#include "loop/arena.h"

struct llhttp__internal_s;

namespace fluxgate::http {

class Parser {
public:
    enum class Event : uint8_t {
        more,      // all bytes were taken; the message goes on
        head,      // the head is complete and checked; request() is filled except for the body
        complete,  // the body is complete; request().body is set
        refused,   // see refusal(); nothing more may be fed
    };
    struct Progress {
        size_t consumed;
        Event event;
    };

    // Both outlive it.
    Parser(const Limits& limits, BodyBudget* bodies);
    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;

    // Starts a message. `arena` and `request` must stay until the next begin() or end(); `request`
    // is overwritten, but for peer and received.
    void begin(loop::Arena& arena, Request& request);
    // Takes bytes until the next event. After `head` of a message without a body (see has_body)
    // there is no `complete`: its empty body is set already.
    [[nodiscard]] Progress feed(std::span<const char> bytes);
    // Between messages: gives the body's memory back.
    void end();

    // After `head`, before any of the body is fed. False: the announced length is larger.
    [[nodiscard]] bool set_body_limit(size_t bytes_max);
    // From here on the body is counted, but not stored, and may have `more` further bytes.
    void discard_body(size_t more);

    // Valid after `head`.
    [[nodiscard]] bool has_body() const { return chunked_ || content_length_ != 0; }
    [[nodiscard]] bool is_chunked() const { return chunked_; }
    [[nodiscard]] uint64_t content_length() const { return content_length_; }
    [[nodiscard]] bool expects_continue() const { return expects_continue_; }
    [[nodiscard]] const Verdict& refusal() const { return *refusal_; }
    [[nodiscard]] uint64_t body_bytes() const { return body_bytes_; }
    // All raw bytes of this message so far: head, framing, body, trailers.
    [[nodiscard]] uint64_t raw_bytes() const { return raw_bytes_; }
    [[nodiscard]] bool is_head_complete() const { return phase_ > Phase::fields; }

private:
    enum class Phase : uint8_t {
        line,
        fields,
        sized_body,
        chunk_line,
        chunk_data,
        trailers,
        complete,
        refused
    };
    struct RawField {
        uint16_t name_begin = 0;
        uint16_t name_bytes = 0;
        uint16_t value_begin = 0;
        uint16_t value_bytes = 0;
    };
    struct Callbacks;  // what llhttp calls; parser.cc

    void reset_engine();
    // Runs llhttp over `slice`; returns how many bytes it took. Sets paused_ where a callback
    // paused it, and refuses on any error.
    size_t execute(std::span<const char> slice);
    void refuse(const Verdict& verdict);

    size_t feed_line(std::span<const char> bytes);
    size_t feed_fields(std::span<const char> bytes);
    void finish_head();
    void set_fields();
    size_t feed_sized_body(std::span<const char> bytes);
    size_t feed_chunk_line(std::span<const char> bytes);
    size_t feed_chunk_data(std::span<const char> bytes);
    size_t feed_trailers(std::span<const char> bytes);
    void start_chunk();
    void count_chunk_overhead(size_t bytes);
    void finish_body();
    [[nodiscard]] bool store_body(std::span<const char> bytes);

    void reserve_head(size_t bytes);
    void append_head(std::span<const char> bytes);
    bool field_name(const char* at, size_t bytes);
    bool field_value(const char* at, size_t bytes);
    bool field_complete();
    [[nodiscard]] size_t offset_of(const char* at) const {
        return slice_offset_ + static_cast<size_t>(at - slice_);
    }

    const Limits& limits_;
    loop::Arena* arena_ = nullptr;  // not null exactly between begin() and end()
    Request* request_ = nullptr;
    const Verdict* refusal_ = nullptr;
    Verdict head_fault_;  // what refusal_ points to when check_head() found it
    RequestLine line_;

    // The raw head, in the arena: the views of the request point into it.
    char* head_ = nullptr;
    uint32_t head_bytes_ = 0;
    uint32_t head_capacity_ = 0;
    RawField* fields_ = nullptr;  // in the arena
    uint16_t fields_count_ = 0;   // complete ones; with trailers once the head is complete
    uint16_t fields_capacity_ = 0;
    RawField field_;               // the one that is being read
    const char* slice_ = nullptr;  // what llhttp reads now, and its offset in the raw head
    size_t slice_offset_ = 0;

    Phase phase_ = Phase::complete;
    bool paused_ = false;  // llhttp stopped where one of our callbacks asked for it
    bool chunked_ = false;
    bool expects_continue_ = false;
    bool discarding_ = false;
    uint64_t content_length_ = 0;
    uint64_t body_limit_ = 0;
    uint64_t body_bytes_ = 0;  // received so far
    uint64_t raw_bytes_ = 0;
    uint64_t chunk_overhead_ = 0;
    uint32_t chunk_line_bytes_ = 0;
    uint32_t trailer_bytes_ = 0;
    BodyBuffer body_;

    // The llhttp_t; its size is checked in parser.cc.
    static constexpr size_t engine_bytes = 128;
    [[nodiscard]] llhttp__internal_s* engine() {
        return reinterpret_cast<llhttp__internal_s*>(engine_.data());
    }
    alignas(8) std::array<std::byte, engine_bytes> engine_{};
};

}  // namespace fluxgate::http
