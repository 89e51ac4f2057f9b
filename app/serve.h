// Serving: one loop per core with everything that belongs to it (app/core_worker), until a signal.
#pragma once

#include "app/config.h"

namespace fluxgate::app {

// Runs until SIGTERM or SIGINT and then drains. Returns the exit code: 0 after an orderly drain, 1
// when something failed, 78 where the configuration or this machine can not work. `config` has
// passed check_for_serving().
[[nodiscard]] int serve(const Config& config);

}  // namespace fluxgate::app
