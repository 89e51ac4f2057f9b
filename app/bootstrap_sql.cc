#include "app/bootstrap_sql.h"

#include <array>
#include <initializer_list>

#include "app/bootstrap_tables.h"
#include "pg/catalog.h"

namespace fluxgate::app {
namespace {

using Need = BootstrapStep::Need;
using Steps = std::vector<BootstrapStep>;
using pg::quote_identifier;

constexpr std::array<std::string_view, 3> key_tables{"service_keys", "client_keys",
                                                     "service_key_revocations"};

// "%1 … %2 …" with the arguments in place. Plain text, no SQL escaping: callers pass quoted names.
std::string fill(std::string_view pattern, std::initializer_list<std::string_view> arguments) {
    std::string text;
    for (size_t i = 0; i < pattern.size(); ++i) {
        const bool is_place = pattern[i] == '%' && i + 1 < pattern.size() &&
                              pattern[i + 1] >= '1' && pattern[i + 1] <= '9';
        if (is_place) {
            text += *(arguments.begin() + (pattern[++i] - '1'));
        } else {
            text += pattern[i];
        }
    }
    return text;
}

std::string role_exists(std::string_view role) {
    return fill("EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = %1)",
                {quote_literal(role)});
}

// A statement that must name the database, in PL/pgSQL: the script does not know where it will run.
// `role` is a quoted literal for the second %I, or empty.
std::string on_this_database(std::string_view format, const std::string& role) {
    return fill("EXECUTE pg_catalog.format(%1, pg_catalog.current_database()%2);",
                {quote_literal(format), role.empty() ? "" : ", " + role});
}

void add_roles(Steps& steps) {
    for (const std::string_view role : {"anon", "authenticated", "service_role"}) {
        const bool bypasses = role == "service_role";
        steps.push_back({"role " + std::string(role),
                         role_exists(role),
                         fill("CREATE ROLE %1 NOLOGIN NOINHERIT%2;",
                              {quote_identifier(role), bypasses ? " BYPASSRLS" : ""}),
                         Need::required,
                         {},
                         {}});
    }
    // Key commands become service_role. A superuser is a member of every role already.
    steps.push_back({"membership of the administrator in service_role",
                     "pg_catalog.pg_has_role(current_user, 'service_role', 'MEMBER')",
                     "GRANT service_role TO CURRENT_USER;",
                     Need::optional,
                     {},
                     {}});
}

void add_membership(Steps& steps, const std::string& login, std::string_view role) {
    steps.push_back(
        {"membership of " + login + " in " + std::string(role),
         fill("EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.roleid = "
              "pg_catalog.to_regrole(%1)::oid AND m.member = "
              "pg_catalog.to_regrole(%2)::oid)",
              {quote_literal(quote_identifier(role)), quote_literal(quote_identifier(login))}),
         fill("GRANT %1 TO %2;", {quote_identifier(role), quote_identifier(login)}),
         Need::required,
         {},
         {}});
}

// Decision 8 of the architecture: what a caller's statement may become is decided by the login.
void add_logins(Steps& steps, const BootstrapNames& names) {
    for (const std::string& login : {names.user_login, names.service_login, names.auth_login}) {
        steps.push_back({"login " + login,
                         role_exists(login),
                         fill("CREATE ROLE %1 LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE "
                              "NOREPLICATION NOBYPASSRLS;",
                              {quote_identifier(login)}),
                         Need::required,
                         {},
                         {}});
        steps.push_back(
            {"permission of " + login + " to connect",
             fill("pg_catalog.has_database_privilege(%1, current_database(), 'CONNECT')",
                  {quote_literal(login)}),
             on_this_database("GRANT CONNECT ON DATABASE %I TO %I", quote_literal(login)),
             Need::required,
             {},
             {}});
    }
    add_membership(steps, names.user_login, "anon");
    add_membership(steps, names.user_login, "authenticated");
    add_membership(steps, names.service_login, "service_role");
}

void add_own_schema(Steps& steps) {
    steps.push_back({"schema auth",
                     "pg_catalog.to_regnamespace('auth') IS NOT NULL",
                     "CREATE SCHEMA auth;",
                     Need::required,
                     {},
                     {}});
    steps.push_back({"use of schemas auth and public by the three roles",
                     "",
                     "GRANT USAGE ON SCHEMA auth, public TO anon, authenticated, service_role;",
                     Need::required,
                     {},
                     {}});
    for (const NamedSql& function : auth_functions())
        steps.push_back({"function auth." + std::string(function.name) + "()",
                         "",
                         std::string(function.sql),
                         Need::required,
                         {},
                         {}});
    for (const NamedSql& table : auth_tables())
        steps.push_back({"table auth." + std::string(table.name),
                         fill("pg_catalog.to_regclass('auth.%1') IS NOT NULL", {table.name}),
                         std::string(table.sql),
                         Need::required,
                         {},
                         {}});
}

void add_hardening(Steps& steps) {
    steps.push_back({"no key table for anon, authenticated and the public",
                     "",
                     "REVOKE ALL ON auth.service_keys, auth.client_keys, "
                     "auth.service_key_revocations FROM PUBLIC, anon, authenticated;",
                     Need::required,
                     {},
                     {}});
    steps.push_back(
        {"rights of service_role",
         "",
         "GRANT ALL ON ALL TABLES IN SCHEMA auth, public TO service_role;\n"
         "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO service_role;\n"
         "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO service_role;\n"
         "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO "
         "service_role;",
         Need::required,
         {},
         {}});
    // A temporary table would shadow another caller's unqualified name on the same connection.
    // PUBLIC has the right, so taking it from our logins alone would change nothing.
    steps.push_back(
        {"no temporary tables for the public",
         "NOT EXISTS (SELECT FROM pg_catalog.pg_database d, LATERAL "
         "pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a "
         "WHERE d.datname = current_database() AND a.grantee = 0 "
         "AND a.privilege_type = 'TEMPORARY')",
         on_this_database("REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC", ""),
         Need::required,
         {},
         {}});
    steps.push_back(
        {"no new objects in schema public for the public",
         "NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n, LATERAL "
         "pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a "
         "WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE')",
         "REVOKE CREATE ON SCHEMA public FROM PUBLIC;",
         Need::required,
         {},
         {}});
}

std::string policy_exists(std::string_view schema, std::string_view table,
                          std::string_view policy) {
    return fill(
        "EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = "
        "pg_catalog.to_regclass('%1.%2') AND p.polname = '%3')",
        {schema, table, policy});
}

std::string has_row_security(std::string_view table) {
    return fill(
        "(SELECT c.relrowsecurity FROM pg_catalog.pg_class c WHERE c.oid = "
        "pg_catalog.to_regclass('%1'))",
        {table});
}

// The auth login reads keys and writes when they were used, nothing else. A policy for it is less
// than BYPASSRLS, which would open every table that it is ever granted.
void add_auth_rights(Steps& steps, const BootstrapNames& names) {
    const std::string login = quote_identifier(names.auth_login);
    steps.push_back(
        {"rights of " + names.auth_login + " on the key tables",
         "",
         fill("GRANT USAGE ON SCHEMA auth TO %1;\n"
              "GRANT SELECT ON auth.service_keys, auth.client_keys, "
              "auth.service_key_revocations TO %1;\n"
              "GRANT UPDATE (last_used_at) ON auth.service_keys, auth.client_keys TO %1;",
              {login}),
         Need::required,
         {},
         {}});
    for (const std::string_view table : key_tables) {
        const std::string qualified = "auth." + std::string(table);
        steps.push_back(
            {"policy for " + names.auth_login + " to read " + qualified,
             policy_exists("auth", table, "fluxgate_auth_reads"),
             fill("CREATE POLICY fluxgate_auth_reads ON %1 FOR SELECT TO %2 USING (true);",
                  {qualified, login}),
             Need::required, has_row_security(qualified), "it has no row security"});
        if (table == "service_key_revocations") continue;
        steps.push_back(
            {"policy for " + names.auth_login + " to update " + qualified,
             policy_exists("auth", table, "fluxgate_auth_updates"),
             fill("CREATE POLICY fluxgate_auth_updates ON %1 FOR UPDATE TO %2 USING (true) "
                  "WITH CHECK (true);",
                  {qualified, login}),
             Need::required, has_row_security(qualified), "it has no row security"});
    }
}

// Whether users' own client keys are allowed stands in one row of app.settings. Only where row
// security holds the other rows back, for secrets stand there too.
void add_settings_rights(Steps& steps, const BootstrapNames& names) {
    const std::string login = quote_identifier(names.auth_login);
    steps.push_back(
        {"one row of app.settings for " + names.auth_login,
         policy_exists("app", "settings", "fluxgate_auth_reads"),
         fill("CREATE POLICY fluxgate_auth_reads ON app.settings FOR SELECT TO %1 USING "
              "(key = 'app.auth.allow_user_client_keys');\n"
              "GRANT USAGE ON SCHEMA app TO %1;\n"
              "GRANT SELECT ON app.settings TO %1;",
              {login}),
         Need::optional, has_row_security("app.settings"),
         "there is no app.settings with row security"});
}

void add_notifications(Steps& steps) {
    steps.push_back({"schema " + std::string(own_schema),
                     "pg_catalog.to_regnamespace('fluxgate') IS NOT NULL",
                     "CREATE SCHEMA fluxgate;",
                     Need::optional,
                     {},
                     {}});
    for (const NamedSql& function : notify_functions())
        steps.push_back({"function fluxgate." + std::string(function.name) + "()",
                         "",
                         std::string(function.sql),
                         Need::optional,
                         {},
                         {}});
    for (const NamedSql& trigger : key_triggers())
        steps.push_back(
            {"trigger on auth." + std::string(trigger.name),
             fill("EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = "
                  "pg_catalog.to_regclass('auth.%1') AND t.tgname = 'fluxgate_key_change')",
                  {trigger.name}),
             std::string(trigger.sql),
             Need::optional,
             {},
             {}});
    steps.push_back({"event trigger fluxgate_schema_change",
                     "EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = "
                     "'fluxgate_schema_change')",
                     "CREATE EVENT TRIGGER fluxgate_schema_change ON ddl_command_end "
                     "EXECUTE FUNCTION fluxgate.notify_schema_change();",
                     Need::optional,
                     {},
                     {}});
}

}  // namespace

std::vector<BootstrapStep> bootstrap_steps(const BootstrapNames& names, DatabaseKind kind) {
    Steps steps;
    const auto skip = [&steps](std::string what, std::string why) {
        steps.push_back({std::move(what), {}, {}, Need::optional, {}, std::move(why)});
    };
    add_roles(steps);
    if (names.make_logins) {
        add_logins(steps, names);
    } else {
        skip("three logins", "gateway.database.allow_shared_login: " + names.user_login +
                                 " is used for everything");
    }
    if (kind == DatabaseKind::own) {
        add_own_schema(steps);
        add_hardening(steps);
    } else {
        skip("schema auth, its functions and tables",
             "this database is Fluxbase's, which has them");
        skip("REVOKE TEMPORARY from the public",
             "this database is Fluxbase's; run REVOKE TEMPORARY ON "
             "DATABASE … FROM PUBLIC yourself if nothing needs it");
    }
    if (names.make_logins) {
        add_auth_rights(steps, names);
        if (kind == DatabaseKind::fluxbase) add_settings_rights(steps, names);
    }
    add_notifications(steps);
    return steps;
}

std::string is_fluxbase_condition() {
    return fill(
        "pg_catalog.to_regclass('migrations.fluxbase') IS NOT NULL OR "
        "(pg_catalog.to_regclass('auth.service_keys') IS NOT NULL AND "
        "pg_catalog.obj_description(pg_catalog.to_regclass('auth.service_keys'), 'pg_class') "
        "IS DISTINCT FROM %1)",
        {quote_literal(own_mark)});
}

std::string guarded(const BootstrapStep& step) {
    if (step.condition.empty()) return step.statements;
    const std::string only_if = step.only_if.empty() ? "" : "(" + step.only_if + ") AND ";
    return "DO $guard$ BEGIN\nIF " + only_if + "(" + step.condition + ") IS NOT TRUE THEN\n" +
           step.statements + "\nEND IF;\nEND $guard$;";
}

std::string quote_literal(std::string_view text) {
    std::string literal = "'";
    for (const char c : text) {
        if (c == '\'') literal += '\'';
        literal += c;
    }
    return literal + "'";
}

}  // namespace fluxgate::app
