// A clock that stands still until a test moves it.
#pragma once

#include "loop/clock.h"

namespace fluxgate::test {

class ManualClock final : public loop::Clock {
public:
    [[nodiscard]] loop::Instant now() const override { return now_; }
    [[nodiscard]] loop::WallTime wall_now() const override { return wall_; }
    void advance(loop::Duration by) {
        now_ += by;
        wall_ += std::chrono::duration_cast<loop::WallTime::duration>(by);
    }

private:
    loop::Instant now_{std::chrono::hours(1)};
    loop::WallTime wall_{std::chrono::seconds(1'800'000'000)};  // 2027-01-15T08:00:00Z
};

}  // namespace fluxgate::test
