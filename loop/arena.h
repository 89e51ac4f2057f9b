// A bump arena for what lives as long as one request: freed wholesale, never object by object.
//
// Nothing with a destructor that matters goes in. Blocks come from the thread's block_pool, so a
// warm request mallocs nothing; what is larger than a block gets a piece of its own. Pointers stay
// valid until reset() or the arena's end. Single-threaded. AddressSanitizer sees an access past
// what allocate() returned.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "loop/block_pool.h"
#include "loop/check.h"
#include "loop/sanitizer.h"

namespace fluxgate::loop {

class Arena {
public:
    static constexpr size_t block_bytes = block_pool::block_bytes;

    Arena() = default;
    ~Arena() { reset(); }
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    // Uninitialised and never null; `alignment` is a power of two. Zero bytes is fine.
    [[nodiscard]] void* allocate(size_t bytes, size_t alignment = alignof(std::max_align_t)) {
        const size_t padding = -reinterpret_cast<uintptr_t>(next_) & (alignment - 1);
        const auto room = static_cast<size_t>(end_ - next_);
        if (next_ == nullptr || room < padding || room - padding < bytes) [[unlikely]] {
            return allocate_slow(bytes, alignment);
        }
        char* memory = next_ + padding;
        // Under the sanitizer some bytes stay poisoned between two neighbours.
        next_ = memory + std::min(bytes + red_zone_bytes, room - padding);
        bytes_allocated_ += bytes;
        unpoison(memory, bytes);
        return memory;
    }
    template <class T, class... Arguments>
    [[nodiscard]] T* create(Arguments&&... arguments) {
        static_assert(std::is_trivially_destructible_v<T>);
        return new (allocate(sizeof(T), alignof(T))) T{std::forward<Arguments>(arguments)...};
    }
    template <class T>
    [[nodiscard]] std::span<T> array(size_t count) {
        static_assert(std::is_trivially_destructible_v<T>);
        FLUX_CHECK(count <= SIZE_MAX / 2 / sizeof(T));
        T* first = static_cast<T*>(allocate(sizeof(T) * count, alignof(T)));
        for (size_t i = 0; i < count; ++i) {
            new (first + i) T{};
        }
        return {first, count};
    }
    // Followed by a NUL that is not counted, as libpq wants its strings.
    [[nodiscard]] std::string_view copy(std::string_view text);
    [[nodiscard]] std::string_view join(std::initializer_list<std::string_view> parts);

    // Gives all blocks back. O(blocks).
    void reset() noexcept;
    // What the callers asked for since the last reset(), without padding.
    [[nodiscard]] size_t bytes_allocated() const { return bytes_allocated_; }

private:
    static constexpr size_t red_zone_bytes = address_sanitizer ? 8 : 0;
    struct Block;
    void* allocate_slow(size_t bytes, size_t alignment);
    void* allocate_alone(size_t bytes, size_t alignment);

    Block* blocks_ = nullptr;  // all of them, newest first; what has a block of its own too
    char* next_ = nullptr;     // where the next object goes; null before the first block
    char* end_ = nullptr;
    size_t bytes_allocated_ = 0;
};

}  // namespace fluxgate::loop
