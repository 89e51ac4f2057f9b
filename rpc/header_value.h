// Values of Mcp-Name and Mcp-Param-*: plain, or in the base64 sentinel of revision 2026-07-28.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::rpc {

// "=?base64?SGVsbG8=?=" is decoded strictly (standard alphabet, padded, valid UTF-8 inside);
// nothing if it is malformed. A value without the whole prefix or without the suffix is a literal.
// Surrounding white space was removed by the parser.
[[nodiscard]] std::optional<std::string> decode_header_value(std::string_view value);
// Whether `value` decodes to `text`, byte for byte. Allocates only for an encoded one.
[[nodiscard]] bool header_value_is(std::string_view value, std::string_view text);

}  // namespace fluxgate::rpc
