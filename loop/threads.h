// One thread a core, named, pinned where the system lets us.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "loop/result.h"

namespace fluxgate::loop {

// CPUs that this process may run on (its affinity mask, so a container's cpuset counts).
[[nodiscard]] uint32_t usable_cpus();

class CoreThreads {
public:
    struct Options {
        uint32_t cores = 1;
        bool pin = true;
        std::string name = "core";  // threads are called core-0, core-1, ...; at most 11 characters
    };
    CoreThreads();
    ~CoreThreads();  // every thread must have been joined
    CoreThreads(const CoreThreads&) = delete;
    CoreThreads& operator=(const CoreThreads&) = delete;

    // Runs `body(core)` on each thread. If a thread can not be made, those that were are left
    // running and the error is returned: tell them to end, then join().
    [[nodiscard]] Result<void> start(const Options& options,
                                     std::function<void(uint32_t core)> body);
    void join();
    // How many threads sit on a CPU of their own; known once start() has returned.
    [[nodiscard]] uint32_t pinned() const { return pinned_; }

private:
    struct Thread;
    std::vector<std::unique_ptr<Thread>> threads_;
    std::function<void(uint32_t)> body_;
    uint32_t pinned_ = 0;
};

}  // namespace fluxgate::loop
