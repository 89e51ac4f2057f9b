#include "rpc/prompt_registry.h"

#include <algorithm>
#include <utility>

#include "loop/check.h"
#include "rpc/tool_registry.h"

namespace fluxgate::rpc {

namespace {

bool is_before(const std::unique_ptr<Prompt>& prompt, std::string_view name) {
    return prompt->info().name < name;
}

}  // namespace

void PromptRegistry::add(std::unique_ptr<Prompt> prompt) {
    const std::string_view name = prompt->info().name;
    FLUX_CHECK(is_tool_name(name));
    const auto at = std::lower_bound(prompts_.begin(), prompts_.end(), name, is_before);
    FLUX_CHECK(at == prompts_.end() || (*at)->info().name != name);
    prompts_.insert(at, std::move(prompt));
}

Prompt* PromptRegistry::find(std::string_view name) const {
    const auto at = std::lower_bound(prompts_.begin(), prompts_.end(), name, is_before);
    return at != prompts_.end() && (*at)->info().name == name ? at->get() : nullptr;
}

}  // namespace fluxgate::rpc
