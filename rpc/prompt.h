// What a prompt is: a named text with arguments that a person picks from a menu. One file per
// family in tools/, registered like a tool.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "loop/block_chain.h"
#include "rpc/call_context.h"
#include "rpc/resource.h"

namespace fluxgate::rpc {

struct PromptArgument {
    std::string name;
    std::string title;
    std::string description;
    bool required = false;
};

struct PromptInfo {
    std::string name;  // as a tool's
    std::string title;
    std::string description;
    std::vector<PromptArgument> arguments;
    std::vector<std::string> scopes;  // all are needed
};

struct PromptCall : CallContext {
    const Json* arguments = nullptr;  // an object of strings, or null; required ones are there
    // Empty where it was not given.
    [[nodiscard]] std::string_view argument(std::string_view name) const;
};

struct PromptResult {
    std::string description;             // or empty
    loop::BlockChain messages;           // JSON objects with commas between (rpc/content.h)
    std::unique_ptr<InputRequired> ask;  // instead: the client must be asked first
};
using PromptOutcome = std::expected<PromptResult, CallFailure>;

class Prompt {
public:
    virtual ~Prompt() = default;
    [[nodiscard]] virtual const PromptInfo& info() const = 0;
    // Each suspends; `call` lives until the task has ended.
    [[nodiscard]] virtual loop::Task<PromptOutcome> get(PromptCall* call) = 0;
    // Values of one argument. Nothing unless overridden.
    [[nodiscard]] virtual loop::Task<CompletionOutcome> complete(CompletionCall* call);
};

}  // namespace fluxgate::rpc
