// What a resource is: a URI, or a template of URIs, that a client reads as context. One file per
// family in tools/, registered like a tool.
#pragma once

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loop/block_chain.h"
#include "rpc/call_context.h"

namespace fluxgate::rpc {

struct ResourceInfo {
    // "fluxbase://schema/tables", or a template of RFC 6570 level 1 where a variable is one whole
    // path segment: "fluxbase://schema/tables/{schema}/{table}".
    std::string uri;
    std::string name;
    std::string title;
    std::string description;
    std::string mime_type;
    std::vector<std::string> scopes;  // all are needed, to see it and to read it
    // Says "private" to caches: what is read depends on who reads.
    bool is_private = true;

    [[nodiscard]] bool is_template() const { return uri.find('{') != std::string::npos; }
};

struct TemplateVariable {
    std::string_view name;
    std::string_view value;  // percent-decoded
};

struct ReadCall : CallContext {
    std::string_view uri;                         // as asked for
    std::span<const TemplateVariable> variables;  // of a template, in its order
    // The value of a variable; empty if there is none of that name.
    [[nodiscard]] std::string_view variable(std::string_view name) const;
};

struct ReadResult {
    bool found = true;                   // false: there is no such resource (for this caller)
    std::string hint;                    // an end for that message: "; did you mean …?"
    loop::BlockChain contents;           // JSON objects with commas between (rpc/content.h)
    std::unique_ptr<InputRequired> ask;  // instead: the client must be asked first
};
using ReadOutcome = std::expected<ReadResult, CallFailure>;

// A member of a template that resources/list shows beside the fixed resources.
struct ListedResource {
    std::string uri;
    std::string name;
    std::string title;
    std::string description;
};
using ListOutcome = std::expected<std::vector<ListedResource>, CallFailure>;

struct CompletionCall : CallContext {
    std::string_view argument;    // the variable, or the prompt's argument
    std::string_view value;       // what was typed so far
    const Json* known = nullptr;  // an object of the arguments that are settled, or null
    // A settled argument that is a string; empty if there is none.
    [[nodiscard]] std::string_view settled(std::string_view name) const;
};
// Best first; the dispatcher sends at most 100 and says how many there are.
using CompletionOutcome = std::expected<std::vector<std::string>, CallFailure>;

class Resource {
public:
    virtual ~Resource() = default;
    [[nodiscard]] virtual const ResourceInfo& info() const = 0;
    // Each suspends; `call` lives until the task has ended. The scopes were checked.
    [[nodiscard]] virtual loop::Task<ReadOutcome> read(ReadCall* call) = 0;
    // For a template: what of it the caller may see, by uri. Nothing unless overridden.
    [[nodiscard]] virtual loop::Task<ListOutcome> list(CallContext* call);
    // For a template: values of one variable. Nothing unless overridden.
    [[nodiscard]] virtual loop::Task<CompletionOutcome> complete(CompletionCall* call);
};

}  // namespace fluxgate::rpc
