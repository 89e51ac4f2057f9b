// Who is asking: what a credential was resolved to. A value; no credential is in it.
//
// Made once per cached credential by oauth/, shared by the requests of one loop, immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "loop/sliding_limit.h"

namespace fluxgate::http {

enum class Role : uint8_t { anon, authenticated, service_role };
enum class PrincipalKind : uint8_t { service_key, client_key, oauth_token, jwt };

struct Principal {
    PrincipalKind kind = PrincipalKind::client_key;
    Role role = Role::anon;   // the database role to run as
    std::string subject;      // the user's id, or empty
    std::string key_id;       // the key's or client's id, for logs and last_used_at; never the key
    std::string claims;       // JSON for request.jwt.claims, at least {"role":…,"sub":…}
    bool all_scopes = false;  // service keys, and keys with the scope *
    std::vector<std::string> scopes;
    // Shared by all loops: the limit holds for the process. Null where there is no limit.
    std::shared_ptr<loop::SlidingLimit> rate_limit;

    [[nodiscard]] bool has_scope(std::string_view scope) const {
        if (all_scopes) return true;
        for (const std::string& own : scopes)
            if (own == scope) return true;
        return false;
    }
};

using PrincipalPtr = std::shared_ptr<const Principal>;

}  // namespace fluxgate::http
