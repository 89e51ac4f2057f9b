// The resources of one core, fixed ones and templates, in the order of their URIs. Filled at start,
// then constant.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loop/arena.h"
#include "rpc/resource.h"
#include "rpc/uri_template.h"

namespace fluxgate::rpc {

class ResourceRegistry {
public:
    struct Entry {
        std::unique_ptr<Resource> resource;
        std::optional<UriTemplate> uri_template;  // of a template
        // The values of the URIs that are allowed; empty: all that match.
        std::vector<std::vector<std::string>> only;

        // A template of which only some URIs are allowed is not listed as one, and completes none.
        [[nodiscard]] bool is_whole_template() const { return uri_template && only.empty(); }
        // The variables of an allowed URI of this template.
        [[nodiscard]] std::optional<std::span<const TemplateVariable>> match(
            std::string_view uri, loop::Arena* arena) const;
    };
    struct Found {
        Resource* resource = nullptr;
        std::span<const TemplateVariable> variables;  // of a template; values in the arena
    };

    // `allowed` (mcp.allowed_resources): empty allows all. Else an entry allows the resource of
    // that URI, the template of that text, or the one URI that a template matches.
    explicit ResourceRegistry(std::vector<std::string> allowed);
    // Dropped where nothing of it is allowed. A URI twice, or a bad template, is our bug.
    void add(std::unique_ptr<Resource> resource);

    // The entries of `allowed` that no resource has taken so far, for a warning.
    [[nodiscard]] const std::vector<std::string>& allowed_but_unknown() const { return unknown_; }
    // An exact URI goes before templates. Null: unknown or not allowed.
    [[nodiscard]] Found find(std::string_view uri, loop::Arena* arena) const;
    // By the template's own text, for completion; null as above.
    [[nodiscard]] Resource* find_template(std::string_view text) const;
    // The same, in its parts.
    [[nodiscard]] const UriTemplate* find_uri_template(std::string_view text) const;
    // Of a URI that find() does not know: may it be followed all the same? Under a scheme of ours
    // it is misspelled, and where only some URIs are allowed nothing may be said of others, whether
    // they are there or not. Under another scheme there is nothing to be near to and nothing ever
    // to be told, and the official suite subscribes to such a one.
    [[nodiscard]] bool is_foreign(std::string_view uri) const;
    [[nodiscard]] const std::vector<Entry>& all() const { return entries_; }

private:
    [[nodiscard]] const Entry* find_entry(std::string_view uri) const;
    // Takes from `unknown_` what allows something of `entry`; false if nothing does.
    bool take_allowed(Entry& entry);

    std::vector<std::string> allowed_;
    std::vector<std::string> unknown_;
    std::vector<Entry> entries_;  // the allowed ones, by URI or template
};

}  // namespace fluxgate::rpc
