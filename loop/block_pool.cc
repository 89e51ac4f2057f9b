#include "loop/block_pool.h"

#include <cstdlib>

#include "loop/check.h"
#include "loop/sanitizer.h"

namespace fluxgate::loop::block_pool {
namespace {

struct FreeBlock {
    FreeBlock* next;
};

// Plain data without a destructor, so that the hot path reaches it without a guard.
struct Pool {
    FreeBlock* first = nullptr;
    size_t kept = 0;
    size_t mallocs = 0;
    bool closed = false;  // the thread is ending: keep nothing any more
};
constinit thread_local Pool pool;

// Touched in the slow path only; its destructor runs when the thread ends.
struct AtThreadEnd {
    bool armed = false;
    ~AtThreadEnd() {
        trim();
        pool.closed = true;
    }
};
thread_local AtThreadEnd at_thread_end;

[[gnu::noinline]] void* take_from_malloc() {
    if (!pool.closed) at_thread_end.armed = true;
    void* block = std::malloc(block_bytes);
    FLUX_CHECK(block != nullptr);
    ++pool.mallocs;
    return block;
}

}  // namespace

void* take() {
    FreeBlock* block = pool.first;
    if (block == nullptr) [[unlikely]]
        return take_from_malloc();
    pool.first = block->next;
    --pool.kept;
    return block;
}

void give(void* block) noexcept {
    if (address_sanitizer || pool.closed || pool.kept == kept_blocks_max) [[unlikely]] {
        std::free(block);
        return;
    }
    // A thread that only gives back never went through the slow path of take().
    if (pool.first == nullptr) [[unlikely]]
        at_thread_end.armed = true;
    auto* free_block = static_cast<FreeBlock*>(block);
    free_block->next = pool.first;
    pool.first = free_block;
    ++pool.kept;
}

size_t kept() noexcept {
    return pool.kept;
}

size_t mallocs() noexcept {
    return pool.mallocs;
}

void trim() noexcept {
    while (pool.first != nullptr) {
        FreeBlock* block = pool.first;
        pool.first = block->next;
        std::free(block);
    }
    pool.kept = 0;
}

}  // namespace fluxgate::loop::block_pool
