#include "loop/block_chain.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace fluxgate::loop {

BlockChain::BlockChain(BlockChain&& other) noexcept {
    take_from(other);
}

BlockChain& BlockChain::operator=(BlockChain&& other) noexcept {
    if (this != &other) {
        clear();
        take_from(other);
    }
    return *this;
}

void BlockChain::take_from(BlockChain& other) noexcept {
    first_ = std::exchange(other.first_, nullptr);
    last_ = std::exchange(other.last_, nullptr);
    next_ = std::exchange(other.next_, nullptr);
    end_ = std::exchange(other.end_, nullptr);
    size_ = std::exchange(other.size_, 0);
}

BlockChain::Block* BlockChain::new_block(size_t begin) {
    // The bytes stay uninitialised on purpose.
    Block* block = new (block_pool::take()) Block;
    block->next = nullptr;
    block->begin = begin;
    block->end = begin;
    return block;
}

void BlockChain::grow() {
    Block* block = new_block(last_ == nullptr ? headroom_bytes : 0);
    if (last_ == nullptr) {
        first_ = block;
    } else {
        last_->end = used_end(last_);
        last_->next = block;
    }
    last_ = block;
    next_ = block->bytes + block->begin;
    end_ = block->bytes + block_bytes;
}

void BlockChain::append(std::string_view bytes) {
    while (!bytes.empty()) {
        if (next_ == end_) grow();
        const size_t piece = std::min(bytes.size(), static_cast<size_t>(end_ - next_));
        std::memcpy(next_, bytes.data(), piece);
        next_ += piece;
        size_ += piece;
        bytes.remove_prefix(piece);
    }
}

void BlockChain::prepend(std::string_view bytes) {
    if (first_ == nullptr) grow();
    size_ += bytes.size();
    while (!bytes.empty()) {
        if (first_->begin == 0) {
            Block* block = new_block(block_bytes);
            block->next = first_;
            first_ = block;
        }
        const size_t piece = std::min(bytes.size(), first_->begin);
        first_->begin -= piece;
        std::memcpy(first_->bytes + first_->begin, bytes.data() + bytes.size() - piece, piece);
        bytes.remove_suffix(piece);
    }
}

void BlockChain::append_chain(BlockChain&& other) {
    FLUX_CHECK(this != &other);
    if (first_ == nullptr) {
        take_from(other);
        return;
    }
    if (other.size_ <= copy_bytes_max && other.size_ <= room()) {
        other.for_each([this](std::string_view piece) { append(piece); });
    } else {
        last_->end = used_end(last_);
        last_->next = other.first_;
        last_ = std::exchange(other.last_, nullptr);
        next_ = std::exchange(other.next_, nullptr);
        end_ = std::exchange(other.end_, nullptr);
        size_ += std::exchange(other.size_, 0);
        other.first_ = nullptr;
    }
    other.clear();
}

void BlockChain::consume(size_t bytes) {
    FLUX_CHECK(bytes <= size_);
    size_ -= bytes;
    while (bytes != 0) {
        const size_t here = used_end(first_) - first_->begin;
        if (bytes < here || first_ == last_) {
            first_->begin += bytes;
            break;
        }
        bytes -= here;
        Block* spent = std::exchange(first_, first_->next);
        block_pool::give(spent);
    }
    if (size_ == 0 && first_ != nullptr && first_ == last_) {  // a stream uses its block again
        first_->begin = headroom_bytes;
        next_ = first_->bytes + headroom_bytes;
    }
}

size_t BlockChain::fill_iovec(std::span<iovec> out, size_t offset) const {
    size_t count = 0;
    for (Block* block = first_; block != nullptr && count < out.size(); block = block->next) {
        const size_t here = used_end(block) - block->begin;
        if (offset >= here) {
            offset -= here;
            continue;
        }
        out[count++] = {block->bytes + block->begin + offset, here - offset};
        offset = 0;
    }
    return count;
}

std::string BlockChain::to_string() const {
    std::string text;
    text.reserve(size_);
    for_each([&text](std::string_view piece) { text.append(piece); });
    return text;
}

void BlockChain::clear() noexcept {
    while (first_ != nullptr) {
        Block* block = std::exchange(first_, first_->next);
        block_pool::give(block);
    }
    last_ = nullptr;
    next_ = nullptr;
    end_ = nullptr;
    size_ = 0;
}

}  // namespace fluxgate::loop
