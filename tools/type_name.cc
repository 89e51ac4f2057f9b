#include "tools/type_name.h"

#include "tools/limits.h"

namespace fluxgate::tools {

const pg::Type* base_type(const pg::Catalog& catalog, uint32_t oid) {
    // A domain over a domain over…: PostgreSQL allows no circle, the bound is for a broken catalog.
    for (size_t i = 0; i < limits::value_depth_max; ++i) {
        const pg::Type* type = catalog.find_type(oid);
        if (type == nullptr || type->kind != pg::Type::Kind::domain) {
            return type;
        }
        oid = type->element;
    }
    return nullptr;
}

std::string_view schema_of_type(const pg::Type* type) {
    if (is_built_in(type) || type->kind != pg::Type::Kind::base) {
        return {};
    }
    const std::string_view name = type->name;
    bool is_quoted = false;
    for (size_t i = 0; i < name.size(); ++i) {
        if (name[i] == '"') {
            is_quoted = !is_quoted;
        } else if (name[i] == '.' && !is_quoted) {
            return name.substr(0, i);
        }
    }
    return {};
}

}  // namespace fluxgate::tools
