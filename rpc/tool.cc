#include "rpc/tool.h"

#include "rpc/json_writer.h"

namespace fluxgate::rpc {

ToolResult tool_error(std::string_view text) {
    ToolResult result;
    append_escaped<Escape::once>(result.text, text);
    result.is_error = true;
    return result;
}

}  // namespace fluxgate::rpc
