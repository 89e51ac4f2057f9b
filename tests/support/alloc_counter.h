// Counts the allocations of the calling thread: malloc and its relatives, and operator new.
//
// For "allocations per request" in tests and benches. Link fluxgate_alloc_counter to the executable
// (it replaces malloc there, glibc does the work). In sanitizer builds, which bring their own
// malloc, it counts nothing: look at alloc_counter_works() and skip.
#pragma once

#include <cstdint>

namespace fluxgate::test {

[[nodiscard]] bool alloc_counter_works() noexcept;
// Of this thread since its start. A realloc counts as one.
[[nodiscard]] uint64_t allocations() noexcept;
[[nodiscard]] uint64_t frees() noexcept;
[[nodiscard]] uint64_t bytes_allocated() noexcept;

// What happened on this thread since it was made.
class AllocationSpan {
public:
    [[nodiscard]] uint64_t allocations() const noexcept { return test::allocations() - begin_; }
    [[nodiscard]] uint64_t bytes() const noexcept { return bytes_allocated() - bytes_begin_; }

private:
    uint64_t begin_ = test::allocations();
    uint64_t bytes_begin_ = bytes_allocated();
};

}  // namespace fluxgate::test
