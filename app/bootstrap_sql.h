// What `fluxgate bootstrap` puts into a database, as steps that may run any number of times.
//
// Written from the described behaviour of Fluxbase's schema: the columns of its key tables and the
// meaning of its auth.* functions are the same, so that keys and policies work on both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/table_name.h"

namespace fluxgate::app {

// own: ours to fill and to harden. fluxbase: Fluxbase made it; only logins and what they need are
// added.
enum class DatabaseKind : uint8_t { own, fluxbase };

struct BootstrapNames {
    std::string user_login, service_login, auth_login;
    bool make_logins = true;  // false: one shared login, which is there
};

struct BootstrapStep {
    enum class Need : uint8_t {
        required,
        optional,  // where the administrator may not do it, fluxgate works without
    };
    std::string what;        // "role anon"
    std::string condition;   // SQL, boolean: it is there already. Empty: runs each time
    std::string statements;  // with a condition: PL/pgSQL, for the body of a DO
    Need need = Need::required;
    std::string only_if;  // SQL, boolean: it makes sense here. Empty: always
    std::string why_not;  // where only_if is false, or where there are no statements
};

// Objects of ours outside of schema auth; the tools hide it as they hide auth.
inline constexpr std::string_view own_schema = "fluxgate";
inline constexpr std::string_view key_channel = "fluxgate_keys";
inline constexpr std::string_view schema_channel = "fluxgate_schema";
// How a later run tells our key tables from Fluxbase's.
using tools::own_mark;

[[nodiscard]] std::vector<BootstrapStep> bootstrap_steps(const BootstrapNames& names,
                                                         DatabaseKind kind);
// SQL, boolean: the database is Fluxbase's.
[[nodiscard]] std::string is_fluxbase_condition();
// The step as one piece of SQL that checks its condition itself.
[[nodiscard]] std::string guarded(const BootstrapStep& step);
// 'text' as a literal; the sessions that read it have standard_conforming_strings on.
[[nodiscard]] std::string quote_literal(std::string_view text);

}  // namespace fluxgate::app
