#include "rpc/header_value.h"

#include "loop/crypto.h"
#include "rpc/json_reader.h"

namespace fluxgate::rpc {

namespace {

constexpr std::string_view sentinel_begin = "=?base64?";
constexpr std::string_view sentinel_end = "?=";

// The question mark of the beginning is not that of the end: "=?base64?=" is a literal.
bool is_encoded(std::string_view value) {
    return value.size() >= sentinel_begin.size() + sentinel_end.size() &&
           value.starts_with(sentinel_begin) && value.ends_with(sentinel_end);
}

}  // namespace

std::optional<std::string> decode_header_value(std::string_view value) {
    if (!is_encoded(value)) return std::string(value);
    value.remove_prefix(sentinel_begin.size());
    value.remove_suffix(sentinel_end.size());
    std::optional<std::string> decoded = loop::base64_decode(value);
    if (decoded && !is_utf8(*decoded)) decoded.reset();
    return decoded;
}

bool header_value_is(std::string_view value, std::string_view text) {
    if (!is_encoded(value)) return value == text;
    return decode_header_value(value) == text;
}

}  // namespace fluxgate::rpc
