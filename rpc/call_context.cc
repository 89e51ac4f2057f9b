#include "rpc/call_context.h"

#include <array>

namespace fluxgate::rpc {

namespace {

constexpr std::array<std::string_view, 8> level_names = {
    "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"};

}  // namespace

std::string_view to_string(LogLevel level) {
    return level_names[static_cast<size_t>(level)];
}

std::optional<LogLevel> find_log_level(std::string_view name) {
    for (size_t i = 0; i < level_names.size(); ++i) {
        if (level_names[i] == name) return static_cast<LogLevel>(i);
    }
    return std::nullopt;
}

std::string_view method_of(ClientCapability capability) {
    switch (capability) {
        case ClientCapability::roots:
            return "roots/list";
        case ClientCapability::sampling:
            return "sampling/createMessage";
        case ClientCapability::elicitation_form:
        case ClientCapability::elicitation_url:
            return "elicitation/create";
    }
    return {};
}

}  // namespace fluxgate::rpc
