// Name, description and schemas of the tool query_table.
#pragma once

#include "rpc/tool.h"

namespace fluxgate::tools {

[[nodiscard]] rpc::ToolInfo query_table_info();

}  // namespace fluxgate::tools
