#include "app/tool_set.h"

#include <memory>

#include "app/config_options.h"
#include "loop/log.h"
#include "tools/query_table.h"

namespace fluxgate::app {

rpc::ToolRegistry make_tools(const Config& config, pg::Pool* pool, pg::SchemaCache* schemas) {
    const uint32_t statement_timeout_ms = to_pool_options(config).statement_timeout_ms;
    rpc::ToolRegistry tools(config.mcp.allowed_tools);
    tools.add(std::make_unique<tools::QueryTable>(
        pool, schemas, tools::QueryTable::Options{.statement_timeout_ms = statement_timeout_ms}));
    return tools;
}

void warn_of_unknown_tools(const rpc::ToolRegistry& tools) {
    for (const std::string& name : tools.allowed_but_unknown()) {
        loop::log::warn(
            "allowed_tool_unknown",
            {{"key", "mcp.allowed_tools"}, {"name", name}, {"left", tools.all().size()}});
    }
}

}  // namespace fluxgate::app
