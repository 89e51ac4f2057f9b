// How many connections each core has: by it a Listener hands a new one to the least loaded core.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace fluxgate::loop {

class Listener;

// Live connections per core; one table a port. The only thing here that cores share. Must outlive
// the listeners that use it.
class LoadTable {
public:
    explicit LoadTable(uint32_t cores);
    [[nodiscard]] uint32_t cores() const { return cores_; }
    // From any thread. Includes what is being handed over to `core`.
    [[nodiscard]] uint32_t live(uint32_t core) const;

private:
    friend class Listener;
    struct alignas(64) Slot {
        std::atomic<uint32_t> live{0};     // written by the owner only
        std::atomic<uint32_t> pending{0};  // handed over, not yet received
        std::atomic<uint32_t> senders{0};  // cores that are inside hand_over() to here
        std::atomic<bool> open{false};     // `listener` accepts hand-overs
        Listener* listener = nullptr;      // valid while `open`
    };
    // The open core with the fewest connections; cores() if there is none.
    [[nodiscard]] uint32_t least_loaded() const;

    uint32_t cores_;
    std::unique_ptr<Slot[]> slots_;
};

}  // namespace fluxgate::loop
