#include "pg/identity.h"

#include <string_view>

namespace fluxgate::pg {
namespace {

// `IS NULL` keeps the claims from coming back as the result.
void add_setting(std::string& sql, std::string_view name, std::string_view value, bool is_local) {
    sql.append(sql.empty() ? "SELECT " : ", ")
        .append("pg_catalog.set_config('")
        .append(name)
        .append("',")
        .append(value)
        .append(is_local ? ",true) IS NULL" : ",false) IS NULL");
}

}  // namespace

std::string identity_sql(const IdentityOptions& options) {
    std::string sql;
    add_setting(sql, "request.jwt.claims", "$1", options.is_local);
    if (options.with_timeout || options.pooler) add_setting(sql, "statement_timeout", "$2", true);
    if (!options.pooler) return sql;
    add_setting(sql, "DateStyle", "'ISO'", true);
    add_setting(sql, "IntervalStyle", "'iso_8601'", true);
    add_setting(sql, "TimeZone", "'UTC'", true);
    add_setting(sql, "extra_float_digits", "'1'", true);
    add_setting(sql, "bytea_output", "'hex'", true);
    // The gateway's own statements run as its login.
    if (options.role != Role::gateway) add_setting(sql, "role", "$3", options.is_local);
    return sql;
}

}  // namespace fluxgate::pg
