#include "rpc/resource_registry.h"

#include <algorithm>
#include <utility>

#include "loop/check.h"

namespace fluxgate::rpc {

namespace {

using Entry = ResourceRegistry::Entry;

bool is_before(const Entry& entry, std::string_view uri) {
    return entry.resource->info().uri < uri;
}

std::string_view scheme_of(std::string_view uri) {
    return uri.substr(0, uri.find(':'));
}

bool has_values(std::span<const TemplateVariable> variables, std::span<const std::string> values) {
    return std::ranges::equal(variables, values, {}, &TemplateVariable::value);
}

}  // namespace

std::optional<std::span<const TemplateVariable>> Entry::match(std::string_view uri,
                                                              loop::Arena* arena) const {
    if (!uri_template) return {};
    const std::optional<std::span<const TemplateVariable>> variables =
        uri_template->match(uri, arena);
    if (!variables || only.empty()) return variables;
    // By value, not by spelling: %75sers is users.
    for (const std::vector<std::string>& values : only) {
        if (has_values(*variables, values)) return variables;
    }
    return {};
}

ResourceRegistry::ResourceRegistry(std::vector<std::string> allowed)
    : allowed_(std::move(allowed)), unknown_(allowed_) {
}

bool ResourceRegistry::take_allowed(Entry& entry) {
    const std::string& uri = entry.resource->info().uri;
    bool is_whole = allowed_.empty();
    std::vector<std::vector<std::string>> only;
    loop::Arena arena;
    for (const std::string& one : allowed_) {
        if (one == uri) {
            is_whole = true;
        } else if (const auto variables = entry.match(one, &arena)) {
            std::vector<std::string>& values = only.emplace_back();
            for (const TemplateVariable& variable : *variables)
                values.emplace_back(variable.value);
        } else {
            continue;
        }
        std::erase(unknown_, one);
    }
    const bool is_allowed = is_whole || !only.empty();
    if (!is_whole) entry.only = std::move(only);
    return is_allowed;
}

void ResourceRegistry::add(std::unique_ptr<Resource> resource) {
    const ResourceInfo& info = resource->info();
    FLUX_CHECK(!info.uri.empty() && info.uri.size() <= uri_bytes_max);
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), info.uri, is_before);
    FLUX_CHECK(at == entries_.end() || at->resource->info().uri != info.uri);
    Entry entry;
    if (info.is_template()) entry.uri_template.emplace(info.uri);
    entry.resource = std::move(resource);
    if (take_allowed(entry)) entries_.insert(at, std::move(entry));
}

const Entry* ResourceRegistry::find_entry(std::string_view uri) const {
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), uri, is_before);
    return at != entries_.end() && at->resource->info().uri == uri ? &*at : nullptr;
}

ResourceRegistry::Found ResourceRegistry::find(std::string_view uri, loop::Arena* arena) const {
    const Entry* exact = find_entry(uri);
    if (exact != nullptr && !exact->uri_template) return {exact->resource.get(), {}};
    for (const Entry& entry : entries_) {
        const auto variables = entry.match(uri, arena);
        if (variables) return {entry.resource.get(), *variables};
    }
    return {};
}

Resource* ResourceRegistry::find_template(std::string_view text) const {
    const Entry* entry = find_entry(text);
    return entry != nullptr && entry->is_whole_template() ? entry->resource.get() : nullptr;
}

const UriTemplate* ResourceRegistry::find_uri_template(std::string_view text) const {
    const Entry* entry = find_entry(text);
    return entry != nullptr && entry->is_whole_template() ? &*entry->uri_template : nullptr;
}

bool ResourceRegistry::is_foreign(std::string_view uri) const {
    return allowed_.empty() &&
           std::ranges::none_of(entries_, [scheme = scheme_of(uri)](const Entry& entry) {
               return scheme_of(entry.resource->info().uri) == scheme;
           });
}

}  // namespace fluxgate::rpc
