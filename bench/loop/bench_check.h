// A benchmark first checks that what it times is right; a wrong one is reported, not timed.
#pragma once

#include <benchmark/benchmark.h>

#define BENCH_CHECK(state, expression)                    \
    do {                                                  \
        if (!(expression)) {                              \
            (state).SkipWithError("wrong: " #expression); \
            return;                                       \
        }                                                 \
    } while (false)
