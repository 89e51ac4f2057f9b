// What must be true of the logins, on a real PostgreSQL.
#include "pg/startup_check.h"

#include "tests/pg/pool_fixture.h"

namespace fluxgate::pg::test {
namespace {

class StartupCheckTest : public PoolTest {
protected:
    std::expected<StartupReport, Error> check(bool allow_shared_login) {
        std::optional<std::expected<StartupReport, Error>> report;
        loop::Scope scope(loop.get());
        StartupCheckOptions options;
        options.allow_shared_login = allow_shared_login;
        auto task =
            [](loop::Scope* of, Pool* with, StartupCheckOptions given,
               std::optional<std::expected<StartupReport, Error>>* into) -> loop::Task<void> {
            auto got = co_await check_startup(of, with, given);
            into->emplace(std::move(got));
        };
        scope.spawn("check", task(&scope, pool.get(), options, &report));
        run_until(*loop, [&] { return scope.empty(); });
        return *report;
    }
    void use_logins(const std::string& user, const std::string& auth) {
        Options options = options_for(cluster);
        options.user_login.user = user;
        options.auth_login.user = auth;
        make_pool(options);
    }
};

TEST_F(StartupCheckTest, SeparateLoginsPass) {
    const auto report = check(false);
    ASSERT_TRUE(report.has_value());
    EXPECT_TRUE(report->faults.empty());
}

TEST_F(StartupCheckTest, AUserLoginThatReachesServiceRoleIsRefused) {
    cluster.execute(
        "DROP ROLE IF EXISTS fg_wide, fg_between;"
        "CREATE ROLE fg_between NOLOGIN IN ROLE service_role;"
        "CREATE ROLE fg_wide LOGIN NOINHERIT IN ROLE anon, authenticated, fg_between");
    use_logins("fg_wide", "fg_auth");
    const auto report = check(false);
    ASSERT_TRUE(report.has_value());
    ASSERT_EQ(report->faults.size(), 1u);
    EXPECT_NE(report->faults[0].find("\"fg_wide\""), std::string::npos);
    EXPECT_NE(report->faults[0].find("service_role"), std::string::npos);
    EXPECT_NE(report->faults[0].find("allow_shared_login"), std::string::npos);
}

TEST_F(StartupCheckTest, ASuperuserIsRefused) {
    cluster.execute("DROP ROLE IF EXISTS fg_super; CREATE ROLE fg_super LOGIN SUPERUSER");
    use_logins("fg_super", "fg_auth");
    const auto report = check(false);
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->faults.size(), 2u);
}

TEST_F(StartupCheckTest, AMemberOfARoleThatBypassesRowSecurityIsRefused) {
    cluster.execute(
        "DROP ROLE IF EXISTS fg_bypass, fg_member; CREATE ROLE fg_bypass BYPASSRLS;"
        "CREATE ROLE fg_member LOGIN IN ROLE anon, authenticated, fg_bypass");
    use_logins("fg_member", "fg_auth");
    const auto report = check(false);
    ASSERT_TRUE(report.has_value());
    ASSERT_EQ(report->faults.size(), 1u);
    EXPECT_NE(report->faults[0].find("\"fg_bypass\""), std::string::npos);
}

TEST_F(StartupCheckTest, AUserLoginThatReadsTheKeysIsRefused) {
    use_logins("fg_user", "fg_user");
    const auto report = check(false);
    ASSERT_TRUE(report.has_value());
    ASSERT_EQ(report->faults.size(), 1u);
    EXPECT_NE(report->faults[0].find("key tables"), std::string::npos);
}

TEST_F(StartupCheckTest, AllowSharedLoginTurnsFaultsIntoWarnings) {
    use_logins("fg_user", "fg_user");
    const auto report = check(true);
    ASSERT_TRUE(report.has_value());
    EXPECT_TRUE(report->faults.empty());
    EXPECT_GE(report->warnings.size(), 1u);
}

TEST_F(StartupCheckTest, WithoutADatabaseNothingIsKnown) {
    cluster.stop_immediately();
    EXPECT_FALSE(check(false).has_value());
    cluster.start();
}

TEST(VersionWarning, NamesTheReleaseToUpdateTo) {
    EXPECT_EQ(version_warning(150020), "");
    EXPECT_EQ(version_warning(170006), "");
    EXPECT_EQ(version_warning(180000), "");
    EXPECT_NE(version_warning(150008).find("15.14"), std::string::npos);
    EXPECT_NE(version_warning(150008).find("CVE-2024-10976"), std::string::npos);
    EXPECT_NE(version_warning(160006).find("CVE-2025-8713"), std::string::npos);
    EXPECT_NE(version_warning(130022).find("not supported"), std::string::npos);
}

}  // namespace
}  // namespace fluxgate::pg::test
