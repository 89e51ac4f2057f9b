// The tools of one core, in name order. Filled at start, then constant.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rpc/param_headers.h"
#include "rpc/tool.h"

namespace fluxgate::rpc {

// [A-Za-z0-9_.-]{1,64}; of prompts too.
[[nodiscard]] bool is_tool_name(std::string_view name);

class ToolRegistry {
public:
    // `allowed` (mcp.allowed_tools): empty allows all; others are neither listed nor callable.
    explicit ToolRegistry(std::vector<std::string> allowed);
    // Dropped where it is not allowed. A name twice, or one that is no tool name, is our bug.
    void add(std::unique_ptr<Tool> tool);

    // The names in `allowed` that no tool has had so far, for a warning.
    [[nodiscard]] const std::vector<std::string>& allowed_but_unknown() const { return unknown_; }
    [[nodiscard]] Tool* find(std::string_view name) const;  // null: unknown or not allowed
    // The arguments that clients of 2026-07-28 repeat as header fields. `tool` is one of all().
    [[nodiscard]] std::span<const ParamHeader> param_headers(const Tool* tool) const;
    [[nodiscard]] const std::vector<std::unique_ptr<Tool>>& all() const { return tools_; }

private:
    std::vector<std::string> allowed_;
    std::vector<std::string> unknown_;
    std::vector<std::unique_ptr<Tool>> tools_;                       // the allowed ones, by name
    std::map<const Tool*, std::vector<ParamHeader>> param_headers_;  // of those that have some
};

}  // namespace fluxgate::rpc
