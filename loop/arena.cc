#include "loop/arena.h"

#include <cstdlib>
#include <cstring>

namespace fluxgate::loop {

struct Arena::Block {
    Block* next;
    size_t bytes;  // with this header; block_bytes exactly when it comes from the pool
};

void* Arena::allocate_slow(size_t bytes, size_t alignment) {
    FLUX_CHECK(alignment != 0 && (alignment & (alignment - 1)) == 0);
    FLUX_CHECK(bytes <= SIZE_MAX / 2 && alignment <= block_bytes);
    if (bytes + alignment > block_bytes - sizeof(Block)) return allocate_alone(bytes, alignment);

    // The rest of the current block is given up: at most as much as this object needs.
    auto* block = new (block_pool::take()) Block{blocks_, block_bytes};
    blocks_ = block;
    next_ = reinterpret_cast<char*>(block + 1);
    end_ = reinterpret_cast<char*>(block) + block_bytes;
    poison(next_, static_cast<size_t>(end_ - next_));
    return allocate(bytes, alignment);
}

// Leaves the current block current, so that its rest is still used.
void* Arena::allocate_alone(size_t bytes, size_t alignment) {
    const size_t total = sizeof(Block) + bytes + alignment;
    void* memory = std::malloc(total);
    FLUX_CHECK(memory != nullptr);
    blocks_ = new (memory) Block{blocks_, total};
    bytes_allocated_ += bytes;
    const auto first = reinterpret_cast<uintptr_t>(blocks_ + 1);
    return reinterpret_cast<void*>((first + alignment - 1) & ~(alignment - 1));
}

std::string_view Arena::copy(std::string_view text) {
    char* memory = static_cast<char*>(allocate(text.size() + 1, 1));
    if (!text.empty()) std::memcpy(memory, text.data(), text.size());
    memory[text.size()] = '\0';
    return {memory, text.size()};
}

std::string_view Arena::join(std::initializer_list<std::string_view> parts) {
    size_t bytes = 0;
    for (std::string_view part : parts) {
        bytes += part.size();
    }
    char* memory = static_cast<char*>(allocate(bytes + 1, 1));
    char* next = memory;
    for (std::string_view part : parts) {
        if (!part.empty()) std::memcpy(next, part.data(), part.size());
        next += part.size();
    }
    *next = '\0';
    return {memory, bytes};
}

void Arena::reset() noexcept {
    while (blocks_ != nullptr) {
        Block* block = blocks_;
        blocks_ = block->next;
        unpoison(block, block->bytes);
        if (block->bytes == block_bytes) {
            block_pool::give(block);
        } else {
            std::free(block);
        }
    }
    next_ = nullptr;
    end_ = nullptr;
    bytes_allocated_ = 0;
}

}  // namespace fluxgate::loop
