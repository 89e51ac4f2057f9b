// Whether this build has a sanitizer, and how to tell it what it can not know: which bytes nobody
// may touch (AddressSanitizer), and what the kernel puts in order (ThreadSanitizer).
//
// Memory that our own free lists and arenas hand out would hide use-after-free from it. So in such
// a build the free lists keep nothing, and the arena poisons what it has not handed out.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define FLUX_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define FLUX_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FLUX_ASAN 1
#elif __has_feature(thread_sanitizer)
#define FLUX_TSAN 1
#endif
#endif
#ifndef FLUX_ASAN
#define FLUX_ASAN 0
#endif
#ifndef FLUX_TSAN
#define FLUX_TSAN 0
#endif

#if FLUX_ASAN
#include <sanitizer/asan_interface.h>
#endif
#if FLUX_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace fluxgate::loop {

inline constexpr bool address_sanitizer = FLUX_ASAN != 0;

inline void poison([[maybe_unused]] const void* memory, [[maybe_unused]] size_t bytes) noexcept {
#if FLUX_ASAN
    __asan_poison_memory_region(memory, bytes);
#endif
}
inline void unpoison([[maybe_unused]] const void* memory, [[maybe_unused]] size_t bytes) noexcept {
#if FLUX_ASAN
    __asan_unpoison_memory_region(memory, bytes);
#endif
}

// What a thread did before it released `place` happens before what another does after it acquired
// it.
inline void release_order([[maybe_unused]] void* place) noexcept {
#if FLUX_TSAN
    __tsan_release(place);
#endif
}
inline void acquire_order([[maybe_unused]] void* place) noexcept {
#if FLUX_TSAN
    __tsan_acquire(place);
#endif
}

}  // namespace fluxgate::loop
