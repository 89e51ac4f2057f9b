// The end of the process where an orderly one takes too long: a helper thread can hang in a call
// that nobody can interrupt, as PQcancel does against a server that is frozen.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "loop/clock.h"

namespace fluxgate::app {

class HardEnd {
public:
    HardEnd() = default;
    ~HardEnd();  // disarms it
    HardEnd(const HardEnd&) = delete;
    HardEnd& operator=(const HardEnd&) = delete;

    // Ends the process with exit_failure after `wait`, and says so in the log. The first call
    // counts. From any thread.
    void arm(loop::Duration wait);

private:
    void run(loop::Duration wait);

    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_over_ = false;  // under mutex_
    std::thread thread_;    // under mutex_ until is_over_
};

}  // namespace fluxgate::app
