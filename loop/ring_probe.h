// The start-up self-test of a ring: tries out what a kernel can not be asked, on sockets of its
// own. Used by Ring::create() alone.
#pragma once

#include <cstdint>
#include <optional>

#include "loop/ring.h"

namespace fluxgate::loop {

class RingProbe {
public:
    explicit RingProbe(Ring& ring) : ring_(ring) {}
    // Tells the ring which multishot operations work. An error if the ring can not be used at all.
    [[nodiscard]] Result<void> run();

private:
    // An operation that notes its first completion.
    struct Trial : Op {
        Trial();
        bool completed = false;
        bool more_follow = false;
        int32_t first_result = -1;
    };
    [[nodiscard]] bool try_accept();
    [[nodiscard]] bool try_recv();
    template <class Condition>
    void wait_until(Condition condition);
    void end(Trial& trial, int fd);

    Ring& ring_;
    std::optional<Error> failure_;
};

}  // namespace fluxgate::loop
