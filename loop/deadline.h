// An absolute point in time by which something must be done. Pass deadlines, not timeouts: a
// timeout starts again at every hop, a deadline does not.
#pragma once

#include <algorithm>

#include "loop/clock.h"

namespace fluxgate::loop {

class Deadline {
public:
    constexpr Deadline() = default;  // never
    constexpr explicit Deadline(Instant at) : at_(at) {}

    [[nodiscard]] static constexpr Deadline never() { return Deadline(); }
    [[nodiscard]] static constexpr Deadline after(Instant now, Duration wait) {
        return Deadline(now + std::chrono::duration_cast<Instant::duration>(wait));
    }

    [[nodiscard]] constexpr Instant at() const { return at_; }
    [[nodiscard]] constexpr bool is_never() const { return at_ == Instant::max(); }
    [[nodiscard]] constexpr bool passed(Instant now) const { return now >= at_; }
    // Zero when it has passed. Duration::max() when it never does.
    [[nodiscard]] constexpr Duration remaining(Instant now) const {
        if (is_never()) return Duration::max();
        return now >= at_ ? Duration::zero() : std::chrono::duration_cast<Duration>(at_ - now);
    }
    [[nodiscard]] constexpr Deadline earlier(Deadline other) const {
        return Deadline(std::min(at_, other.at_));
    }

private:
    Instant at_ = Instant::max();
};

}  // namespace fluxgate::loop
