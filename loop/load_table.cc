#include "loop/load_table.h"

#include <limits>

#include "loop/check.h"

namespace fluxgate::loop {

LoadTable::LoadTable(uint32_t cores) : cores_(cores), slots_(std::make_unique<Slot[]>(cores)) {
}

uint32_t LoadTable::live(uint32_t core) const {
    FLUX_CHECK_OP(core, <, cores_);
    return slots_[core].live.load(std::memory_order_relaxed) +
           slots_[core].pending.load(std::memory_order_relaxed);
}

uint32_t LoadTable::least_loaded() const {
    uint32_t best = cores_;
    uint32_t best_live = std::numeric_limits<uint32_t>::max();
    for (uint32_t core = 0; core < cores_; ++core) {
        if (!slots_[core].open.load(std::memory_order_relaxed)) continue;
        const uint32_t here = live(core);
        if (here >= best_live) continue;
        best = core;
        best_live = here;
    }
    return best;
}

}  // namespace fluxgate::loop
