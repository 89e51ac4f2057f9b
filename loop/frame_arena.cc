#include "loop/frame_arena.h"

#include <array>
#include <cstdlib>

#include "loop/check.h"
#include "loop/sanitizer.h"

namespace fluxgate::loop::frame_arena {
namespace {

constexpr size_t bins = binned_bytes_max / bin_bytes;
static_assert(binned_bytes_max % bin_bytes == 0);

struct FreeFrame {
    FreeFrame* next;
};

// Plain data without a destructor, so that the hot path reaches it without a guard.
struct Frames {
    std::array<FreeFrame*, bins> free{};  // bin b holds frames of (b + 1) * bin_bytes
    size_t live = 0;
    size_t mallocs = 0;
    size_t kept_bytes = 0;
    bool closed = false;  // the thread is ending: keep nothing any more
};
constinit thread_local Frames frames;

void free_all() noexcept {
    for (FreeFrame*& first : frames.free) {
        while (first != nullptr) {
            FreeFrame* frame = first;
            first = frame->next;
            std::free(frame);
        }
    }
    frames.kept_bytes = 0;
}

// Touched in the slow path only; its destructor runs when the thread ends. It does not check
// live(): the main thread ends its thread_locals before its statics.
struct AtThreadEnd {
    bool armed = false;
    ~AtThreadEnd() {
        free_all();
        frames.closed = true;
    }
};
thread_local AtThreadEnd at_thread_end;

constexpr size_t bin_of(size_t bytes) {
    return (bytes - 1) / bin_bytes;
}

[[gnu::noinline]] void* allocate_slow(size_t bytes) {
    if (!frames.closed) at_thread_end.armed = true;
    const size_t rounded = (bin_of(bytes) + 1) * bin_bytes;
    void* frame = std::malloc(address_sanitizer ? bytes : rounded);
    FLUX_CHECK(frame != nullptr);
    ++frames.mallocs;
    ++frames.live;
    return frame;
}

}  // namespace

void* allocate(size_t bytes) {
    FLUX_DCHECK(bytes != 0);
    if (bytes > binned_bytes_max) [[unlikely]]
        return allocate_slow(bytes);
    const size_t bin = bin_of(bytes);
    FreeFrame* frame = frames.free[bin];
    if (frame == nullptr) [[unlikely]]
        return allocate_slow(bytes);
    frames.free[bin] = frame->next;
    frames.kept_bytes -= (bin + 1) * bin_bytes;
    ++frames.live;
    return frame;
}

void release(void* frame, size_t bytes) noexcept {
    FLUX_CHECK(frames.live != 0);  // else it was allocated on another thread
    --frames.live;
    const size_t bin = bin_of(bytes);
    const size_t rounded = (bin + 1) * bin_bytes;
    if (address_sanitizer || bytes > binned_bytes_max || frames.closed ||
        frames.kept_bytes + rounded > kept_bytes_max) [[unlikely]] {
        std::free(frame);
        return;
    }
    auto* free_frame = static_cast<FreeFrame*>(frame);
    free_frame->next = frames.free[bin];
    frames.free[bin] = free_frame;
    frames.kept_bytes += rounded;
}

size_t live() noexcept {
    return frames.live;
}

size_t mallocs() noexcept {
    return frames.mallocs;
}

size_t kept_bytes() noexcept {
    return frames.kept_bytes;
}

void trim() noexcept {
    FLUX_CHECK_OP(frames.live, ==, 0U);
    free_all();
}

}  // namespace fluxgate::loop::frame_arena
