// bootstrap against a real PostgreSQL: what it makes, that it may run again, and what each login
// may not do.
#include "app/bootstrap.h"

#include "app/file_io.h"
#include "tests/app/database_fixture.h"

namespace fluxgate::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class BootstrapRun : public DatabaseFixture {
protected:
    void make_fluxbase() {
        // What matters of Fluxbase's database, in its shape: no mark of ours, row security on
        // client_keys only.
        cluster_.execute(
            "CREATE SCHEMA migrations; CREATE TABLE migrations.fluxbase (version bigint PRIMARY "
            "KEY, "
            "dirty boolean NOT NULL); INSERT INTO migrations.fluxbase VALUES (96, false);"
            "CREATE SCHEMA auth; CREATE SCHEMA app;"
            "CREATE TABLE auth.users (id uuid PRIMARY KEY, email text);"
            "CREATE TABLE auth.service_keys (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name "
            "text NOT NULL, "
            "description text, key_hash text NOT NULL, key_prefix text NOT NULL UNIQUE, scopes "
            "text[], "
            "enabled boolean DEFAULT true, created_by uuid, created_at timestamptz DEFAULT now(), "
            "last_used_at timestamptz, expires_at timestamptz, rate_limit_per_minute int, "
            "rate_limit_per_hour int, allowed_namespaces text[], revoked_at timestamptz, "
            "revoked_by uuid, "
            "revocation_reason text, deprecated_at timestamptz, grace_period_ends_at timestamptz, "
            "replaced_by uuid);"
            "CREATE TABLE auth.service_key_revocations (id uuid PRIMARY KEY DEFAULT "
            "gen_random_uuid(), "
            "key_id uuid, key_prefix text, revoked_by uuid, reason text, revocation_type text, "
            "created_at timestamptz DEFAULT now());"
            "CREATE TABLE auth.client_keys (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name "
            "text NOT NULL, "
            "description text, key_hash text UNIQUE NOT NULL, key_prefix text NOT NULL, user_id "
            "uuid, "
            "scopes text[], rate_limit_per_minute int, last_used_at timestamptz, expires_at "
            "timestamptz, "
            "revoked boolean, revoked_at timestamptz, revoked_by uuid, created_at timestamptz "
            "DEFAULT now(), "
            "updated_at timestamptz, allowed_namespaces text[]);"
            "ALTER TABLE auth.client_keys ENABLE ROW LEVEL SECURITY;"
            "ALTER TABLE auth.client_keys FORCE ROW LEVEL SECURITY;"
            "CREATE TABLE app.settings (key text, value jsonb);"
            "ALTER TABLE app.settings ENABLE ROW LEVEL SECURITY;"
            "INSERT INTO app.settings VALUES ('app.auth.allow_user_client_keys', "
            "'{\"value\":true}'), "
            "('app.secret', '{\"value\":\"x\"}');"
            "DO $$ BEGIN CREATE ROLE authenticated NOLOGIN NOINHERIT; EXCEPTION WHEN "
            "duplicate_object THEN "
            "NULL; END $$;"
            "DO $$ BEGIN CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS; EXCEPTION WHEN "
            "duplicate_object THEN NULL; END $$;"
            "GRANT USAGE ON SCHEMA auth TO authenticated, service_role;"
            "GRANT SELECT ON auth.service_keys TO authenticated; GRANT ALL ON ALL TABLES IN SCHEMA "
            "auth TO "
            "service_role;",
            database_);
    }
    // What psql, listening on `channel`, is told while it runs `sql`; "" for nothing.
    std::string announced(const std::string& channel, const std::string& sql) {
        const auto script = write("script.sql", "LISTEN " + channel + ";\n" + sql + ";\n");
        const std::string command = "psql -XqAt -v ON_ERROR_STOP=1 -U postgres -h " +
                                    cluster_.socket_directory() + " -p " +
                                    std::to_string(cluster_.port()) + " -d " + database_ + " -f " +
                                    script.string() + " 2>&1";
        std::string text;
        FILE* pipe = popen(command.c_str(), "r");
        char buffer[1024];
        while (fgets(buffer, sizeof buffer, pipe) != nullptr)
            text += buffer;
        EXPECT_EQ(pclose(pipe), 0) << text;
        return text;
    }
};

TEST_F(BootstrapRun, MakesEverythingAndMayRunAgain) {
    ASSERT_EQ(run({"bootstrap"}), exit_success) << err_;
    EXPECT_THAT(out_, HasSubstr("created  login " + user_ + "\n"));
    EXPECT_THAT(out_, HasSubstr("created  table auth.client_keys\n"));
    EXPECT_THAT(out_, HasSubstr("created  event trigger fluxgate_schema_change\n"));
    EXPECT_EQ(lines_with("skipped"), 0) << out_;

    static constexpr const char* inventory =
        "SELECT count(*) || ' ' || md5(string_agg(o, ',' ORDER BY o)) FROM ("
        "SELECT 'c' || oid::text || relname || relacl::text AS o FROM pg_class WHERE relnamespace "
        "IN "
        "('auth'::regnamespace, 'fluxgate'::regnamespace) "
        "UNION ALL SELECT 'p' || oid::text || polname FROM pg_policy "
        "UNION ALL SELECT 't' || oid::text || tgname FROM pg_trigger "
        "UNION ALL SELECT 'e' || oid::text || evtname FROM pg_event_trigger "
        "UNION ALL SELECT 'd' || datacl::text FROM pg_database WHERE datname = current_database() "
        "UNION ALL SELECT 'r' || rolname || coalesce(rolpassword, '') FROM pg_authid) x";
    const std::string before = value_of(inventory);
    ASSERT_EQ(run({"bootstrap"}), exit_success) << err_;
    EXPECT_EQ(lines_with("created"), 0) << out_;
    EXPECT_EQ(lines_with("skipped"), 0) << out_;
    EXPECT_THAT(out_, HasSubstr("kept     password of " + user_));
    EXPECT_EQ(value_of(inventory), before);
}

TEST_F(BootstrapRun, GivesTheUserLoginNothingButTheCallersRoles) {
    ASSERT_EQ(run({"bootstrap"}), exit_success) << err_;
    EXPECT_EQ(state_as(user_, "SET ROLE anon; RESET ROLE; SET ROLE authenticated"), "");
    for (const std::string& role :
         {std::string("service_role"), service_, auth_, std::string("postgres")})
        EXPECT_EQ(state_as(user_, "SET ROLE " + role), "42501") << role;
    for (const std::string role : {"anon", "authenticated"})
        for (const std::string table : {"service_keys", "client_keys", "service_key_revocations"})
            EXPECT_EQ(state_as(user_, "SET ROLE " + role + "; SELECT FROM auth." + table), "42501")
                << role << " " << table;
    EXPECT_EQ(state_as(user_, "SELECT FROM auth.users"), "42501");
    EXPECT_EQ(state_as(user_, "SET ROLE authenticated; CREATE TEMP TABLE t (i int)"), "42501");
    EXPECT_EQ(state_as(user_, "SET ROLE authenticated; CREATE TABLE public.t (i int)"), "42501");
    EXPECT_EQ(state_as(user_, "SET ROLE authenticated; SELECT auth.uid(), auth.role(), auth.jwt()"),
              "");
    EXPECT_EQ(state_as(user_, "SET ROLE authenticated; SELECT fluxgate.notify_key_change()"),
              "42501");
}

TEST_F(BootstrapRun, LetsTheAuthLoginReadKeysAndNothingElse) {
    ASSERT_EQ(run({"bootstrap"}), exit_success) << err_;
    ASSERT_EQ(run({"clientkeys", "create", "--name", "x", "--scopes", "read:tables"}), exit_success)
        << err_;
    EXPECT_EQ(state_as(auth_, "SELECT 1 / (SELECT count(*) FROM auth.client_keys)"), "");
    EXPECT_EQ(state_as(auth_, "SELECT FROM auth.service_keys, auth.service_key_revocations"), "");
    EXPECT_EQ(state_as(auth_, "UPDATE auth.client_keys SET last_used_at = now()"), "");
    EXPECT_EQ(value_of("SELECT count(*) FROM auth.client_keys WHERE last_used_at IS NOT NULL"),
              "1");
    EXPECT_EQ(state_as(auth_, "UPDATE auth.service_keys SET last_used_at = now()"), "");
    for (const char* sql :
         {"UPDATE auth.client_keys SET scopes = '{*}'",
          "UPDATE auth.client_keys SET revoked_at = NULL",
          "UPDATE auth.service_keys SET enabled = true",
          "INSERT INTO auth.service_keys DEFAULT VALUES", "DELETE FROM auth.client_keys",
          "DELETE FROM auth.service_key_revocations", "TRUNCATE auth.client_keys",
          "SELECT FROM auth.users", "SET ROLE service_role", "SET ROLE anon",
          "CREATE TABLE public.t (i int)", "CREATE TEMP TABLE t (i int)"})
        EXPECT_EQ(state_as(auth_, sql), "42501") << sql;
}

TEST_F(BootstrapRun, GivesTheServiceLoginServiceRoleOnly) {
    ASSERT_EQ(run({"bootstrap"}), exit_success) << err_;
    EXPECT_EQ(state_as(service_, "SET ROLE service_role; SELECT FROM auth.service_keys"), "");
    EXPECT_EQ(state_as(service_, "SELECT FROM auth.service_keys"), "42501");
    EXPECT_EQ(state_as(service_, "SET ROLE authenticated"), "42501");
    EXPECT_EQ(value_of("SELECT rolbypassrls FROM pg_roles WHERE rolname = 'service_role'"), "t");
    cluster_.execute("CREATE TABLE public.later (i int)", database_);
    EXPECT_EQ(state_as(service_, "SET ROLE service_role; SELECT FROM public.later"), "");
}

TEST_F(BootstrapRun, MakesFunctionsThatNeverFail) {
    ASSERT_EQ(run({"bootstrap"}), exit_success) << err_;
    const auto with = [this](const std::string& claims, const std::string& expression) {
        return value_of("SELECT coalesce((" + expression +
                        ")::text, 'null') FROM (SELECT "
                        "set_config('request.jwt.claims', '" +
                        claims + "', true)) c");
    };
    const std::string id = "a11ce000-0000-4000-8000-000000000001";
    EXPECT_EQ(with("{\"sub\":\"" + id + "\",\"role\":\"admin\"}", "auth.uid()"), id);
    EXPECT_EQ(with("{\"sub\":\"" + id + "\"}", "auth.current_user_id()"), id);
    EXPECT_EQ(with("{\"sub\":\"" + id + "\"}", "auth.is_authenticated()"), "true");
    EXPECT_EQ(with("{\"role\":\"admin\"}", "auth.is_admin()"), "true");
    EXPECT_EQ(with("{\"role\":\"administrator\"}", "auth.is_admin()"), "false");
    EXPECT_EQ(with("{\"role\":\"editor\"}", "auth.role()"), "editor");
    EXPECT_EQ(with("{\"app\":{\"x\":1}}", "auth.jwt() -> 'app' ->> 'x'"), "1");
    for (const std::string claims :
         {"", "{}", "not json", "[]", "null", "{\"sub\":\"\"}", "{\"sub\":5}"}) {
        EXPECT_EQ(with(claims, "auth.uid()"), "null") << claims;
        EXPECT_EQ(with(claims, "auth.current_user_role()"), "anon") << claims;
        EXPECT_EQ(with(claims, "auth.is_authenticated()"), "false") << claims;
        EXPECT_EQ(with(claims, "auth.is_admin()"), "false") << claims;
    }
    EXPECT_EQ(value_of("SELECT auth.uid() IS NULL AND auth.jwt() IS NULL"), "t");
}

TEST_F(BootstrapRun, ShowsUsersThemselvesOnly) {
    ASSERT_EQ(run({"bootstrap"}), exit_success) << err_;
    cluster_.execute(
        "INSERT INTO auth.users (id, email) VALUES "
        "('a11ce000-0000-4000-8000-000000000001', 'a'), (gen_random_uuid(), 'b')",
        database_);
    const std::string as =
        "SET ROLE authenticated; SET request.jwt.claims = "
        "'{\"sub\":\"a11ce000-0000-4000-8000-000000000001\"}'; ";
    EXPECT_EQ(state_as(user_, as + "SELECT 1 / (2 - count(*)) FROM auth.users"), "");
    EXPECT_EQ(state_as(user_, "SET ROLE authenticated; SELECT 1 / count(*) FROM auth.users"),
              "22012");
}

TEST_F(BootstrapRun, OnlyAddsLoginsToFluxbasesDatabase) {
    make_fluxbase();
    static constexpr const char* shape =
        "SELECT md5(string_agg(attrelid::regclass || attname || atttypid, ',' ORDER BY attrelid, "
        "attnum)) "
        "FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r' AND "
        "relnamespace IN "
        "('auth'::regnamespace, 'app'::regnamespace, 'public'::regnamespace))";
    const std::string before = value_of(shape);
    ASSERT_EQ(run({"bootstrap"}), exit_success) << err_;
    EXPECT_THAT(out_, HasSubstr(": Fluxbase's; its tables stay as they are"));
    EXPECT_THAT(out_, HasSubstr("skipped  schema auth, its functions and tables"));
    EXPECT_THAT(out_, HasSubstr("skipped  policy for " + auth_ +
                                " to read auth.service_keys (it has no row"));
    EXPECT_THAT(out_, HasSubstr("note     authenticated may read auth.service_keys here"));
    EXPECT_EQ(value_of(shape), before);
    EXPECT_EQ(value_of("SELECT count(*) FROM pg_proc WHERE pronamespace = 'auth'::regnamespace"),
              "0");
    EXPECT_EQ(
        value_of("SELECT has_database_privilege('" + user_ + "', current_database(), 'TEMP')"),
        "t");

    ASSERT_EQ(run({"clientkeys", "create", "--name", "x", "--scopes", "*"}), exit_success) << err_;
    EXPECT_EQ(state_as(auth_, "SELECT 1 / count(*) FROM auth.client_keys"), "");
    EXPECT_EQ(state_as(auth_, "SELECT 1 / (2 - count(*)) FROM app.settings"), "");
    EXPECT_EQ(state_as(auth_, "SELECT 1 / count(*) FROM app.settings WHERE key = 'app.secret'"),
              "22012");
    ASSERT_EQ(run({"bootstrap"}), exit_success) << err_;
    EXPECT_EQ(lines_with("created"), 0) << out_;
}

TEST_F(BootstrapRun, RefusesALoginThatIsMoreThanItMayBe) {
    struct Fault {
        const char* make;
        const char* said;
    };
    for (const Fault& fault : {Fault{"LOGIN SUPERUSER", "a superuser"},
                               Fault{"LOGIN BYPASSRLS", "exempt from row security"},
                               Fault{"LOGIN CREATEROLE", "allowed to create roles"},
                               Fault{"NOLOGIN", "not allowed to log in"}}) {
        cluster_.execute("CREATE ROLE " + user_ + " NOINHERIT " + fault.make);
        EXPECT_EQ(run({"bootstrap"}), exit_failure) << fault.make;
        EXPECT_THAT(err_, HasSubstr("login " + user_ + " is " + fault.said));
        EXPECT_THAT(err_, HasSubstr("Nothing was changed."));
        cluster_.execute("DROP ROLE " + user_);
    }
    EXPECT_EQ(value_of("SELECT to_regnamespace('auth') IS NULL"), "t");
    EXPECT_EQ(value_of("SELECT count(*) FROM pg_roles WHERE rolname = '" + service_ + "'"), "0");
}

TEST_F(BootstrapRun, RefusesALoginThatCanReachServiceRoleThroughAnother) {
    ASSERT_EQ(run({"bootstrap"}), exit_success) << err_;
    const std::string between = "between_" + user_;
    cluster_.execute("CREATE ROLE " + between + "; GRANT service_role TO " + between + "; GRANT " +
                     between + " TO " + user_);
    EXPECT_EQ(run({"bootstrap"}), exit_failure);
    EXPECT_THAT(err_, HasSubstr("is a member of " + between + " and service_role"));
    cluster_.execute("DROP ROLE " + between);
}

TEST_F(BootstrapRun, ShowsNewPasswordsOnceAndStoresOnlyVerifiers) {
    const std::string text =
        "database:\n  host: " + cluster_.socket_directory() +
        "\n  port: " + std::to_string(cluster_.port()) + "\n  database: " + database_ +
        "\ngateway: {database: {user_login: {user: " + user_ +
        "}, service_login: {user: " + service_ + "}, auth_login: {user: " + auth_ + "}}}\n";
    ASSERT_EQ(run({"bootstrap"}, text), exit_success) << err_;
    EXPECT_THAT(out_,
                HasSubstr("    user_login:\n      user: \"" + user_ + "\"\n      password: \""));
    EXPECT_EQ(value_of("SELECT count(*) FROM pg_authid WHERE rolname = ANY ('{" + user_ + "," +
                       service_ + "," + auth_ + "}') AND rolpassword LIKE 'SCRAM-SHA-256$%'"),
              "3");
    ASSERT_EQ(run({"bootstrap"}, text), exit_success);
    EXPECT_THAT(out_, Not(HasSubstr("password: ")));

    const std::string stored = "SELECT rolpassword FROM pg_authid WHERE rolname = '" + user_ + "'";
    const std::string before = value_of(stored);
    const std::string file = (directory_ / "passwords.yaml").string();
    ASSERT_EQ(run({"bootstrap", "--reset-passwords", "--passwords-file", file}, text), exit_success)
        << err_;
    EXPECT_THAT(out_, Not(HasSubstr("password: ")));
    EXPECT_NE(value_of(stored), before);
    LoadRequest request;
    request.file = file;
    const auto written = load_config(request);  // it is a configuration as it stands
    ASSERT_TRUE(written) << written.error()[0];
    EXPECT_EQ(written->gateway.database.auth_login.user, auth_);
    EXPECT_EQ(written->gateway.database.auth_login.password.reveal().size(), 32u);

    const std::string last = value_of(stored);
    EXPECT_EQ(run({"bootstrap", "--reset-passwords", "--passwords-file", file}, text),
              exit_failure);
    EXPECT_THAT(err_, HasSubstr("can not be made"));
    EXPECT_EQ(value_of(stored), last);
}

TEST_F(BootstrapRun, FillsPasswordFilesThatTheConfigurationNames) {
    write("auth.password", "given\n");
    const std::string text =
        "database:\n  host: " + cluster_.socket_directory() +
        "\n  port: " + std::to_string(cluster_.port()) + "\n  database: " + database_ +
        "\ngateway: {database: {user_login: {user: " + user_ +
        ", password_file: user.password}, service_login: {user: " + service_ +
        ", password: p}, auth_login: {user: " + auth_ + ", password_file: auth.password}}}\n";
    ASSERT_EQ(run({"bootstrap"}, text), exit_success) << err_;
    EXPECT_THAT(out_, Not(HasSubstr("password: ")));
    const auto made = read_password_file(directory_ / "user.password");
    ASSERT_TRUE(made) << made.error();
    EXPECT_EQ(made->reveal().size(), 32u);
    EXPECT_THAT(out_, Not(HasSubstr(std::string(made->reveal()))));
    EXPECT_THAT(out_, HasSubstr("set      password of " + auth_ + " (as configured)"));
}

TEST_F(BootstrapRun, MakesTheKeyOfSignedValuesOnce) {
    const std::string text = yaml("  keys: {signing_key_file: signing.key}\n");
    const auto path = directory_ / "signing.key";
    ASSERT_EQ(run({"bootstrap"}, text), exit_success) << err_;
    EXPECT_THAT(out_, HasSubstr("set      key of signed values\n"));
    EXPECT_THAT(out_, HasSubstr("written  " + path.string() + " (mode 0600)\n"));
    const auto made = read_password_file(path);
    ASSERT_TRUE(made) << made.error();
    EXPECT_EQ(made->reveal().size(), 43u);  // 32 bytes in base64url
    EXPECT_THAT(out_, Not(HasSubstr(std::string(made->reveal()))));
    struct stat status{};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
    LoadRequest request;
    request.file = directory_ / "fluxbase.yaml";
    const auto config = load_config(request);
    ASSERT_TRUE(config) << config.error()[0];
    EXPECT_TRUE(config->gateway.keys.signing_key.equals(made->reveal()));

    // New passwords are no reason to end every session.
    ASSERT_EQ(run({"bootstrap", "--reset-passwords"}, text), exit_success) << err_;
    EXPECT_THAT(out_, HasSubstr("kept     key of signed values\n"));
    EXPECT_EQ(lines_with("written"), 0) << out_;
    EXPECT_TRUE(read_password_file(path)->equals(made->reveal()));
}

TEST_F(BootstrapRun, MakesNoKeyOfSignedValuesUnlessAFileIsNamed) {
    ASSERT_EQ(run({"bootstrap"}), exit_success) << err_;
    EXPECT_THAT(out_, Not(HasSubstr("signed values")));
    const std::string text = yaml("  keys: {signing_key: " + std::string(32, 's') + "}\n");
    ASSERT_EQ(run({"bootstrap"}, text), exit_success) << err_;
    EXPECT_THAT(out_, Not(HasSubstr("signed values")));
}

TEST_F(BootstrapRun, LeavesNoKeyOfSignedValuesWhenItFails) {
    const std::string text = yaml("  keys: {signing_key_file: signing.key}\n");
    ASSERT_EQ(run({"bootstrap", "--print-sql"}, text), exit_success) << err_;
    EXPECT_FALSE(std::filesystem::exists(directory_ / "signing.key"));
    cluster_.execute("CREATE ROLE " + user_ + " SUPERUSER LOGIN");
    ASSERT_EQ(run({"bootstrap"}, text), exit_failure);
    EXPECT_FALSE(std::filesystem::exists(directory_ / "signing.key"));
    cluster_.execute("DROP ROLE " + user_);
    ASSERT_EQ(run({"bootstrap"}, yaml("  keys: {signing_key_file: no/such/signing.key}\n")),
              exit_failure);
    EXPECT_THAT(err_, HasSubstr("signing.key can not be made"));
    EXPECT_THAT(err_, HasSubstr("Nothing was changed."));
    EXPECT_EQ(value_of("SELECT to_regnamespace('auth') IS NULL"), "t");
}

TEST_F(BootstrapRun, LeavesLoginsAloneWhereOneIsShared) {
    const std::string text = "database:\n  host: " + cluster_.socket_directory() +
                             "\n  port: " + std::to_string(cluster_.port()) +
                             "\n  database: " + database_ +
                             "\ngateway: {database: {allow_shared_login: true}, "
                             "keys: {signing_key_file: signing.key}}\n";
    ASSERT_EQ(run({"bootstrap"}, text), exit_success) << err_;
    EXPECT_THAT(out_, HasSubstr("skipped  three logins"));
    EXPECT_TRUE(std::filesystem::exists(directory_ / "signing.key"));
    EXPECT_EQ(value_of("SELECT to_regclass('auth.client_keys') IS NOT NULL"), "t");
}

TEST_F(BootstrapRun, PrintsSqlThatDoesTheSameTwice) {
    ASSERT_EQ(run({"bootstrap", "--print-sql"}), exit_success) << err_;
    const std::string script = out_;
    EXPECT_THAT(script, Not(HasSubstr("PASSWORD '")));
    cluster_.execute(script, database_);
    cluster_.execute(script, database_);
    ASSERT_EQ(run({"bootstrap"}), exit_success) << err_;
    EXPECT_EQ(lines_with("created"), 0) << out_;
    EXPECT_EQ(state_as(user_, "SET ROLE service_role"), "42501");
}

TEST_F(BootstrapRun, SkipsWhatTheAdministratorMayNotDo) {
    ASSERT_EQ(run({"bootstrap"}), exit_success) << err_;  // the roles, which need a superuser
    const std::string owner = "owner_" + user_;
    cluster_.execute("CREATE ROLE " + owner + " LOGIN CREATEROLE");
    cluster_.execute("CREATE DATABASE of_" + owner + " OWNER " + owner);
    std::string text = yaml();
    text.replace(text.find("database: " + database_), 10 + database_.size(),
                 "database: of_" + owner);
    text.replace(text.find("user: postgres"), 14, "user: " + owner);
    ASSERT_EQ(run({"bootstrap"}, text), exit_success) << err_;
    EXPECT_THAT(out_,
                HasSubstr("skipped  event trigger fluxgate_schema_change (permission denied"));
    ASSERT_EQ(run({"clientkeys", "create", "--name", "x", "--scopes", "*"}, text), exit_success)
        << err_;
}

TEST_F(BootstrapRun, AnnouncesChangesOfKeysAndOfTheSchema) {
    ASSERT_EQ(run({"bootstrap"}), exit_success) << err_;
    const std::string id = "a11ce000-0000-4000-8000-000000000001";
    const std::string insert =
        "INSERT INTO auth.client_keys (id, name, key_hash, key_prefix) VALUES ('" + id +
        "', 'n', 'the-hash', 'p')";
    EXPECT_THAT(announced("fluxgate_keys", insert), HasSubstr("payload \"" + id + "\""));
    EXPECT_THAT(announced("fluxgate_keys", "UPDATE auth.client_keys SET scopes = '{*}'"),
                HasSubstr(id));
    EXPECT_EQ(announced("fluxgate_keys", "UPDATE auth.client_keys SET last_used_at = now()"), "");
    EXPECT_THAT(announced("fluxgate_keys", "DELETE FROM auth.client_keys"),
                AllOf(HasSubstr(id), Not(HasSubstr("the-hash"))));
    EXPECT_THAT(announced("fluxgate_keys", "TRUNCATE auth.service_keys CASCADE"),
                HasSubstr("payload \"*\""));
    EXPECT_THAT(announced("fluxgate_keys",
                          "INSERT INTO auth.service_key_revocations (revocation_type) VALUES "
                          "('rotation')"),
                HasSubstr("payload \"*\""));
    const std::string schema_news = "notification \"fluxgate_schema\"";
    EXPECT_THAT(announced("fluxgate_schema", "CREATE TABLE public.t (i int)"),
                HasSubstr(schema_news));
    EXPECT_THAT(announced("fluxgate_schema", "GRANT SELECT ON public.t TO anon"),
                HasSubstr(schema_news));
    EXPECT_THAT(announced("fluxgate_schema", "DROP TABLE public.t"), HasSubstr(schema_news));
    EXPECT_EQ(announced("fluxgate_schema", "CREATE TEMP TABLE u (i int)"), "");
}

TEST_F(BootstrapRun, SaysWhereItCouldNotConnect) {
    std::string text = yaml();
    text.replace(text.find("database: " + database_), 10 + database_.size(), "database: nowhere");
    EXPECT_EQ(run({"bootstrap"}, text), exit_failure);
    EXPECT_THAT(err_, HasSubstr("database \"nowhere\" does not exist"));
}

TEST_F(BootstrapRun, TakesAUrlWithoutAPasswordOnly) {
    const std::string url = "postgresql://postgres@/" + database_ +
                            "?host=" + cluster_.socket_directory() +
                            "&port=" + std::to_string(cluster_.port());
    EXPECT_EQ(run({"bootstrap", "--admin-url", url}), exit_success) << err_;
    EXPECT_EQ(run({"bootstrap", "--admin-url", "postgresql://postgres:hunter2@localhost/x"}),
              exit_failure);
    EXPECT_THAT(err_, HasSubstr("the URL holds a password"));
    EXPECT_THAT(err_, Not(HasSubstr("hunter2")));
    EXPECT_EQ(run({"bootstrap", "--admin-url", "http://x"}), exit_failure);
}

}  // namespace
}  // namespace fluxgate::app
