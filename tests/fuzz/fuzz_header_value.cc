// Any bytes as the value of Mcp-Name or Mcp-Param-*: what is decoded is UTF-8 and has one spelling
// in base64, and comparing agrees with decoding. A second line is a JSON number to compare with.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "loop/arena.h"
#include "loop/check.h"
#include "loop/crypto.h"
#include "rpc/header_value.h"
#include "rpc/json_reader.h"
#include "rpc/param_headers.h"

namespace {

using fluxgate::rpc::ParamHeader;

constexpr size_t document_bytes_max = 1 << 16;

void check_decoding(std::string_view value) {
    const auto decoded = fluxgate::rpc::decode_header_value(value);
    if (!decoded) {
        FLUX_CHECK(value.starts_with("=?base64?") && value.ends_with("?="));
        FLUX_CHECK(!fluxgate::rpc::header_value_is(value, value));
        return;
    }
    FLUX_CHECK(fluxgate::rpc::header_value_is(value, *decoded));
    if (*decoded == value) return;
    FLUX_CHECK(fluxgate::rpc::is_utf8(*decoded));
    std::string again(fluxgate::loop::base64_bytes(decoded->size()), '\0');
    fluxgate::loop::base64_encode_into(
        {reinterpret_cast<const uint8_t*>(decoded->data()), decoded->size()}, again.data());
    FLUX_CHECK(value == "=?base64?" + again + "?=");
}

void check_argument(std::string_view value, std::string_view json) {
    static fluxgate::rpc::JsonReader reader(document_bytes_max);
    static const std::vector<ParamHeader> headers = {{.field = "mcp-param-a", .path = {"a"}}};
    std::string text = R"({"a":)" + std::string(json) + "}";
    const size_t bytes = text.size();
    text.append(64, '\0');
    fluxgate::loop::Arena arena;
    const auto document = reader.read(std::string_view(text).substr(0, bytes), arena);
    if (!document) return;
    const fluxgate::rpc::FieldView field{"Mcp-Param-A", value};
    const bool fits =
        fluxgate::rpc::find_param_mismatch(headers, *document, {&field, 1}) == nullptr;
    const fluxgate::rpc::Json* argument = (*document)->find("a");
    if (argument->is_string()) {
        FLUX_CHECK(fits == fluxgate::rpc::header_value_is(value, argument->text));
    } else if (argument->is_number() && value == argument->text) {
        FLUX_CHECK(fits);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size > document_bytes_max / 2) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const size_t line = bytes.find('\n');
    const std::string_view value = bytes.substr(0, line);
    check_decoding(value);
    if (line != std::string_view::npos) check_argument(value, bytes.substr(line + 1));
    return 0;
}
