// Time is injected: product code asks a Clock, tests move a ManualClock (tests/support).
#pragma once

#include <chrono>
#include <cstdint>

namespace fluxgate::loop {

using Instant = std::chrono::steady_clock::time_point;   // monotonic, for deadlines and timers
using WallTime = std::chrono::system_clock::time_point;  // for Date headers, expiry columns, logs
using Duration = std::chrono::nanoseconds;

// Since 1970, as tokens and signed values carry it.
[[nodiscard]] inline int64_t unix_seconds(WallTime at) {
    return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Instant now() const = 0;
    [[nodiscard]] virtual WallTime wall_now() const = 0;
};

class SystemClock final : public Clock {
public:
    [[nodiscard]] Instant now() const override { return std::chrono::steady_clock::now(); }
    [[nodiscard]] WallTime wall_now() const override { return std::chrono::system_clock::now(); }
};

}  // namespace fluxgate::loop
