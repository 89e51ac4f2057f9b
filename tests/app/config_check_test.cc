// Values that contradict each other, and what serving needs.
#include "app/config_check.h"

#include "tests/app/config_fixture.h"

namespace fluxgate::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ConfigCheck : public ConfigFixture {
protected:
    ConfigErrors serving_errors(const std::string& yaml) {
        const auto config = load(yaml);
        EXPECT_TRUE(config);
        return config ? check_for_serving(*config) : ConfigErrors();
    }
};

TEST_F(ConfigCheck, LetsTheDefaultsServe) {
    EXPECT_THAT(serving_errors(""), IsEmpty());
}

TEST_F(ConfigCheck, ReadsPasswordFilesRelativeToTheFile) {
    write("keys/user", "one\n");
    const auto config = load("gateway: {database: {user_login: {password_file: keys/user}}}");
    ASSERT_TRUE(config) << config.error()[0];
    EXPECT_EQ(config->gateway.database.user_login.password.reveal(), "one");
}

TEST_F(ConfigCheck, ReportsAPasswordFileThatCanNotBeUsed) {
    EXPECT_THAT(
        errors_of("gateway:\n  database:\n    auth_login: {password_file: none}\n"),
        ElementsAre("fluxbase.yaml:3: gateway.database.auth_login.password_file: none does not "
                    "exist; fluxgate bootstrap makes it"));
    write("open", "x", 0644);
    EXPECT_THAT(errors_of("gateway: {database: {auth_login: {password_file: open}}}"),
                ElementsAre(HasSubstr("chmod 600")));
}

TEST_F(ConfigCheck, RefusesAPasswordAndAFileInOneLayer) {
    write("p", "x");
    EXPECT_THAT(errors_of("gateway: {database: {user_login: {password: a, password_file: p}}}"),
                ElementsAre(HasSubstr("user_login.password is set too; keep one of them")));
}

TEST_F(ConfigCheck, LetsAVariableReplaceAPasswordFile) {
    const auto config = load("gateway: {database: {user_login: {password_file: absent}}}",
                             {{"FLUXBASE_GATEWAY_DATABASE_USER_LOGIN_PASSWORD", "b"}});
    ASSERT_TRUE(config) << config.error()[0];
    EXPECT_EQ(config->gateway.database.user_login.password.reveal(), "b");
}

TEST_F(ConfigCheck, LetsAFileOfTheEnvironmentReplaceAPassword) {
    const auto config =
        load("gateway: {database: {user_login: {password: a}}}",
             {{"FLUXBASE_GATEWAY_DATABASE_USER_LOGIN_PASSWORD_FILE", write("p", "c").string()}});
    ASSERT_TRUE(config) << config.error()[0];
    EXPECT_EQ(config->gateway.database.user_login.password.reveal(), "c");
}

TEST_F(ConfigCheck, RefusesTimesThatContradictEachOther) {
    EXPECT_THAT(errors_of("gateway: {database: {fast_timeout: 2s, statement_timeout: 1s}}"),
                ElementsAre(HasSubstr("fast_timeout: 2s is longer than")));
    EXPECT_THAT(errors_of("mcp: {oauth: {token_expiry: 2h, refresh_token_expiry: 1h}}"),
                ElementsAre(HasSubstr("token_expiry: 2h is longer than")));
}

TEST_F(ConfigCheck, RefusesAPublicAddressWithoutTls) {
    for (const char* address :
         {"0.0.0.0:80", ":80", "[::]:80", "192.168.1.5:80", "[2001:db8::1]:80"})
        EXPECT_THAT(serving_errors("gateway: {server: {address: '" + std::string(address) + "'}}"),
                    ElementsAre(HasSubstr("allow_plain_http: true")))
            << address;
    for (const char* address : {"127.0.0.1:80", "127.9.9.9:1", "[::1]:80", "localhost:80"})
        EXPECT_THAT(serving_errors("gateway: {server: {address: '" + std::string(address) + "'}}"),
                    IsEmpty())
            << address;
    EXPECT_THAT(serving_errors("gateway: {server: {address: ':80', allow_plain_http: true}}"),
                IsEmpty());
}

TEST_F(ConfigCheck, RefusesASharedLoginUnlessAllowed) {
    EXPECT_THAT(
        serving_errors("gateway: {database: {user_login: {user: app}, auth_login: {user: app}}}"),
        ElementsAre(HasSubstr("allow_shared_login: true")));
    EXPECT_THAT(serving_errors("gateway: {database: {allow_shared_login: true}}"), IsEmpty());
}

TEST_F(ConfigCheck, UsesFluxbasesLoginWhereItIsShared) {
    const auto config =
        load("database: {user: app, password: p}\ngateway: {database: {allow_shared_login: true}}");
    ASSERT_TRUE(config);
    const EffectiveLogins logins = effective_logins(*config);
    EXPECT_EQ(logins.user.user, "app");
    EXPECT_EQ(logins.auth.password.reveal(), "p");
}

TEST_F(ConfigCheck, KeepsThreeLoginsThatAreConfiguredEvenWhereSharingIsAllowed) {
    const auto config =
        load("gateway: {database: {allow_shared_login: true, user_login: {password: p}}}");
    ASSERT_TRUE(config);
    EXPECT_EQ(effective_logins(*config).service.user, "fluxgate_service");
}

TEST_F(ConfigCheck, RefusesMoreLanesThanConnections) {
    EXPECT_THAT(serving_errors("database: {max_connections: 10}"),
                ElementsAre(HasSubstr("10 is too few: 1 loop(s) of 16 lanes want 16")));
    EXPECT_THAT(serving_errors("gateway: {server: {loops: 4}}"),
                ElementsAre(HasSubstr("4 loop(s) of 16 lanes want 64")));
    EXPECT_THAT(serving_errors("gateway: {server: {loops: 3}}"), IsEmpty());
}

}  // namespace
}  // namespace fluxgate::app
