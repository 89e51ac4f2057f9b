#include "app/version.h"

namespace fluxgate::app {

std::string_view version() {
    return FLUXGATE_VERSION;
}

}  // namespace fluxgate::app
