// Mcp-Param-*: arguments of a tool that its client repeats as header fields, so that what stands
// before the server can route by them (revision 2026-07-28, `x-mcp-header` in an inputSchema).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rpc/json.h"

namespace fluxgate::rpc {

// One marked property, found once when a tool is registered.
struct ParamHeader {
    std::string field;              // "mcp-param-region", lower case
    std::vector<std::string> path;  // of properties, from the arguments down
};

// The marked properties of an input schema. `schema` is ours and has been checked: a mark that is
// no RFC 9110 token, stands twice (ignoring case), is not on a string, integer or boolean, or is
// not reached through `properties` alone, is an error, returned as text.
struct ParamHeaders {
    std::vector<ParamHeader> headers;
    std::string error;  // empty: fine
};
[[nodiscard]] ParamHeaders find_param_headers(std::string_view schema);

struct FieldView {
    std::string_view name;  // as sent
    std::string_view value;
};

// The first marked argument whose field is absent, repeated, undecodable or different; null if all
// fit. An argument that is absent, null, an object or an array expects no field (the last two are
// refused with the arguments). Strings compare byte for byte, booleans as true and false, numbers
// by their JSON token or, if both are integers in decimal digits, by value: 42.0 is 42.
[[nodiscard]] const ParamHeader* find_param_mismatch(std::span<const ParamHeader> headers,
                                                     const Json* arguments,
                                                     std::span<const FieldView> fields);

}  // namespace fluxgate::rpc
