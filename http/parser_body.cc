// The body's half of Parser: Content-Length is counted here, chunks are read by llhttp in slices
// that never reach beyond a budget. See parser.cc for the head.
#include <llhttp.h>

#include <algorithm>

#include "http/parser.h"
#include "loop/check.h"

namespace fluxgate::http {

bool Parser::set_body_limit(size_t bytes_max) {
    FLUX_CHECK(is_head_complete() && body_bytes_ == 0);
    body_limit_ = std::min<uint64_t>(bytes_max, limits_.body_bytes_max);
    return content_length_ <= body_limit_;
}

void Parser::discard_body(size_t more) {
    discarding_ = true;
    body_limit_ = std::min(body_limit_, body_bytes_ + more);
}

bool Parser::store_body(std::span<const char> bytes) {
    body_bytes_ += bytes.size();
    if (discarding_) return true;
    if (body_.append(*arena_, bytes, chunked_ ? SIZE_MAX : content_length_)) return true;
    refuse(verdict::overloaded);
    return false;
}

void Parser::finish_body() {
    request_->body = body_.finish();
    phase_ = Phase::complete;
}

size_t Parser::feed_sized_body(std::span<const char> bytes) {
    const uint64_t missing = content_length_ - body_bytes_;
    const size_t taken = static_cast<size_t>(std::min<uint64_t>(bytes.size(), missing));
    if (store_body(bytes.first(taken)) && taken == missing) finish_body();
    return taken;
}

// A size line with its extensions, up to and with its CRLF.
size_t Parser::feed_chunk_line(std::span<const char> bytes) {
    const size_t room = limits_.chunk_line_bytes_max - chunk_line_bytes_;
    const std::span<const char> slice = bytes.first(std::min(bytes.size(), room));
    const size_t taken = execute(slice);
    if (phase_ == Phase::refused) return taken;
    chunk_line_bytes_ += static_cast<uint32_t>(taken);
    count_chunk_overhead(taken);
    if (phase_ == Phase::refused) return taken;
    if (paused_) {
        start_chunk();
    } else if (chunk_line_bytes_ == limits_.chunk_line_bytes_max) {
        refuse(verdict::bad_request);
    }
    return taken;
}

void Parser::start_chunk() {
    const uint64_t size = engine()->content_length;
    if (size > body_limit_ - body_bytes_) return refuse(verdict::payload_too_large);
    chunk_line_bytes_ = 0;
    phase_ = size == 0 ? Phase::trailers : Phase::chunk_data;
}

size_t Parser::feed_chunk_data(std::span<const char> bytes) {
    const uint64_t before = body_bytes_;
    const size_t taken = execute(bytes);
    if (phase_ == Phase::refused) return taken;
    count_chunk_overhead(taken - static_cast<size_t>(body_bytes_ - before));
    if (phase_ != Phase::refused && paused_) phase_ = Phase::chunk_line;
    return taken;
}

// Bytes of framing: bounded by a constant, and by a share of the body that they carried, so that a
// large body in small pieces passes while a stream of almost nothing but framing does not.
void Parser::count_chunk_overhead(size_t bytes) {
    chunk_overhead_ += bytes;
    const uint64_t share = body_bytes_ / limits_.chunk_body_bytes_per_overhead_byte;
    if (chunk_overhead_ > limits_.chunk_overhead_bytes_max + share) refuse(verdict::bad_request);
}

// What follows the last chunk, up to and with the empty line, which is not counted: a head of
// exactly the maximum may still have a chunked body.
size_t Parser::feed_trailers(std::span<const char> bytes) {
    constexpr size_t empty_line_bytes = 2;
    const size_t budget = limits_.head_bytes_max - head_bytes_ + empty_line_bytes;
    const std::span<const char> slice =
        bytes.first(std::min(bytes.size(), budget - trailer_bytes_));
    const size_t taken = execute(slice);
    if (phase_ == Phase::refused) return taken;
    trailer_bytes_ += static_cast<uint32_t>(taken);
    if (paused_) {
        finish_body();
    } else if (trailer_bytes_ == budget) {
        refuse(verdict::header_fields_too_large);
    }
    return taken;
}

}  // namespace fluxgate::http
