// The notifications about lists and resources as JSON. `subscription`: the token of the listen
// request's id, from 2026-07-28 on; empty before.
#pragma once

#include <string>
#include <string_view>

namespace fluxgate::rpc {

[[nodiscard]] std::string tools_list_changed(std::string_view subscription);
[[nodiscard]] std::string prompts_list_changed(std::string_view subscription);
[[nodiscard]] std::string resources_list_changed(std::string_view subscription);
[[nodiscard]] std::string resource_updated(std::string_view uri, std::string_view subscription);

}  // namespace fluxgate::rpc
