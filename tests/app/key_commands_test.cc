// servicekeys and clientkeys against a real PostgreSQL.
#include "app/key_commands.h"

#include "loop/crypto.h"
#include "tests/app/database_fixture.h"

namespace fluxgate::app {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class KeyCommands : public DatabaseFixture {
protected:
    void SetUp() override { ASSERT_EQ(run({"bootstrap"}), exit_success) << err_; }

    // The key that `words` makes.
    std::string create(const std::vector<std::string_view>& words) {
        EXPECT_EQ(run(words), exit_success) << err_;
        return out_.substr(0, out_.find('\n'));
    }
};

TEST_F(KeyCommands, MakeServiceKeysThatVerify) {
    const std::string key =
        create({"servicekeys", "create", "--name", "nightly", "--expires", "30d"});
    EXPECT_THAT(key, MatchesRegex("sk_[A-Za-z0-9_-]+"));
    EXPECT_EQ(out_, key + "\n");
    EXPECT_THAT(err_, Not(HasSubstr(key)));
    const std::string row =
        " FROM auth.service_keys WHERE key_prefix = '" + key.substr(0, 16) + "'";
    EXPECT_TRUE(loop::bcrypt_verify(key, value_of("SELECT key_hash" + row)));
    EXPECT_EQ(value_of("SELECT scopes::text || enabled || name" + row), "{*}truenightly");
    EXPECT_EQ(value_of("SELECT expires_at - now() BETWEEN '29 days 23:59' AND '30 days'" + row),
              "t");
}

TEST_F(KeyCommands, MakeClientKeysThatVerify) {
    cluster_.execute(
        "INSERT INTO auth.users (id, email) VALUES "
        "('a11ce000-0000-4000-8000-000000000001', 'alice@acme.example')",
        database_);
    const std::string by_email =
        create({"clientkeys", "create", "--name", "laptop", "--scopes", "read:tables,write:tables",
                "--user", "Alice@acme.example"});
    const std::string row = " FROM auth.client_keys WHERE key_hash = '" +
                            loop::base64url(loop::sha256(by_email), loop::Base64Padding::padded) +
                            "'";
    EXPECT_EQ(
        value_of("SELECT user_id || scopes::text || key_prefix" + row),
        "a11ce000-0000-4000-8000-000000000001{read:tables,write:tables}" + by_email.substr(0, 12));
    EXPECT_EQ(value_of("SELECT expires_at IS NULL AND revoked_at IS NULL" + row), "t");
    create({"clientkeys", "create", "--name", "by id", "--scopes", "*", "--user",
            "a11ce000-0000-4000-8000-000000000001", "--expires", "2099-01-31T00:00:00Z"});
    EXPECT_EQ(value_of("SELECT expires_at = '2099-01-31T00:00:00Z' FROM auth.client_keys WHERE "
                       "name = 'by id'"),
              "t");
    create({"clientkeys", "create", "--name", "nobody's", "--scopes", "read:tables"});
    EXPECT_EQ(value_of("SELECT user_id IS NULL FROM auth.client_keys WHERE name = 'nobody''s'"),
              "t");
}

TEST_F(KeyCommands, RefuseWhatIsWrongBeforeTheyConnect) {
    const std::string nowhere = "database: {host: /nowhere}\n";
    for (const std::vector<std::string_view>& words :
         {std::vector<std::string_view>{"clientkeys", "create", "--name", "x", "--scopes",
                                        "read:table"},
          {"clientkeys", "create", "--name", "x", "--scopes", "*", "--expires", "soon"},
          {"servicekeys", "create", "--name", "x", "--scopes", "all"}}) {
        EXPECT_EQ(run(words, nowhere), exit_usage);
        EXPECT_THAT(err_, MatchesRegex("fluxgate: --(scopes|expires): .*\n"));
    }
    const std::string long_name(1001, 'x');
    EXPECT_EQ(run({"servicekeys", "create", "--name", long_name}, nowhere), exit_usage);
    EXPECT_EQ(run({"servicekeys", "list"}, nowhere), exit_failure);
}

TEST_F(KeyCommands, RefuseUsersAndTimesThatAreNot) {
    cluster_.execute("INSERT INTO auth.users (email) VALUES ('TWIN@x'), ('twin@x')", database_);
    const auto error_of = [this](std::string_view option, std::string_view value) {
        EXPECT_EQ(run({"clientkeys", "create", "--name", "x", "--scopes", "*", option, value}),
                  exit_failure);
        return err_;
    };
    EXPECT_THAT(error_of("--user", "nobody@x"), HasSubstr("there is no user 'nobody@x'"));
    EXPECT_THAT(error_of("--user", "00000000-0000-4000-8000-000000000000"),
                HasSubstr("there is no user"));
    EXPECT_THAT(error_of("--user", "twin@x"), HasSubstr("several users"));
    EXPECT_THAT(error_of("--user", "' OR true --"), HasSubstr("there is no user"));
    EXPECT_THAT(error_of("--expires", "2001-01-01T00:00:00Z"), HasSubstr("is over already"));
    EXPECT_THAT(error_of("--expires", "2030-13-45T00:00:00Z"), HasSubstr("out of range"));
    EXPECT_EQ(value_of("SELECT count(*) FROM auth.client_keys"), "0");
    EXPECT_EQ(out_, "");
}

TEST_F(KeyCommands, ListWithoutSecrets) {
    const std::string key = create({"servicekeys", "create", "--name", "bell\x07"});
    ASSERT_EQ(run({"servicekeys", "list"}), exit_success) << err_;
    EXPECT_THAT(out_, HasSubstr("bell?"));
    EXPECT_THAT(out_, HasSubstr(key.substr(0, 16)));
    EXPECT_THAT(out_, Not(HasSubstr(key)));
    EXPECT_THAT(out_, Not(HasSubstr("$2a$")));
    EXPECT_THAT(out_, HasSubstr("good"));
    ASSERT_EQ(run({"clientkeys", "list", "--json"}), exit_success) << err_;
    EXPECT_EQ(out_, "[]\n");
    ASSERT_EQ(run({"servicekeys", "list", "--json"}), exit_success) << err_;
    EXPECT_THAT(out_, HasSubstr("\"prefix\":\"" + key.substr(0, 16) + "\""));
    EXPECT_THAT(out_, Not(HasSubstr("hash")));
}

TEST_F(KeyCommands, RevokeServiceKeysByPrefixOrId) {
    const std::string key = create({"servicekeys", "create", "--name", "a"});
    const std::string prefix = key.substr(0, 16);
    ASSERT_EQ(run({"servicekeys", "revoke", prefix, "--reason", "leaked"}), exit_success) << err_;
    EXPECT_EQ(value_of("SELECT enabled || (revoked_at IS NOT NULL)::text || revocation_reason "
                       "FROM auth.service_keys"),
              "falsetrueleaked");
    EXPECT_EQ(
        value_of(
            "SELECT key_prefix || revocation_type || reason FROM auth.service_key_revocations"),
        prefix + "emergencyleaked");
    ASSERT_EQ(run({"servicekeys", "revoke", prefix}), exit_success);
    EXPECT_THAT(out_, HasSubstr("was revoked already"));
    EXPECT_EQ(value_of("SELECT count(*) FROM auth.service_key_revocations"), "1");
    ASSERT_EQ(run({"servicekeys", "list"}), exit_success);
    EXPECT_THAT(out_, HasSubstr("revoked"));
    create({"servicekeys", "create", "--name", "b"});
    const std::string id = value_of("SELECT id FROM auth.service_keys WHERE name = 'b'");
    ASSERT_EQ(run({"servicekeys", "revoke", id}), exit_success) << err_;
}

TEST_F(KeyCommands, RevokeClientKeys) {
    const std::string key = create({"clientkeys", "create", "--name", "a", "--scopes", "*"});
    ASSERT_EQ(run({"clientkeys", "revoke", key.substr(0, 12)}), exit_success) << err_;
    EXPECT_EQ(value_of("SELECT revoked_at IS NOT NULL FROM auth.client_keys"), "t");
}

TEST_F(KeyCommands, RevokeNothingThatIsNotNamedExactly) {
    const std::string key = create({"clientkeys", "create", "--name", "a", "--scopes", "*"});
    EXPECT_EQ(run({"clientkeys", "revoke", "fbk_nobodyss"}), exit_failure);
    EXPECT_THAT(err_, HasSubstr("there is no key with the id or prefix 'fbk_nobodyss'"));
    EXPECT_EQ(run({"clientkeys", "revoke", "fbk_%"}), exit_failure);
    EXPECT_EQ(run({"clientkeys", "revoke", key}), exit_usage);
    EXPECT_THAT(err_, HasSubstr("the prefix alone: " + key.substr(0, 12)));
    EXPECT_THAT(err_, Not(HasSubstr(key)));
    cluster_.execute(
        "INSERT INTO auth.client_keys (name, key_hash, key_prefix) VALUES ('twin', 'h', '" +
            key.substr(0, 12) + "')",
        database_);
    EXPECT_EQ(run({"clientkeys", "revoke", key.substr(0, 12)}), exit_failure);
    EXPECT_THAT(err_, HasSubstr("several keys have the prefix"));
    EXPECT_EQ(value_of("SELECT count(*) FROM auth.client_keys WHERE revoked_at IS NOT NULL"), "0");
}

TEST_F(KeyCommands, SayThatBootstrapIsMissing) {
    cluster_.execute("DROP SCHEMA auth CASCADE", database_);
    EXPECT_EQ(run({"servicekeys", "list"}), exit_failure);
    EXPECT_THAT(err_, HasSubstr("run fluxgate bootstrap first"));
}

}  // namespace
}  // namespace fluxgate::app
