#include "tools/input_error.h"

#include <cstddef>

namespace fluxgate::tools {

std::string concat(std::initializer_list<std::string_view> parts) {
    size_t bytes = 0;
    for (std::string_view part : parts) {
        bytes += part.size();
    }
    std::string out;
    out.reserve(bytes);
    for (std::string_view part : parts) {
        out += part;
    }
    return out;
}

}  // namespace fluxgate::tools
