#include "rpc/tool_list.h"

#include <algorithm>

#include "loop/block_chain.h"
#include "loop/check.h"
#include "rpc/json_writer.h"
#include "rpc/scopes.h"

namespace fluxgate::rpc {

namespace {

void write_annotations(JsonWriter<Escape::once>& json, const ToolInfo& tool,
                       const Protocol& protocol) {
    json.raw(R"(,"annotations":{)");
    if (!protocol.titles && !tool.title.empty()) {  // their only place before 2025-06-18
        json.key("title");
        json.string(tool.title);
        json.raw(',');
    }
    json.raw(R"("readOnlyHint":)");
    json.boolean(tool.read_only);
    json.raw(R"(,"destructiveHint":)");
    json.boolean(tool.destructive && !tool.read_only);
    json.raw(R"(,"idempotentHint":)");
    json.boolean(tool.idempotent);
    json.raw(R"(,"openWorldHint":)");
    json.boolean(tool.open_world);
    json.raw('}');
}

void write_tool(JsonWriter<Escape::once>& json, const ToolInfo& tool, const Protocol& protocol) {
    json.raw('{');
    json.key("name");
    json.string(tool.name);
    if (protocol.titles && !tool.title.empty()) {
        json.raw(',');
        json.key("title");
        json.string(tool.title);
    }
    if (!tool.description.empty()) {
        json.raw(',');
        json.key("description");
        json.string(tool.description);
    }
    json.raw(',');
    json.key("inputSchema");
    json.json_text(tool.input_schema);
    if (protocol.structured_content && !tool.output_schema.empty()) {
        json.raw(',');
        json.key("outputSchema");
        json.json_text(tool.output_schema);
    }
    if (protocol.icons && !tool.icons.empty()) {
        json.raw(',');
        json.key("icons");
        json.json_text(tool.icons);
    }
    if (protocol.tool_annotations) write_annotations(json, tool, protocol);
    json.raw('}');
}

}  // namespace

ToolList::ToolList(const ToolRegistry& tools, const Results* results)
    : tools_(tools), results_(*results) {
    for (const auto& tool : tools.all()) {
        ScopeSet needed;
        for (const std::string& scope : tool->info().scopes) {
            const auto at = std::ranges::find(scopes_, scope);
            const auto index = static_cast<size_t>(at - scopes_.begin());
            if (at == scopes_.end()) scopes_.emplace_back(scope);
            FLUX_CHECK(scopes_.size() <= scopes_max);
            needed.set(index);
        }
        needed_.push_back(needed);
    }
    lists_.reserve(lists_max);
}

ToolList::ScopeSet ToolList::scopes_of(const http::Principal* principal) const {
    ScopeSet set;
    if (principal == nullptr) return set;
    for (size_t i = 0; i < scopes_.size(); ++i) {
        set[i] = principal->has_scope(scopes_[i]);
    }
    return set;
}

std::string ToolList::build(const ScopeSet& scopes, const Protocol& protocol) const {
    loop::BlockChain chain;
    JsonWriter<Escape::once> json(chain);
    std::string_view common = results_.empty(protocol);
    common.remove_suffix(1);  // its brace
    json.raw(common);
    if (!Results::is_bare(protocol)) json.raw(',');
    json.raw(R"("tools":[)");
    bool is_first = true;
    for (size_t i = 0; i < needed_.size(); ++i) {
        if ((needed_[i] & ~scopes).any()) continue;
        if (!is_first) json.raw(',');
        is_first = false;
        write_tool(json, tools_.all()[i]->info(), protocol);
    }
    json.raw(']');
    json.raw(Results::cache_hints(protocol));
    json.raw('}');
    std::string result;
    result.reserve(chain.size());
    chain.for_each([&result](std::string_view piece) { result.append(piece); });
    return result;
}

std::string_view ToolList::result(const http::Principal* principal, const Protocol& protocol) {
    const ScopeSet scopes = scopes_of(principal);
    for (const List& list : lists_) {
        if (list.revision == protocol.revision && list.scopes == scopes) return list.result;
    }
    List fresh{protocol.revision, scopes, build(scopes, protocol)};
    if (lists_.size() < lists_max) return lists_.emplace_back(std::move(fresh)).result;
    List& place = lists_[oldest_];
    oldest_ = (oldest_ + 1) % lists_max;
    place = std::move(fresh);
    return place.result;
}

}  // namespace fluxgate::rpc
