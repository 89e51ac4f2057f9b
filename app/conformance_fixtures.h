// What the official MCP conformance suite wants to find in a server: tools, prompts and resources
// that it calls by name, each made to show one part of the protocol (docs/conformance.md).
//
// Ordinary entries for the ordinary registries, by the public interfaces only: nothing else in the
// product knows of them. `serve --conformance` registers them instead of the product's own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "rpc/prompt.h"
#include "rpc/resource.h"
#include "rpc/tool.h"

namespace fluxgate::app {

// Which list a fixture says has changed, though it has not.
enum class ListKind : uint8_t { tools, prompts };
// Tells the clients that listen. Runs on the tool's core.
using AnnounceChange = std::function<void(ListKind)>;

// Of one core. `announce` may be empty: then nobody is told.
[[nodiscard]] std::vector<std::unique_ptr<rpc::Tool>> make_conformance_tools(
    AnnounceChange announce);
[[nodiscard]] std::vector<std::unique_ptr<rpc::Resource>> make_conformance_resources();
[[nodiscard]] std::vector<std::unique_ptr<rpc::Prompt>> make_conformance_prompts();

}  // namespace fluxgate::app
