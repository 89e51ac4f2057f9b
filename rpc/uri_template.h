// URI templates of RFC 6570 level 1 where a variable is one whole path segment:
// "fluxbase://schema/tables/{schema}/{table}".
//
// A URI matches if it has as many segments, the fixed ones are the same byte for byte, and each of
// the others is a non-empty value. Values are percent-decoded, so one may hold "/" or be "..":
// they are names, never paths. What is peer data and does not fit just does not match.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loop/arena.h"
#include "rpc/resource.h"

namespace fluxgate::rpc {

inline constexpr size_t uri_bytes_max = 2048;  // longer ones match nothing

class UriTemplate {
public:
    // A text that is no such template is our bug.
    explicit UriTemplate(std::string_view text);

    [[nodiscard]] const std::string& text() const { return text_; }
    // The variables in their order, names in this object and values in the arena; nothing if `uri`
    // does not match. Bad escapes, invalid UTF-8, U+0000, a query or a fragment do not.
    [[nodiscard]] std::optional<std::span<const TemplateVariable>> match(std::string_view uri,
                                                                         loop::Arena* arena) const;
    [[nodiscard]] bool has_variable(std::string_view name) const;
    // In their order; views of this object.
    [[nodiscard]] std::vector<std::string_view> variable_names() const;
    // The template with each variable replaced by what `uri` has at its place, where it has
    // something there.
    [[nodiscard]] std::string filled_like(std::string_view uri) const;

private:
    std::string text_;
    size_t variables_ = 0;
};

// As one path segment of a URI: all but letters, digits and -._~ as %XX.
[[nodiscard]] std::string encode_segment(std::string_view value);

}  // namespace fluxgate::rpc
