#include "oauth/key_rules.h"

#include <algorithm>

#include "loop/block_chain.h"
#include "rpc/json_writer.h"

namespace fluxgate::oauth {
namespace {

void set_scopes(http::Principal& principal, const std::vector<std::string>& scopes) {
    principal.all_scopes = std::ranges::find(scopes, "*") != scopes.end();
    principal.scopes = scopes;
    std::ranges::sort(principal.scopes);
}

}  // namespace

std::string_view to_string(Refusal refusal) {
    switch (refusal) {
        case Refusal::unknown:
            return "unknown";
        case Refusal::disabled:
            return "disabled";
        case Refusal::revoked:
            return "revoked";
        case Refusal::expired:
            return "expired";
        case Refusal::user_keys_disabled:
            return "user_keys_disabled";
    }
    return "unknown";
}

std::string claims_json(std::string_view role, std::string_view subject) {
    loop::BlockChain json;
    rpc::JsonWriter<rpc::Escape::once> writer(json);
    writer.raw('{');
    writer.key("role");
    writer.string(role);
    writer.raw(',');
    writer.key("sub");
    writer.string(subject);
    writer.raw('}');
    return json.to_string();
}

std::expected<http::Principal, Refusal> judge(const ServiceKeyRow& row, loop::WallTime now) {
    if (row.revoked) return std::unexpected(Refusal::revoked);
    if (!row.enabled) return std::unexpected(Refusal::disabled);
    if (row.expires_at && *row.expires_at <= now) return std::unexpected(Refusal::expired);
    // A rotated key works until the end of its grace period; without one it is over at once.
    if (row.deprecated_at && *row.deprecated_at <= now &&
        (!row.grace_period_ends_at || *row.grace_period_ends_at <= now))
        return std::unexpected(Refusal::expired);

    http::Principal principal;
    principal.kind = http::PrincipalKind::service_key;
    principal.role = http::Role::service_role;
    principal.key_id = row.id;
    principal.claims = claims_json("service_role", "");
    set_scopes(principal, row.scopes);
    return principal;
}

std::expected<http::Principal, Refusal> judge(const ClientKeyRow& row, bool user_keys_allowed,
                                              loop::WallTime now) {
    if (row.revoked) return std::unexpected(Refusal::revoked);
    if (row.expires_at && *row.expires_at <= now) return std::unexpected(Refusal::expired);
    if (!row.user_id.empty() && !user_keys_allowed)
        return std::unexpected(Refusal::user_keys_disabled);

    http::Principal principal;
    principal.kind = http::PrincipalKind::client_key;
    principal.role = http::Role::authenticated;
    principal.subject = row.user_id;
    principal.key_id = row.id;
    principal.claims = claims_json("authenticated", row.user_id);
    set_scopes(principal, row.scopes);
    return principal;
}

std::optional<loop::WallTime> valid_until(const ServiceKeyRow& row) {
    std::optional<loop::WallTime> until = row.expires_at;
    auto earlier = [&until](loop::WallTime at) { until = until ? std::min(*until, at) : at; };
    if (row.deprecated_at) {
        earlier(row.grace_period_ends_at ? std::max(*row.deprecated_at, *row.grace_period_ends_at)
                                         : *row.deprecated_at);
    }
    return until;
}

}  // namespace fluxgate::oauth
