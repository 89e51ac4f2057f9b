// How a column's text becomes JSON, decided once per statement: the type OID is looked up here, not
// per value, and keys are escaped here, not per row. In the request's arena.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "loop/arena.h"
#include "pg/catalog.h"
#include "rpc/json_writer.h"

namespace fluxgate::tools {

enum class Render : uint8_t {
    text,  // a JSON string of PostgreSQL's text: uuid, enum, inet, interval, money, ranges, unknown
           // types
    number,  // the digits as they are; NaN and the infinities as strings
    boolean,
    json,         // verbatim (json, jsonb)
    timestamp,    // 2024-01-15T10:00:00.5, no offset: there is none
    timestamptz,  // RFC 3339: 2024-01-15T10:00:00.5Z
    bytes,        // bytea: base64 of the standard alphabet, padded
    vector,       // pgvector's [0.1,0.2] is JSON already
    array,        // a JSON array, nested as its dimensions are
    composite,    // a JSON object by field names
};

// A key with all that stands around it, at both levels: `,"name":"`. For a value without quotes,
// less the quote at the end. readable_bytes from the start of each may be read, so that a short one
// is copied whole.
struct KeyText {
    static constexpr size_t readable_bytes = 32;

    std::string_view once;
    std::string_view twice;

    template <rpc::Escape level>
    [[nodiscard]] std::string_view quoted() const {
        return level == rpc::Escape::once ? once : twice;
    }
    template <rpc::Escape level>
    [[nodiscard]] std::string_view bare() const {
        return level == rpc::Escape::once ? once.substr(0, once.size() - 1)
                                          : twice.substr(0, twice.size() - 2);
    }
};

struct FieldShape;

struct Shape {
    Render render = Render::text;
    char delimiter = ',';                     // array: between its elements
    const Shape* element = nullptr;           // array
    std::span<const FieldShape> fields = {};  // composite
};

struct FieldShape {
    KeyText key;
    const Shape* shape = nullptr;
};

// Types that the catalog does not know, and what is nested deeper than limits::value_depth_max, are
// text.
[[nodiscard]] const Shape* shape_of(const pg::Catalog& catalog, uint32_t type, loop::Arena* arena);
// `first` begins with { instead of a comma.
[[nodiscard]] KeyText key_text(std::string_view name, bool first, loop::Arena* arena);

}  // namespace fluxgate::tools
