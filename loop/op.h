// The completion side of one io_uring operation: an object that its owner embeds.
//
// Its address is the SQE's user_data, so it must outlive the last CQE of the operation: ~Op aborts
// while the kernel still has it. Owners close in named steps: cancel -> wait for the CQE ->
// release.
#pragma once

#include <cstdint>

#include "loop/check.h"

namespace fluxgate::loop {

class Op {
public:
    // `result` is the CQE's res (>= 0, or -errno); `flags` its flags (IORING_CQE_F_*). Runs on the
    // loop's thread, after the completion queue has been reaped, never from inside a submit.
    // in_flight() tells whether more completions follow (multishot); if not, the handler may free
    // the Op.
    using Handler = void (*)(Op& op, int32_t result, uint32_t flags);

    explicit Op(Handler handler) : handler_(handler) {}
    ~Op() { FLUX_CHECK(!in_flight_); }
    Op(const Op&) = delete;
    Op& operator=(const Op&) = delete;

    [[nodiscard]] bool in_flight() const { return in_flight_; }

private:
    friend class Ring;

    Handler handler_;
    bool in_flight_ = false;  // true from the SQE's preparation until its last CQE is handed over
};

}  // namespace fluxgate::loop
