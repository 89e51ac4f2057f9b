// The prompts of one core, in name order. Filled at start, then constant.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "rpc/prompt.h"

namespace fluxgate::rpc {

class PromptRegistry {
public:
    // A name twice, or one that is no prompt name, is our bug.
    void add(std::unique_ptr<Prompt> prompt);

    [[nodiscard]] Prompt* find(std::string_view name) const;  // null: unknown
    [[nodiscard]] const std::vector<std::unique_ptr<Prompt>>& all() const { return prompts_; }

private:
    std::vector<std::unique_ptr<Prompt>> prompts_;  // by name
};

}  // namespace fluxgate::rpc
