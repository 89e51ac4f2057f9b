// What a row of auth.service_keys or auth.client_keys means: may this key be used now, and as whom.
//
// Pure: rows in, Principal or a reason out. The columns and their intended meaning are Fluxbase's
// (docs/security.md, "Keys"), including what Fluxbase stores and does not check: revocation, the
// rotation columns and the scopes of service keys.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/principal.h"
#include "loop/clock.h"

namespace fluxgate::oauth {

struct ServiceKeyRow {
    std::string id;
    std::string key_hash;  // bcrypt of the whole key
    std::vector<std::string> scopes;
    bool enabled = false;
    bool revoked = false;  // revoked_at is set, or the key is in service_key_revocations
    std::optional<loop::WallTime> expires_at;
    std::optional<loop::WallTime> deprecated_at;
    std::optional<loop::WallTime> grace_period_ends_at;
};

struct ClientKeyRow {
    std::string id;
    std::string user_id;  // empty: a system key
    std::vector<std::string> scopes;
    bool revoked = false;
    std::optional<loop::WallTime> expires_at;
};

enum class Refusal : uint8_t {
    unknown,  // no such key, or the secret does not match
    disabled,
    revoked,
    expired,
    user_keys_disabled,  // app.auth.allow_user_client_keys is false: 403, not 401
};
[[nodiscard]] std::string_view to_string(Refusal refusal);  // for the log

// Without the rate limit: the caller adds the process-wide one.
[[nodiscard]] std::expected<http::Principal, Refusal> judge(const ServiceKeyRow& row,
                                                            loop::WallTime now);
[[nodiscard]] std::expected<http::Principal, Refusal> judge(const ClientKeyRow& row,
                                                            bool user_keys_allowed,
                                                            loop::WallTime now);
// When the verdict can change by itself: the next expiry or end of grace. Caches must not outlive
// it.
[[nodiscard]] std::optional<loop::WallTime> valid_until(const ServiceKeyRow& row);

// {"role":"…","sub":"…"}, as Fluxbase's MCP endpoint sets request.jwt.claims. Both parts are
// JSON-escaped.
[[nodiscard]] std::string claims_json(std::string_view role, std::string_view subject);

}  // namespace fluxgate::oauth
