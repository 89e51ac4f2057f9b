// Output as a chain of fixed blocks: grows without copying, is sent as an iovec, is freed
// wholesale.
//
// The writers (rpc/json_writer, http/response) append; http/connection sends it. The first block
// keeps `headroom_bytes` free in front, so that a response's head can be written once the length of
// the body is known. Blocks come from the thread's block_pool: a small answer costs one warm block
// and no malloc. Move-only, single-threaded.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "loop/block_pool.h"
#include "loop/check.h"

namespace fluxgate::loop {

class BlockChain {
public:
    static constexpr size_t header_bytes = 3 * sizeof(size_t);
    static constexpr size_t block_bytes = block_pool::block_bytes - header_bytes;
    static constexpr size_t headroom_bytes = 512;
    // The most that reserve() can be asked for.
    static constexpr size_t reserve_bytes_max = block_bytes - headroom_bytes;
    // append_chain() copies a chain that is not larger than this, if the last block has the room.
    static constexpr size_t copy_bytes_max = 1024;

    BlockChain() = default;
    ~BlockChain() { clear(); }
    BlockChain(BlockChain&& other) noexcept;
    BlockChain& operator=(BlockChain&& other) noexcept;
    BlockChain(const BlockChain&) = delete;
    BlockChain& operator=(const BlockChain&) = delete;

    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }

    void append(std::string_view bytes);
    void append(char byte) {
        if (next_ == end_) [[unlikely]]
            grow();
        *next_++ = byte;
        ++size_;
    }
    // At least `bytes` (<= reserve_bytes_max) contiguous room to write into; then commit() what was
    // used. Faster than append() for a writer that escapes as it goes. Any other call that changes
    // the chain ends the reservation.
    [[nodiscard]] char* reserve(size_t bytes) {
        FLUX_DCHECK(bytes <= reserve_bytes_max);
        if (static_cast<size_t>(end_ - next_) < bytes) [[unlikely]]
            grow();
        return next_;
    }
    // What commit() may take at most: at least what was reserved. Zero before the first byte.
    [[nodiscard]] size_t room() const { return static_cast<size_t>(end_ - next_); }
    void commit(size_t bytes) {
        FLUX_DCHECK(bytes <= room());
        next_ += bytes;
        size_ += bytes;
    }
    // Puts `bytes` before everything else. Copies nothing else; needs no block while the headroom
    // lasts.
    void prepend(std::string_view bytes);
    // Moves all of `other` behind this chain's bytes and leaves it empty: links its blocks, or
    // copies where it is small.
    void append_chain(BlockChain&& other);
    // Drops the first `bytes` (<= size()), for instance those that have been sent.
    void consume(size_t bytes);

    // Fills at most out.size() entries, from byte `offset` on; returns how many.
    [[nodiscard]] size_t fill_iovec(std::span<iovec> out, size_t offset = 0) const;
    // Visits the contiguous pieces in order; none is empty.
    template <class Visit>
    void for_each(Visit visit) const {
        for (const Block* block = first_; block != nullptr; block = block->next) {
            const size_t bytes = used_end(block) - block->begin;
            if (bytes != 0) visit(std::string_view(block->bytes + block->begin, bytes));
        }
    }
    // A copy in one piece, for tests and for what must be contiguous.
    [[nodiscard]] std::string to_string() const;
    void clear() noexcept;

private:
    struct Block {
        Block* next;
        size_t begin;  // first used byte
        size_t end;    // one past the last used byte; stale for the last block (see used_end)
        char bytes[block_bytes];
    };
    static_assert(sizeof(Block) == block_pool::block_bytes);

    [[nodiscard]] size_t used_end(const Block* block) const {
        return block == last_ ? static_cast<size_t>(next_ - block->bytes) : block->end;
    }
    [[nodiscard]] static Block* new_block(size_t begin);
    void grow();
    void take_from(BlockChain& other) noexcept;

    Block* first_ = nullptr;
    Block* last_ = nullptr;  // null exactly while first_ is
    char* next_ = nullptr;   // where the next byte goes, in last_
    char* end_ = nullptr;
    size_t size_ = 0;
};

}  // namespace fluxgate::loop
