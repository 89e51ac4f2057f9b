#include "tools/row_shape.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>

#include "loop/block_chain.h"
#include "tools/limits.h"

namespace fluxgate::tools {
namespace {

constexpr Shape text_shape{.render = Render::text};
constexpr Shape number_shape{.render = Render::number};
constexpr Shape boolean_shape{.render = Render::boolean};
constexpr Shape json_shape{.render = Render::json};
constexpr Shape timestamp_shape{.render = Render::timestamp};
constexpr Shape timestamptz_shape{.render = Render::timestamptz};
constexpr Shape bytes_shape{.render = Render::bytes};
constexpr Shape vector_shape{.render = Render::vector};

// The built-in types whose OIDs PostgreSQL fixes for ever (catalog/pg_type.dat); null for all
// others.
const Shape* built_in_shape(uint32_t type) {
    switch (type) {
        case 16:
            return &boolean_shape;
        case 17:
            return &bytes_shape;
        case 20:    // bigint
        case 21:    // smallint
        case 23:    // integer
        case 26:    // oid
        case 700:   // real
        case 701:   // double precision
        case 1700:  // numeric
            return &number_shape;
        case 114:   // json
        case 3802:  // jsonb
            return &json_shape;
        case 1114:
            return &timestamp_shape;
        case 1184:
            return &timestamptz_shape;
        case 25:    // text
        case 1042:  // character
        case 1043:  // character varying
        case 1082:  // date
        case 2950:  // uuid
            return &text_shape;
        default:
            return nullptr;
    }
}

// pgvector's types have an OID of their own in each database, and maybe a schema in front of the
// name.
bool is_vector_name(std::string_view name) {
    const size_t dot = name.rfind('.');
    name.remove_prefix(dot == std::string_view::npos ? 0 : dot + 1);
    return name == "vector" || name == "halfvec";
}

const Shape* shape_at(const pg::Catalog& catalog, uint32_t type, loop::Arena* arena, size_t depth) {
    if (const Shape* shape = built_in_shape(type)) {
        return shape;
    }
    const pg::Type* known = catalog.find_type(type);
    if (known == nullptr || depth > limits::value_depth_max) {
        return &text_shape;
    }
    switch (known->kind) {
        case pg::Type::Kind::domain:
            return shape_at(catalog, known->element, arena, depth + 1);
        case pg::Type::Kind::array: {
            const pg::Type* element = catalog.find_type(known->element);
            return arena->create<Shape>(Render::array,
                                        element == nullptr ? known->delimiter : element->delimiter,
                                        shape_at(catalog, known->element, arena, depth + 1));
        }
        case pg::Type::Kind::composite: {
            const std::span<FieldShape> fields = arena->array<FieldShape>(known->fields.size());
            for (size_t i = 0; i < fields.size(); ++i) {
                fields[i].key = key_text(known->fields[i].name, i == 0, arena);
                fields[i].shape = shape_at(catalog, known->fields[i].type, arena, depth + 1);
            }
            return arena->create<Shape>(Render::composite, ',', nullptr, fields);
        }
        case pg::Type::Kind::base:
            return is_vector_name(known->name) ? &vector_shape : &text_shape;
        case pg::Type::Kind::enumeration:
        case pg::Type::Kind::range:
        case pg::Type::Kind::multirange:
        case pg::Type::Kind::pseudo:
            break;
    }
    return &text_shape;
}

template <rpc::Escape level>
std::string_view escaped(std::string_view name, loop::Arena* arena) {
    loop::BlockChain chain;
    rpc::append_escaped<level>(chain, name);
    char* copy = static_cast<char*>(arena->allocate(chain.size(), 1));
    size_t used = 0;
    chain.for_each([copy, &used](std::string_view piece) {
        piece.copy(copy + used, piece.size());
        used += piece.size();
    });
    return {copy, used};
}

std::string_view join_readable(std::initializer_list<std::string_view> parts, loop::Arena* arena) {
    size_t size = 0;
    for (std::string_view part : parts) {
        size += part.size();
    }
    char* joined = static_cast<char*>(arena->allocate(std::max(size, KeyText::readable_bytes), 1));
    std::memset(joined, 0, KeyText::readable_bytes);
    size_t used = 0;
    for (std::string_view part : parts) {
        part.copy(joined + used, part.size());
        used += part.size();
    }
    return {joined, size};
}

// Nearly all names: nothing to escape at either level.
bool is_plain(std::string_view name) {
    for (char c : name) {
        if (c < ' ' || c == '"' || c == '\\' || c == '\x7F') {  // char is signed: beyond ASCII too
            return false;
        }
    }
    return true;
}

}  // namespace

const Shape* shape_of(const pg::Catalog& catalog, uint32_t type, loop::Arena* arena) {
    return shape_at(catalog, type, arena, 1);
}

KeyText key_text(std::string_view name, bool first, loop::Arena* arena) {
    const std::string_view start = first ? "{" : ",";
    std::string_view once = name;
    std::string_view twice = name;
    if (!is_plain(name)) {
        once = escaped<rpc::Escape::once>(name, arena);
        twice = escaped<rpc::Escape::twice>(name, arena);
    }
    return {.once = join_readable({start, "\"", once, "\":\""}, arena),
            .twice = join_readable({start, "\\\"", twice, "\\\":\\\""}, arena)};
}

}  // namespace fluxgate::tools
