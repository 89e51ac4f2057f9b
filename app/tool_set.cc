#include "app/tool_set.h"

#include <memory>

#include "app/config_options.h"
#include "app/conformance_fixtures.h"
#include "loop/log.h"
#include "tools/prompts.h"
#include "tools/query_table.h"
#include "tools/schema_resources.h"

namespace fluxgate::app {

rpc::ToolRegistry make_tools(const Config& config, pg::Pool* pool, pg::SchemaCache* schemas,
                             rpc::EventStreams* streams) {
    if (config.conformance) {
        rpc::ToolRegistry fixtures({});
        const auto announce = [streams](ListKind kind) {
            rpc::ListChanges changes;
            (kind == ListKind::tools ? changes.tools : changes.prompts) = true;
            streams->publish(changes);
        };
        for (auto& tool : make_conformance_tools(announce))
            fixtures.add(std::move(tool));
        return fixtures;
    }
    const uint32_t statement_timeout_ms = to_pool_options(config).statement_timeout_ms;
    rpc::ToolRegistry tools(config.mcp.allowed_tools);
    tools.add(std::make_unique<tools::QueryTable>(
        pool, schemas, tools::QueryTable::Options{.statement_timeout_ms = statement_timeout_ms}));
    return tools;
}

rpc::ResourceRegistry make_resources(const Config& config, pg::Pool* pool,
                                     pg::SchemaCache* schemas) {
    rpc::ResourceRegistry resources(config.mcp.allowed_resources);
    if (config.conformance) {
        for (auto& resource : make_conformance_resources())
            resources.add(std::move(resource));
        return resources;
    }
    resources.add(std::make_unique<tools::SchemaTables>(pool, schemas));
    resources.add(
        std::make_unique<tools::SchemaTable>(pool, schemas, config.mcp.allowed_resources));
    return resources;
}

rpc::PromptRegistry make_prompts(const Config& config, pg::Pool* pool, pg::SchemaCache* schemas) {
    rpc::PromptRegistry prompts;
    if (config.conformance) {
        for (auto& prompt : make_conformance_prompts())
            prompts.add(std::move(prompt));
        return prompts;
    }
    prompts.add(tools::make_answer_from_knowledge_base(pool, schemas));
    prompts.add(tools::make_explore_schema(pool, schemas));
    prompts.add(tools::make_find_slow_queries(pool, schemas));
    prompts.add(tools::make_write_rls_policy(pool, schemas));
    return prompts;
}

void warn_of_unknown_tools(const rpc::ToolRegistry& tools) {
    for (const std::string& name : tools.allowed_but_unknown()) {
        loop::log::warn(
            "allowed_tool_unknown",
            {{"key", "mcp.allowed_tools"}, {"name", name}, {"left", tools.all().size()}});
    }
}

void warn_of_unknown_resources(const rpc::ResourceRegistry& resources) {
    for (const std::string& uri : resources.allowed_but_unknown()) {
        loop::log::warn(
            "allowed_resource_unknown",
            {{"key", "mcp.allowed_resources"}, {"name", uri}, {"left", resources.all().size()}});
    }
}

}  // namespace fluxgate::app
