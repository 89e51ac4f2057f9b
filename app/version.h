#pragma once

#include <string_view>

namespace fluxgate::app {

// The project's version, from CMakeLists.txt.
[[nodiscard]] std::string_view version();

}  // namespace fluxgate::app
