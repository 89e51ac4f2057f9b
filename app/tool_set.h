// The product's tools, each with what it works with: a new tool is one line in tool_set.cc
// (docs/add-a-tool.md).
#pragma once

#include "app/config.h"
#include "pg/pool.h"
#include "pg/schema_cache.h"
#include "rpc/tool_registry.h"

namespace fluxgate::app {

// Of one core. `pool` and `schemas` outlive it.
[[nodiscard]] rpc::ToolRegistry make_tools(const Config& config, pg::Pool* pool,
                                           pg::SchemaCache* schemas);

// One warning for each name in mcp.allowed_tools that no tool has: a list of nothing but such names
// leaves no tool at all.
void warn_of_unknown_tools(const rpc::ToolRegistry& tools);

}  // namespace fluxgate::app
