#include "http/body_buffer.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "loop/check.h"

namespace fluxgate::http {
namespace {

constexpr size_t capacity_min = 1024;
// What the view of an empty body points to.
constexpr std::array<char, BodyBuffer::padding_bytes> empty_body{};

}  // namespace

void BodyBuffer::append(loop::Arena& arena, std::span<const char> bytes, size_t total) {
    if (bytes.empty()) return;
    if (capacity_ - size_ < bytes.size()) grow(arena, size_ + bytes.size(), total);
    std::memcpy(data_ + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
}

void BodyBuffer::grow(loop::Arena& arena, size_t needed, size_t total) {
    FLUX_CHECK(needed <= total);
    const size_t wanted = std::max({needed, capacity_ * 2, capacity_min});
    capacity_ = std::min(wanted, total);
    if (capacity_ <= arena_bytes_max) {
        char* larger = static_cast<char*>(arena.allocate(capacity_ + padding_bytes, 8));
        if (size_ != 0) std::memcpy(larger, data_, size_);
        data_ = larger;
        return;
    }
    // realloc moves large blocks by remapping pages, not by copying.
    char* from = is_owned_ ? data_ : nullptr;
    auto* larger = static_cast<char*>(std::realloc(from, capacity_ + padding_bytes));
    FLUX_CHECK(larger != nullptr);
    if (!is_owned_ && size_ != 0) std::memcpy(larger, data_, size_);
    data_ = larger;
    is_owned_ = true;
}

std::string_view BodyBuffer::finish() {
    if (data_ == nullptr) return {empty_body.data(), 0};
    std::memset(data_ + size_, 0, padding_bytes);
    return {data_, size_};
}

void BodyBuffer::release() {
    if (is_owned_) std::free(data_);
    data_ = nullptr;
    size_ = 0;
    capacity_ = 0;
    is_owned_ = false;
}

}  // namespace fluxgate::http
