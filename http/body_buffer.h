// A request body in one piece, followed by the zero bytes that simdjson wants behind its input.
//
// Grows with what was received, never with what was announced: a small body lives in the request's
// arena, a large one in an allocation of its own that at most doubles. Nothing is freed before
// release(), except what growing replaces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "loop/arena.h"
#include "loop/stream.h"

namespace fluxgate::http {

// What the bodies of one core hold together, beside their arenas.
struct BodyBudget {
    size_t bytes_max = SIZE_MAX;
    size_t bytes = 0;
};

class BodyBuffer {
public:
    static constexpr size_t padding_bytes = loop::Stream::receive_padding_bytes;
    // The largest capacity that is taken from the arena.
    static constexpr size_t arena_bytes_max = 8 * 1024;

    // `budget` outlives it.
    explicit BodyBuffer(BodyBudget* budget) : budget_(budget) {}
    ~BodyBuffer() { release(); }
    BodyBuffer(const BodyBuffer&) = delete;
    BodyBuffer& operator=(const BodyBuffer&) = delete;

    // `total` is the announced size of the whole body, or SIZE_MAX; it only limits the capacity.
    // False: the budget or the memory is used up, and nothing was taken.
    [[nodiscard]] bool append(loop::Arena& arena, std::span<const char> bytes, size_t total);
    // Ends it: zeroes the padding and returns the body, which is valid until release().
    [[nodiscard]] std::string_view finish();
    void release();
    [[nodiscard]] size_t size() const { return size_; }

private:
    [[nodiscard]] bool grow(loop::Arena& arena, size_t needed, size_t total);
    [[nodiscard]] bool grow_owned(size_t capacity);

    BodyBudget* budget_;
    char* data_ = nullptr;
    size_t size_ = 0;
    size_t capacity_ = 0;    // without the padding
    bool is_owned_ = false;  // data_ is of malloc, not of an arena, and counts for the budget
};

}  // namespace fluxgate::http
