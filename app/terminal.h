// Where a command writes: its answer, and what goes beside it. Tests give string streams.
#pragma once

#include <ostream>

namespace fluxgate::app {

struct Terminal {
    std::ostream& out;
    std::ostream& err;
};

}  // namespace fluxgate::app
