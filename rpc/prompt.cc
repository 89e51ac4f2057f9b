#include "rpc/prompt.h"

namespace fluxgate::rpc {

std::string_view PromptCall::argument(std::string_view name) const {
    const Json* member = arguments == nullptr ? nullptr : arguments->find(name);
    return member != nullptr && member->is_string() ? member->text : std::string_view{};
}

loop::Task<CompletionOutcome> Prompt::complete(CompletionCall*) {
    co_return CompletionOutcome{};
}

}  // namespace fluxgate::rpc
