// When to try again: 50 ms, 100 ms, 200 ms ... up to a maximum, each +-20 % so that cores and
// instances do not come back in step.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "loop/clock.h"
#include "loop/random.h"

namespace fluxgate::pg {

class Backoff {
public:
    Backoff(uint32_t first_ms, uint32_t wait_max_ms)
        : first_ms_(first_ms), wait_max_ms_(wait_max_ms) {}

    void reset() { failures_ = 0; }
    [[nodiscard]] uint32_t failures() const { return failures_; }
    // Counts a failure; how long to wait before the next attempt. Never over the maximum, jitter
    // included, so that "recovers within 5 s" holds for the unlucky too.
    [[nodiscard]] loop::Duration next(loop::Entropy& entropy) {
        std::array<std::byte, 4> bytes{};
        entropy.fill(bytes);
        uint32_t random = 0;
        std::memcpy(&random, bytes.data(), sizeof(random));
        const double jitter = 0.8 + 0.4 * (static_cast<double>(random) / 4294967296.0);
        const uint32_t shift = std::min(failures_++, 20u);
        const double base =
            std::min(static_cast<double>(first_ms_) * static_cast<double>(1u << shift),
                     static_cast<double>(wait_max_ms_) / 1.2);
        return std::chrono::microseconds(static_cast<int64_t>(base * jitter * 1000.0));
    }

private:
    uint32_t first_ms_;
    uint32_t wait_max_ms_;
    uint32_t failures_ = 0;
};

}  // namespace fluxgate::pg
