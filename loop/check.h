// Assertions about our own invariants, on in every build.
//
// Never assert what a peer sent: that is a Result. A failed check prints the expression, the place
// and up to two values, then aborts; the process supervisor restarts it.
#pragma once

#include <cstdint>

#include "loop/sanitizer.h"

namespace fluxgate::loop {

[[noreturn]] void check_failed(const char* expression, const char* file, int line);
[[noreturn]] void check_failed(const char* expression, const char* file, int line, int64_t left,
                               int64_t right);

}  // namespace fluxgate::loop

#define FLUX_CHECK(expression)                                               \
    do {                                                                     \
        if (!(expression)) [[unlikely]]                                      \
            ::fluxgate::loop::check_failed(#expression, __FILE__, __LINE__); \
    } while (false)

// As FLUX_CHECK(left op right), and prints both sides.
#define FLUX_CHECK_OP(left, op, right)                                                   \
    do {                                                                                 \
        if (!((left)op(right))) [[unlikely]]                                             \
            ::fluxgate::loop::check_failed(#left " " #op " " #right, __FILE__, __LINE__, \
                                           static_cast<int64_t>(left),                   \
                                           static_cast<int64_t>(right));                 \
    } while (false)

// For hot loops: on in debug and sanitizer builds only.
#if defined(NDEBUG) && !FLUX_ASAN && !FLUX_TSAN
#define FLUX_DCHECK(expression) \
    do {                        \
    } while (false)
#else
#define FLUX_DCHECK(expression) FLUX_CHECK(expression)
#endif
