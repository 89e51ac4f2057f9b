// What a caller may have meant by a name that is none: the nearest of those that it may see, as an
// end for the error's message. Empty where nothing is near.
#pragma once

#include <string>
#include <string_view>

#include "http/principal.h"
#include "rpc/prompt_registry.h"
#include "rpc/resource_registry.h"
#include "rpc/tool_registry.h"

namespace fluxgate::rpc {

[[nodiscard]] std::string tool_hint(const ToolRegistry& tools, const http::Principal* principal,
                                    std::string_view wanted);
[[nodiscard]] std::string prompt_hint(const PromptRegistry& prompts,
                                      const http::Principal* principal, std::string_view wanted);
// Of URIs; those of a template with the values that `wanted` has at the same places.
[[nodiscard]] std::string resource_hint(const ResourceRegistry& resources,
                                        const http::Principal* principal, std::string_view wanted);
// Of the templates as they are listed, for what names a template itself.
[[nodiscard]] std::string template_hint(const ResourceRegistry& resources,
                                        const http::Principal* principal, std::string_view wanted);

}  // namespace fluxgate::rpc
