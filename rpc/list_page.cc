#include "rpc/list_page.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "rpc/cursor.h"
#include "rpc/json_writer.h"
#include "rpc/scopes.h"

namespace fluxgate::rpc {

namespace {

using Writer = JsonWriter<Escape::once>;

void write_member(Writer& json, std::string_view key, std::string_view value) {
    if (value.empty()) return;
    json.raw(',');
    json.key(key);
    json.string(value);
}

// name, title and description, which all entries have, behind the brace.
void write_names(Writer& json, std::string_view name, std::string_view title,
                 std::string_view description, const Protocol& protocol) {
    json.key("name");
    json.string(name);
    if (protocol.titles) write_member(json, "title", title);
    write_member(json, "description", description);
}

// What resources/list and resources/templates/list show of one entry.
struct ResourceEntry {
    std::string_view uri;
    std::string_view name;
    std::string_view title;
    std::string_view description;
    std::string_view mime_type;
    bool is_member = false;  // of a template
};

ResourceEntry entry_of(const ResourceInfo& info) {
    return {.uri = info.uri,
            .name = info.name,
            .title = info.title,
            .description = info.description,
            .mime_type = info.mime_type};
}

void write_resource(Writer& json, std::string_view key, const ResourceEntry& entry,
                    const Protocol& protocol) {
    json.raw('{');
    json.key(key);
    json.string(entry.uri);
    json.raw(',');
    write_names(json, entry.name, entry.title, entry.description, protocol);
    write_member(json, "mimeType", entry.mime_type);
    json.raw('}');
}

void write_argument(Writer& json, const PromptArgument& argument, const Protocol& protocol) {
    json.raw('{');
    write_names(json, argument.name, argument.title, argument.description, protocol);
    json.raw(R"(,"required":)");
    json.boolean(argument.required);
    json.raw('}');
}

void write_prompt(Writer& json, const PromptInfo& prompt, const Protocol& protocol) {
    json.raw('{');
    write_names(json, prompt.name, prompt.title, prompt.description, protocol);
    if (!prompt.arguments.empty()) {
        json.raw(R"(,"arguments":[)");
        bool is_first = true;
        for (const PromptArgument& argument : prompt.arguments) {
            if (!std::exchange(is_first, false)) json.raw(',');
            write_argument(json, argument, protocol);
        }
        json.raw(']');
    }
    json.raw('}');
}

// Takes entries in the order of their keys until the page is full.
class Page {
public:
    Page(std::string_view after, loop::BlockChain& out) : after_(after), json_(out) {}

    // False once an entry came that had no place: no more are needed.
    template <class Write>
    bool add(std::string_view key, Write write) {
        if (key <= after_) return true;
        if (count_ == page_entries_max) {
            has_more_ = true;
            return false;
        }
        if (count_++ != 0) json_.raw(',');
        write(json_);
        last_ = key;
        return true;
    }
    [[nodiscard]] std::string result() const { return has_more_ ? last_ : std::string(); }

private:
    std::string_view after_;
    Writer json_;
    size_t count_ = 0;
    std::string last_;
    bool has_more_ = false;
};

using Listed = std::vector<std::pair<const ResourceInfo*, std::vector<ListedResource>>>;

// The entries of one page's candidates: fixed ones, and the allowed members of templates.
std::vector<ResourceEntry> entries_behind(std::string_view after, const ListReader& reader,
                                          const ResourceRegistry& resources, const Listed& listed) {
    std::vector<ResourceEntry> entries;
    for (const ResourceRegistry::Entry& entry : resources.all()) {
        const ResourceInfo& info = entry.resource->info();
        if (!entry.uri_template && info.uri > after && has_scopes(reader.principal, info.scopes)) {
            entries.push_back(entry_of(info));
        }
    }
    for (const auto& [info, members] : listed) {
        for (const ListedResource& member : members) {
            if (member.uri <= after) continue;
            entries.push_back({.uri = member.uri,
                               .name = member.name,
                               .title = member.title,
                               .description = member.description,
                               .mime_type = info->mime_type,
                               .is_member = true});
        }
    }
    // A fixed resource goes before a template's member of the same URI, as in find(). No more is
    // sorted than a page and its successor take, even if every source has each of their URIs.
    const size_t wanted = (page_entries_max + 1) * (listed.size() + 1);
    const auto end = entries.begin() + static_cast<ptrdiff_t>(std::min(entries.size(), wanted));
    std::ranges::partial_sort(entries, end, {}, [](const ResourceEntry& entry) {
        return std::pair(entry.uri, entry.is_member);
    });
    entries.erase(end, entries.end());
    const auto twice = std::ranges::unique(entries, {}, &ResourceEntry::uri);
    entries.erase(twice.begin(), twice.end());
    return entries;
}

}  // namespace

loop::Task<std::expected<std::string, CallFailure>> write_resources_page(
    CallContext* call, const ResourceRegistry* resources, std::string_view after,
    loop::BlockChain* out) {
    Listed listed;
    for (const ResourceRegistry::Entry& entry : resources->all()) {
        const ResourceInfo& info = entry.resource->info();
        if (!entry.uri_template || !has_scopes(call->principal, info.scopes)) continue;
        ListOutcome members = co_await entry.resource->list(call);
        if (!members) co_return std::unexpected(std::move(members.error()));
        if (!entry.only.empty()) {
            loop::Arena arena;
            std::erase_if(*members, [&entry, &arena](const ListedResource& member) {
                return !entry.match(member.uri, &arena);
            });
        }
        listed.emplace_back(&info, std::move(*members));
    }
    Page page(after, *out);
    const ListReader reader{.principal = call->principal, .protocol = call->protocol};
    for (const ResourceEntry& entry : entries_behind(after, reader, *resources, listed)) {
        const bool goes_on = page.add(
            entry.uri, [&](Writer& json) { write_resource(json, "uri", entry, *reader.protocol); });
        if (!goes_on) break;
    }
    co_return page.result();
}

std::string write_templates_page(const ListReader& reader, const ResourceRegistry& resources,
                                 std::string_view after, loop::BlockChain& out) {
    Page page(after, out);
    for (const ResourceRegistry::Entry& entry : resources.all()) {
        const ResourceInfo& info = entry.resource->info();
        if (!entry.is_whole_template() || !has_scopes(reader.principal, info.scopes)) continue;
        const bool goes_on = page.add(info.uri, [&](Writer& json) {
            write_resource(json, "uriTemplate", entry_of(info), *reader.protocol);
        });
        if (!goes_on) break;
    }
    return page.result();
}

std::string write_prompts_page(const ListReader& reader, const PromptRegistry& prompts,
                               std::string_view after, loop::BlockChain& out) {
    Page page(after, out);
    for (const std::unique_ptr<Prompt>& prompt : prompts.all()) {
        const PromptInfo& info = prompt->info();
        if (!has_scopes(reader.principal, info.scopes)) continue;
        const bool goes_on =
            page.add(info.name, [&](Writer& json) { write_prompt(json, info, *reader.protocol); });
        if (!goes_on) break;
    }
    return page.result();
}

}  // namespace fluxgate::rpc
