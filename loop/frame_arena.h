// Memory for coroutine frames: size-binned free lists, one set per loop thread.
//
// Frames are allocated and freed on the same thread, so there is no lock. After warm-up a
// frame costs no malloc. live() is zero when a loop ends: a frame that is left is a leaked task.
// Bounds: a frame over `binned_bytes_max` is malloc's business, and at most `kept_bytes_max` wait
// for reuse.
#pragma once

#include <cstddef>

namespace fluxgate::loop::frame_arena {

inline constexpr size_t bin_bytes = 64;
inline constexpr size_t binned_bytes_max = 8 * 1024;
inline constexpr size_t kept_bytes_max = 8 * 1024 * 1024;

[[nodiscard]] void* allocate(size_t bytes);
// `bytes` as given to allocate(), on the same thread.
void release(void* frame, size_t bytes) noexcept;
// Frames of this thread that are alive, and mallocs made for frames since its start.
[[nodiscard]] size_t live() noexcept;
[[nodiscard]] size_t mallocs() noexcept;
[[nodiscard]] size_t kept_bytes() noexcept;
// Gives the cached memory back; call where the thread ends. live() must be zero.
void trim() noexcept;

}  // namespace fluxgate::loop::frame_arena
