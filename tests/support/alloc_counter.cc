#include "tests/support/alloc_counter.h"

#include <malloc.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "loop/sanitizer.h"

#define COUNT_ALLOCATIONS (!FLUX_ASAN && !FLUX_TSAN)

namespace fluxgate::test {
namespace {

struct Counts {
    uint64_t allocations = 0;
    uint64_t frees = 0;
    uint64_t bytes = 0;
};
// Plain data: reaching it must not allocate.
constinit thread_local Counts counts;

}  // namespace

bool alloc_counter_works() noexcept {
    return COUNT_ALLOCATIONS != 0;
}
uint64_t allocations() noexcept {
    return counts.allocations;
}
uint64_t frees() noexcept {
    return counts.frees;
}
uint64_t bytes_allocated() noexcept {
    return counts.bytes;
}

#if COUNT_ALLOCATIONS
namespace {
void count(size_t bytes) noexcept {
    ++counts.allocations;
    counts.bytes += bytes;
}
}  // namespace
#endif

}  // namespace fluxgate::test

#if COUNT_ALLOCATIONS
using fluxgate::test::count;

// glibc's own names for what it does behind malloc.
extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void* memory);

void* malloc(size_t bytes) {
    count(bytes);
    return __libc_malloc(bytes);
}
void* calloc(size_t number, size_t bytes) {
    count(number * bytes);
    return __libc_calloc(number, bytes);
}
void* realloc(void* memory, size_t bytes) {
    count(bytes);
    return __libc_realloc(memory, bytes);
}
void* memalign(size_t alignment, size_t bytes) {
    count(bytes);
    return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
    count(bytes);
    return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** out, size_t alignment, size_t bytes) {
    count(bytes);
    void* memory = __libc_memalign(alignment, bytes);
    if (memory == nullptr) return ENOMEM;
    *out = memory;
    return 0;
}
void free(void* memory) {
    if (memory != nullptr) ++fluxgate::test::counts.frees;
    __libc_free(memory);
}
}

// Not left to libstdc++, whose own would call malloc: where mimalloc is linked, it has its own too.
void* operator new(size_t bytes) {
    void* memory = malloc(bytes == 0 ? 1 : bytes);
    if (memory == nullptr) std::abort();
    return memory;
}
void* operator new[](size_t bytes) {
    return operator new(bytes);
}
void* operator new(size_t bytes, std::align_val_t alignment) {
    void* memory = memalign(static_cast<size_t>(alignment), bytes == 0 ? 1 : bytes);
    if (memory == nullptr) std::abort();
    return memory;
}
void* operator new[](size_t bytes, std::align_val_t alignment) {
    return operator new(bytes, alignment);
}
void operator delete(void* memory) noexcept {
    free(memory);
}
void operator delete[](void* memory) noexcept {
    free(memory);
}
void operator delete(void* memory, size_t) noexcept {
    free(memory);
}
void operator delete[](void* memory, size_t) noexcept {
    free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
    free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
    free(memory);
}
void operator delete[](void* memory, size_t, std::align_val_t) noexcept {
    free(memory);
}
#endif
