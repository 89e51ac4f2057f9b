// The product's tools, resources and prompts, each with what it works with: a new one is one line
// in tool_set.cc (docs/add-a-tool.md). With Config::conformance, the suite's fixtures instead.
#pragma once

#include "app/config.h"
#include "pg/pool.h"
#include "pg/schema_cache.h"
#include "rpc/event_streams.h"
#include "rpc/prompt_registry.h"
#include "rpc/resource_registry.h"
#include "rpc/tool_registry.h"

namespace fluxgate::app {

// Of one core. `pool`, `schemas` and `streams` outlive them.
[[nodiscard]] rpc::ToolRegistry make_tools(const Config& config, pg::Pool* pool,
                                           pg::SchemaCache* schemas, rpc::EventStreams* streams);
[[nodiscard]] rpc::ResourceRegistry make_resources(const Config& config, pg::Pool* pool,
                                                   pg::SchemaCache* schemas);
[[nodiscard]] rpc::PromptRegistry make_prompts(const Config& config, pg::Pool* pool,
                                               pg::SchemaCache* schemas);

// One warning for each name in mcp.allowed_tools that no tool has: a list of nothing but such names
// leaves no tool at all.
void warn_of_unknown_tools(const rpc::ToolRegistry& tools);
// The same for mcp.allowed_resources.
void warn_of_unknown_resources(const rpc::ResourceRegistry& resources);

}  // namespace fluxgate::app
