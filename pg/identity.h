// The identity step of a segment: one SELECT of set_config(…, local), so that it ends with the
// segment's transaction.
#pragma once

#include <string>

#include "pg/query.h"

namespace fluxgate::pg {

struct IdentityOptions {
    Role role = Role::anon;
    bool with_timeout = false;
    bool pooler = false;
    bool is_local = true;  // false only in the isolation test's mutation
};

// Parameters, all text: $1 the claims; then, where asked for, the statement timeout in ms; behind a
// pooler also the role, which comes last because settings before it may need
// the login's rights.
[[nodiscard]] std::string identity_sql(const IdentityOptions& options);

}  // namespace fluxgate::pg
