#include "app/hard_end.h"

#include <cstdlib>

#include "app/cli.h"
#include "loop/log.h"

namespace fluxgate::app {

HardEnd::~HardEnd() {
    {
        const std::scoped_lock lock(mutex_);
        is_over_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void HardEnd::arm(loop::Duration wait) {
    const std::scoped_lock lock(mutex_);
    if (is_over_ || thread_.joinable()) return;
    thread_ = std::thread([this, wait] { run(wait); });
}

void HardEnd::run(loop::Duration wait) {
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, wait, [this] { return is_over_; })) return;
    loop::log::error("drain_cut_off", {{"why", "a helper thread did not come back"}});
    loop::log::flush();
    std::_Exit(exit_failure);  // no destructor: it would wait for that thread
}

}  // namespace fluxgate::app
