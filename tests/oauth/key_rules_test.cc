#include "oauth/key_rules.h"

#include <gtest/gtest.h>

namespace fluxgate::oauth {
namespace {

using std::chrono::hours;

const loop::WallTime now{std::chrono::seconds(1'800'000'000)};

ServiceKeyRow service_row() {
    ServiceKeyRow row;
    row.id = "11111111-1111-4111-8111-111111111111";
    row.enabled = true;
    row.scopes = {"*"};
    return row;
}

ClientKeyRow client_row() {
    ClientKeyRow row;
    row.id = "22222222-2222-4222-8222-222222222222";
    row.user_id = "a11ce000-0000-4000-8000-000000000001";
    row.scopes = {"read:tables"};
    return row;
}

TEST(ServiceKey, RunsAsServiceRoleWithAllScopes) {
    const auto principal = judge(service_row(), now);
    ASSERT_TRUE(principal);
    EXPECT_EQ(principal->role, http::Role::service_role);
    EXPECT_TRUE(principal->has_scope("admin:ddl"));
    EXPECT_EQ(principal->claims, R"({"role":"service_role","sub":""})");
}

TEST(ServiceKey, HasOnlyItsScopesWhenTheyAreListed) {
    ServiceKeyRow row = service_row();
    row.scopes = {"read:tables"};
    const auto principal = judge(row, now);
    ASSERT_TRUE(principal);
    EXPECT_TRUE(principal->has_scope("read:tables"));
    EXPECT_FALSE(principal->has_scope("write:tables"));
}

TEST(ServiceKey, IsRefusedWhenDisabledRevokedOrExpired) {
    ServiceKeyRow row = service_row();
    row.enabled = false;
    EXPECT_EQ(judge(row, now).error(), Refusal::disabled);
    row = service_row();
    row.revoked = true;
    EXPECT_EQ(judge(row, now).error(), Refusal::revoked);
    row = service_row();
    row.expires_at = now;
    EXPECT_EQ(judge(row, now).error(), Refusal::expired);
    row.expires_at = now + std::chrono::seconds(1);
    EXPECT_TRUE(judge(row, now));
}

TEST(ServiceKey, WorksUntilTheEndOfItsGracePeriodOnceDeprecated) {
    ServiceKeyRow row = service_row();
    row.deprecated_at = now - hours(1);
    EXPECT_EQ(judge(row, now).error(), Refusal::expired);
    row.grace_period_ends_at = now + hours(1);
    EXPECT_TRUE(judge(row, now));
    EXPECT_EQ(valid_until(row), now + hours(1));
    row.grace_period_ends_at = now;
    EXPECT_EQ(judge(row, now).error(), Refusal::expired);
}

TEST(ServiceKey, IsNotYetDeprecatedBeforeThatTime) {
    ServiceKeyRow row = service_row();
    row.deprecated_at = now + hours(2);
    EXPECT_TRUE(judge(row, now));
    EXPECT_EQ(valid_until(row), now + hours(2));
    row.expires_at = now + hours(1);
    EXPECT_EQ(valid_until(row), now + hours(1));
}

TEST(ClientKey, RunsAsAuthenticatedWithItsOwnersId) {
    const auto principal = judge(client_row(), true, now);
    ASSERT_TRUE(principal);
    EXPECT_EQ(principal->role, http::Role::authenticated);
    EXPECT_EQ(principal->claims,
              R"({"role":"authenticated","sub":"a11ce000-0000-4000-8000-000000000001"})");
    EXPECT_FALSE(principal->has_scope("write:tables"));
}

TEST(ClientKey, IsRefusedWhenRevokedOrExpired) {
    ClientKeyRow row = client_row();
    row.revoked = true;
    EXPECT_EQ(judge(row, true, now).error(), Refusal::revoked);
    row = client_row();
    row.expires_at = now;
    EXPECT_EQ(judge(row, true, now).error(), Refusal::expired);
}

TEST(ClientKey, OfAUserIsRefusedWhileUserKeysAreDisabledButASystemKeyIsNot) {
    ClientKeyRow row = client_row();
    EXPECT_EQ(judge(row, false, now).error(), Refusal::user_keys_disabled);
    row.user_id.clear();
    const auto principal = judge(row, false, now);
    ASSERT_TRUE(principal);
    EXPECT_EQ(principal->claims, R"({"role":"authenticated","sub":""})");
}

TEST(ClientKey, WithoutScopesMayDoNothing) {
    ClientKeyRow row = client_row();
    row.scopes.clear();
    EXPECT_FALSE(judge(row, true, now)->has_scope("read:tables"));
    EXPECT_FALSE(judge(row, true, now)->has_scope(""));
}

TEST(Claims, EscapeWhatJsonNeedsEscaped) {
    EXPECT_EQ(claims_json("a\"b", "c\\d\n"), "{\"role\":\"a\\\"b\",\"sub\":\"c\\\\d\\n\"}");
}

}  // namespace
}  // namespace fluxgate::oauth
