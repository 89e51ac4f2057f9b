// Types as SQL text has to name them.
#pragma once

#include <cstdint>
#include <string_view>

#include "pg/catalog.h"

namespace fluxgate::tools {

// Through domains down to the type that a value really has; null where the catalog does not know
// it.
[[nodiscard]] const pg::Type* base_type(const pg::Catalog& catalog, uint32_t oid);

// The schema, quoted where it must be, of an extension's base type, as the catalog's name has it;
// empty for what is PostgreSQL's own: the operators and aggregates of such a type live beside it.
// Enums, composites, ranges and arrays need none: their operators are PostgreSQL's own.
[[nodiscard]] std::string_view schema_of_type(const pg::Type* type);

// Of a type that PostgreSQL itself brings: its OID is fixed (FirstNormalObjectId is 16384).
[[nodiscard]] inline bool is_built_in(const pg::Type* type) {
    return type == nullptr || type->oid < 16'384;
}

}  // namespace fluxgate::tools
