// What tools, prompts, resources and completions have returned, as JSON-RPC replies.
#pragma once

#include <span>
#include <string>

#include "rpc/prompt.h"
#include "rpc/reply.h"
#include "rpc/resource.h"
#include "rpc/results.h"
#include "rpc/signed_value.h"
#include "rpc/tool.h"

namespace fluxgate::rpc {

[[nodiscard]] Reply tool_reply(const Results& results, ToolResult&& result,
                               const RpcMessage& message, const Protocol& protocol);
[[nodiscard]] Reply prompt_reply(const Results& results, PromptResult&& result,
                                 const RpcMessage& message, const Protocol& protocol);
// `uri`: what was asked for, where it was not found.
[[nodiscard]] Reply read_reply(const Results& results, const ResourceInfo& info,
                               ReadResult&& result, std::string_view uri, const RpcMessage& message,
                               const Protocol& protocol);
[[nodiscard]] Reply resource_not_found(std::string_view uri, const RpcMessage& message,
                                       const Protocol& protocol, std::string_view hint);
// At most `most` of `values`, and how many there are.
[[nodiscard]] Reply completion_reply(const Results& results, std::span<const std::string> values,
                                     size_t most, const RpcMessage& message,
                                     const Protocol& protocol);
// The end of a list's page: the array's bracket, nextCursor if `last` is not empty, hints for
// caches.
void close_page(loop::BlockChain& out, std::string_view last, const Signer& signer,
                std::string_view list, const Caller& caller);
[[nodiscard]] Reply failure_reply(const CallFailure& failure, const RpcMessage& message,
                                  const Protocol& protocol);

}  // namespace fluxgate::rpc
