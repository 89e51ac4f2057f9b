// The workers of all cores: starts them together, tells them things, ends them together.
//
// A start that fails on one core ends all. At the end no worker is destroyed before every core has
// drained, because until then another may still send it something.
#pragma once

#include <atomic>
#include <cstdint>
#include <latch>
#include <mutex>
#include <string>
#include <vector>

#include "app/core_worker.h"

namespace fluxgate::app {

// Lives on core 0 while its loop runs: what is once per process (signals, start-up check, LISTEN).
class CoreZero {
public:
    virtual ~CoreZero() = default;
    // Before core 0 accepts connections; all workers exist.
    virtual void start(Worker& worker) = 0;
    // Core 0's drain begins to take things away: ends what uses them. Awaited before the lanes
    // close.
    [[nodiscard]] virtual loop::Task<void> stop() = 0;
    // All have drained; the loop's last turns follow, and then clear().
    virtual void close() = 0;
    virtual void clear() = 0;
};

class Cores final : private DrainObserver {
public:
    // Both outlive it.
    Cores(Shared& shared, CoreZero& zero) : shared_(shared), zero_(zero) {}

    // Runs `count` cores until they have drained. What went wrong at the start, or empty.
    [[nodiscard]] std::string run(uint32_t count);

    // Runs `what` on each core's own thread, soon. From core 0 and from helper threads, between
    // start() and stop() of CoreZero.
    void tell_all(void (*what)(Worker& worker));

    // Requests that drains cut off. After run().
    [[nodiscard]] uint64_t aborted() const { return aborted_; }

private:
    void run_core(uint32_t core);
    void fail(std::string why);
    [[nodiscard]] loop::Task<void> worker_draining(uint32_t core) override;
    void worker_drained() override;

    Shared& shared_;
    CoreZero& zero_;
    std::vector<Worker*> workers_;  // by core; constant while the loops run
    std::unique_ptr<std::latch> zero_made_, made_, ended_, helpers_gone_;
    std::atomic<uint32_t> draining_{0};  // workers that have not drained yet
    std::atomic<uint64_t> aborted_{0};
    std::mutex mutex_;
    std::string failure_;  // the first one
};

}  // namespace fluxgate::app
