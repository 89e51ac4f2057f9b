// The results of tools/list as bytes: built once for a revision and a set of callable tools, then
// copied.
//
// A caller sees the tools that it may call. Which those are depends only on which of the tools'
// scopes it has, so the bytes are kept by revision and by that set. Belongs to one core.
#pragma once

#include <bitset>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/principal.h"
#include "rpc/protocol.h"
#include "rpc/results.h"
#include "rpc/tool_registry.h"

namespace fluxgate::rpc {

class ToolList {
public:
    static constexpr size_t scopes_max = 128;  // distinct ones over all tools; ours, so a check
    static constexpr size_t lists_max = 64;    // kept at a time, then the oldest one goes

    // `tools` is complete, and outlives this as `results` does.
    ToolList(const ToolRegistry& tools, const Results* results);

    // {"tools":[...]}, in name order. Valid until the next call. Null: a caller without any scope.
    [[nodiscard]] std::string_view result(const http::Principal* principal,
                                          const Protocol& protocol);

private:
    using ScopeSet = std::bitset<scopes_max>;
    struct List {
        Revision revision;
        ScopeSet scopes;
        std::string result;
    };
    [[nodiscard]] ScopeSet scopes_of(const http::Principal* principal) const;
    [[nodiscard]] std::string build(const ScopeSet& scopes, const Protocol& protocol) const;

    const ToolRegistry& tools_;
    const Results& results_;
    std::vector<std::string_view> scopes_;  // the distinct ones
    std::vector<ScopeSet> needed_;          // of each tool
    std::vector<List> lists_;
    size_t oldest_ = 0;  // the next one to be replaced, once there are lists_max
};

}  // namespace fluxgate::rpc
