// May a caller see and use what needs certain scopes: the one rule for tools, resources and
// prompts.
#pragma once

#include <span>
#include <string>

#include "http/principal.h"

namespace fluxgate::rpc {

// All of `needed`. Null: a caller without any scope.
[[nodiscard]] bool has_scopes(const http::Principal* principal,
                              std::span<const std::string> needed);

}  // namespace fluxgate::rpc
