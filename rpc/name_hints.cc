#include "rpc/name_hints.h"

#include <vector>

#include "rpc/nearest.h"
#include "rpc/scopes.h"

namespace fluxgate::rpc {

namespace {

// Of tools and prompts.
template <class Entries>
std::string hint_of(const Entries& entries, const http::Principal* principal,
                    std::string_view wanted) {
    std::vector<std::string_view> names;
    for (const auto& entry : entries) {
        if (has_scopes(principal, entry->info().scopes)) names.push_back(entry->info().name);
    }
    return did_you_mean(wanted, names);
}

}  // namespace

std::string tool_hint(const ToolRegistry& tools, const http::Principal* principal,
                      std::string_view wanted) {
    return hint_of(tools.all(), principal, wanted);
}

std::string prompt_hint(const PromptRegistry& prompts, const http::Principal* principal,
                        std::string_view wanted) {
    return hint_of(prompts.all(), principal, wanted);
}

std::string resource_hint(const ResourceRegistry& resources, const http::Principal* principal,
                          std::string_view wanted) {
    if (wanted.size() > name_compared_bytes_max) return {};
    std::vector<std::string> uris;
    for (const ResourceRegistry::Entry& entry : resources.all()) {
        if (!has_scopes(principal, entry.resource->info().scopes)) continue;
        if (!entry.uri_template) {
            uris.push_back(entry.resource->info().uri);
        } else if (entry.is_whole_template()) {
            uris.push_back(entry.uri_template->filled_like(wanted));
        }
    }
    // What it was spelled like, but for a value that is none (a bad escape), would be no help.
    std::erase(uris, wanted);
    return did_you_mean(wanted, std::vector<std::string_view>(uris.begin(), uris.end()));
}

std::string template_hint(const ResourceRegistry& resources, const http::Principal* principal,
                          std::string_view wanted) {
    std::vector<std::string_view> texts;
    for (const ResourceRegistry::Entry& entry : resources.all()) {
        const ResourceInfo& info = entry.resource->info();
        if (entry.is_whole_template() && has_scopes(principal, info.scopes))
            texts.push_back(info.uri);
    }
    return did_you_mean(wanted, texts);
}

}  // namespace fluxgate::rpc
