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

bool BodyBuffer::append(loop::Arena& arena, std::span<const char> bytes, size_t total) {
    if (bytes.empty()) return true;
    if (capacity_ - size_ < bytes.size() && !grow(arena, size_ + bytes.size(), total)) return false;
    std::memcpy(data_ + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
    return true;
}

bool BodyBuffer::grow(loop::Arena& arena, size_t needed, size_t total) {
    FLUX_CHECK(needed <= total);
    const size_t capacity = std::min(std::max({needed, capacity_ * 2, capacity_min}), total);
    if (capacity > arena_bytes_max) return grow_owned(capacity);
    char* larger = static_cast<char*>(arena.allocate(capacity + padding_bytes, 8));
    if (size_ != 0) std::memcpy(larger, data_, size_);
    data_ = larger;
    capacity_ = capacity;
    return true;
}

bool BodyBuffer::grow_owned(size_t capacity) {
    const size_t held = is_owned_ ? capacity_ : 0;
    if (budget_->bytes - held + capacity > budget_->bytes_max) return false;
    // realloc moves large blocks by remapping pages, not by copying.
    auto* larger =
        static_cast<char*>(std::realloc(is_owned_ ? data_ : nullptr, capacity + padding_bytes));
    if (larger == nullptr) return false;
    if (!is_owned_ && size_ != 0) std::memcpy(larger, data_, size_);
    budget_->bytes += capacity - held;
    data_ = larger;
    capacity_ = capacity;
    is_owned_ = true;
    return true;
}

std::string_view BodyBuffer::finish() {
    if (data_ == nullptr) return {empty_body.data(), 0};
    std::memset(data_ + size_, 0, padding_bytes);
    return {data_, size_};
}

void BodyBuffer::release() {
    if (is_owned_) {
        std::free(data_);
        budget_->bytes -= capacity_;
    }
    data_ = nullptr;
    size_ = 0;
    capacity_ = 0;
    is_owned_ = false;
}

}  // namespace fluxgate::http
