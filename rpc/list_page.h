// The entries of resources/list, resources/templates/list and prompts/list, a page at a time.
//
// A page holds what the caller has the scopes for and what comes behind `after`, in the order of
// the keys (URIs, names): at most page_entries_max JSON objects with commas between. What it
// returns is the key of its last entry if more follow, else nothing (an empty string): the
// dispatcher makes a cursor of it (rpc/cursor.h), and reads `after` out of one. A key that has gone
// meanwhile is no error: the page begins behind where it was.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "http/principal.h"
#include "loop/block_chain.h"
#include "loop/task.h"
#include "rpc/call_context.h"
#include "rpc/prompt_registry.h"
#include "rpc/resource_registry.h"

namespace fluxgate::rpc {

// Whose list it is, and in which revision. `principal` may be null: without any scope.
struct ListReader {
    const http::Principal* principal = nullptr;
    const Protocol* protocol = nullptr;
};

// Fixed resources, and the members that templates list. Suspends; `resources`, `out` and what
// `after` looks at outlive the task. Nothing is written if a template fails to list.
[[nodiscard]] loop::Task<std::expected<std::string, CallFailure>> write_resources_page(
    CallContext* call, const ResourceRegistry* resources, std::string_view after,
    loop::BlockChain* out);

[[nodiscard]] std::string write_templates_page(const ListReader& reader,
                                               const ResourceRegistry& resources,
                                               std::string_view after, loop::BlockChain& out);

[[nodiscard]] std::string write_prompts_page(const ListReader& reader,
                                             const PromptRegistry& prompts, std::string_view after,
                                             loop::BlockChain& out);

}  // namespace fluxgate::rpc
