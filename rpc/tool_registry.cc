#include "rpc/tool_registry.h"

#include <algorithm>

#include "loop/check.h"

namespace fluxgate::rpc {

namespace {

constexpr size_t name_bytes_max = 64;

bool is_before(const std::unique_ptr<Tool>& tool, std::string_view name) {
    return tool->info().name < name;
}

}  // namespace

bool is_tool_name(std::string_view name) {
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    return !name.empty() && name.size() <= name_bytes_max &&
           name.find_first_not_of(letters) == std::string_view::npos;
}

ToolRegistry::ToolRegistry(std::vector<std::string> allowed)
    : allowed_(std::move(allowed)), unknown_(allowed_) {
}

void ToolRegistry::add(std::unique_ptr<Tool> tool) {
    const std::string_view name = tool->info().name;
    FLUX_CHECK(is_tool_name(name));
    const auto at = std::lower_bound(tools_.begin(), tools_.end(), name, is_before);
    FLUX_CHECK(at == tools_.end() || (*at)->info().name != name);
    std::erase(unknown_, name);
    if (!allowed_.empty() && std::ranges::find(allowed_, name) == allowed_.end()) return;
    ParamHeaders marked = find_param_headers(tool->info().input_schema);
    FLUX_CHECK(marked.error.empty());
    if (!marked.headers.empty()) param_headers_[tool.get()] = std::move(marked.headers);
    tools_.insert(at, std::move(tool));
}

std::span<const ParamHeader> ToolRegistry::param_headers(const Tool* tool) const {
    const auto at = param_headers_.find(tool);
    if (at == param_headers_.end()) return {};
    return at->second;
}

Tool* ToolRegistry::find(std::string_view name) const {
    const auto at = std::lower_bound(tools_.begin(), tools_.end(), name, is_before);
    return at != tools_.end() && (*at)->info().name == name ? at->get() : nullptr;
}

}  // namespace fluxgate::rpc
