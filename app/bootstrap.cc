#include "app/bootstrap.h"

#include <array>
#include <vector>

#include "app/bootstrap_passwords.h"
#include "app/cli.h"
#include "loop/result.h"

namespace fluxgate::app {
namespace {

using Checked = std::expected<void, std::string>;

std::string message_of(const pg::AdminError& error) {
    return error.sqlstate.empty() ? error.message : error.message + " [" + error.sqlstate + "]";
}

class Bootstrap {
public:
    Bootstrap(const Config& config, const BootstrapRequest& request,
              pg::AdminConnection& connection, loop::Entropy& entropy, const Terminal& terminal)
        : names_(bootstrap_names(config)),
          connection_(connection),
          terminal_(terminal),
          passwords_(config, request, connection, entropy) {}

    Checked run() {
        if (const Checked begun = begin(); !begun) return begun;
        const Checked done = run_in_transaction();
        if (done) return done;
        passwords_.discard_files();
        loop::ignore(connection_.run("ROLLBACK"), "the first error is the one to report");
        return done;
    }

private:
    // One transaction, so that a failure leaves the database as it was; one bootstrap at a time in
    // a database; and no waiting behind a table that is in use.
    Checked begin() {
        static constexpr std::string_view start =
            "BEGIN; SET LOCAL search_path = pg_catalog; SET LOCAL standard_conforming_strings = "
            "on; "
            "SET LOCAL lock_timeout = '10s'; SELECT pg_advisory_xact_lock(7310584037160113509);";
        return execute(start, "can not begin");
    }

    Checked run_in_transaction() {
        const auto is_fluxbase = ask(is_fluxbase_condition());
        if (!is_fluxbase) return std::unexpected(is_fluxbase.error());
        const DatabaseKind kind = *is_fluxbase ? DatabaseKind::fluxbase : DatabaseKind::own;
        terminal_.out << "database " << connection_.database() << " as " << connection_.user()
                      << (*is_fluxbase ? ": Fluxbase's; its tables stay as they are\n"
                                       : ": fluxgate's own tables\n");
        if (names_.make_logins)
            if (const Checked prepared = passwords_.prepare(names_); !prepared) return prepared;
        for (const BootstrapStep& step : bootstrap_steps(names_, kind))
            if (const Checked done = run_step(step); !done) return done;
        if (names_.make_logins) {
            if (const Checked safe = check_logins(); !safe) return safe;
            if (const Checked set = passwords_.apply(); !set) return set;
        }
        if (const Checked noted = note_weak_points(); !noted) return noted;
        if (const Checked written = passwords_.write_files(); !written) return written;
        if (const Checked done = execute("COMMIT", "can not commit"); !done) return done;
        passwords_.report(terminal_);
        return {};
    }

    void say(std::string_view outcome, const std::string& what) {
        std::string word(outcome);
        word.resize(9, ' ');
        terminal_.out << word << what << "\n";
    }

    Checked execute(std::string_view sql, const char* what) {
        if (const auto done = connection_.run(sql); !done)
            return std::unexpected(std::string(what) + ": " + message_of(done.error()));
        return {};
    }

    std::expected<bool, std::string> ask(const std::string& condition) {
        const auto answer = connection_.query("SELECT (" + condition + ") IS TRUE");
        if (!answer) return std::unexpected(message_of(answer.error()));
        return answer->value(0, 0) == "t";
    }

    Checked run_step(const BootstrapStep& step) {
        const auto skip = [&](const std::string& why) {
            say("skipped", step.what + " (" + why + ")");
        };
        if (step.statements.empty()) {
            skip(step.why_not);
            return {};
        }
        const auto has_sense = step.only_if.empty() ? true : ask(step.only_if);
        if (!has_sense) return std::unexpected(step.what + ": " + has_sense.error());
        if (!*has_sense) {
            skip(step.why_not);
            return {};
        }
        const auto is_there = step.condition.empty() ? false : ask(step.condition);
        if (!is_there) return std::unexpected(step.what + ": " + is_there.error());
        if (*is_there) {
            say("exists", step.what);
            return {};
        }
        const auto done = connection_.run("SAVEPOINT step;" + guarded(step) + "\nRELEASE step;");
        if (!done && step.need == BootstrapStep::Need::required)
            return std::unexpected(step.what + ": " + message_of(done.error()));
        if (!done) {
            skip(message_of(done.error()));
            return execute("ROLLBACK TO step; RELEASE step;", "can not go back");
        }
        say(step.condition.empty() ? "set" : "created", step.what);
        return {};
    }

    // A login that was there before may be more than it should: a superuser, or a member of
    // service_role through some other role. Then it protects nothing.
    Checked check_logins() {
        struct Rule {
            const std::string& login;
            std::string_view allowed;  // roles that it may be a member of, as an array
        };
        const std::array rules{Rule{names_.user_login, "{anon,authenticated}"},
                               Rule{names_.service_login, "{service_role}"},
                               Rule{names_.auth_login, "{}"}};
        for (const Rule& rule : rules) {
            const std::array<pg::AdminConnection::Parameter, 2> parameters{
                rule.login, std::string(rule.allowed)};
            const auto answer = connection_.query(
                "SELECT concat_ws(', ', "
                "CASE WHEN l.rolsuper THEN 'a superuser' END, "
                "CASE WHEN l.rolbypassrls THEN 'exempt from row security' END, "
                "CASE WHEN l.rolcreaterole THEN 'allowed to create roles' END, "
                "CASE WHEN l.rolreplication THEN 'allowed to replicate' END, "
                "CASE WHEN NOT l.rolcanlogin THEN 'not allowed to log in' END, "
                "(SELECT 'a member of ' || string_agg(r.rolname, ' and ' ORDER BY r.rolname) "
                "FROM pg_roles r WHERE r.oid <> l.oid AND NOT l.rolsuper "
                "AND pg_has_role(l.oid, r.oid, 'MEMBER') AND r.rolname <> ALL ($2::text[]))) "
                "FROM pg_roles l WHERE l.rolname = $1",
                parameters);
            if (!answer) return std::unexpected(message_of(answer.error()));
            const std::string faults(answer->value(0, 0).value_or(""));
            if (!faults.empty())
                return std::unexpected("login " + rule.login + " is " + faults +
                                       "; choose another name under gateway.database, or take that "
                                       "from it");
        }
        return check_caller_roles();
    }

    Checked check_caller_roles() {
        const auto answer = connection_.query(
            "SELECT string_agg(rolname, ', ') FROM pg_roles "
            "WHERE rolname IN ('anon', 'authenticated') AND (rolsuper OR rolbypassrls)");
        if (!answer) return std::unexpected(message_of(answer.error()));
        if (const auto faulty = answer->value(0, 0))
            return std::unexpected("role " + std::string(*faulty) +
                                   " is a superuser or exempt from row security: callers would "
                                   "see every row");
        return {};
    }

    // What Fluxbase's own grants leave open; fluxgate's tools do not, other programs may.
    Checked note_weak_points() {
        static constexpr std::array<std::string_view, 2> roles{"anon", "authenticated"};
        for (const std::string_view role : roles) {
            const auto can_read = ask("pg_catalog.has_table_privilege('" + std::string(role) +
                                      "', 'auth.service_keys', 'SELECT')");
            if (!can_read) return std::unexpected(can_read.error());
            if (*can_read)
                say("note", std::string(role) +
                                " may read auth.service_keys here. fluxgate's tools hide schema "
                                "auth; other "
                                "programs do not.");
        }
        return {};
    }

    const BootstrapNames names_;
    pg::AdminConnection& connection_;
    const Terminal& terminal_;
    LoginPasswords passwords_;
};

}  // namespace

BootstrapNames bootstrap_names(const Config& config) {
    const GatewayDatabaseConfig& own = config.gateway.database;
    if (own.allow_shared_login)
        return {config.database.user, config.database.user, config.database.user, false};
    return {own.user_login.user, own.service_login.user, own.auth_login.user, true};
}

int run_bootstrap(const Config& config, const BootstrapRequest& request,
                  pg::AdminConnection& connection, loop::Entropy& entropy,
                  const Terminal& terminal) {
    Bootstrap bootstrap(config, request, connection, entropy, terminal);
    const Checked done = bootstrap.run();
    if (done) return exit_success;
    terminal.err << "fluxgate: bootstrap: " << done.error() << "\nNothing was changed.\n";
    return exit_failure;
}

void print_bootstrap_sql(const Config& config, const Terminal& terminal) {
    const BootstrapNames names = bootstrap_names(config);
    terminal.out << "-- fluxgate bootstrap, for a database that is not Fluxbase's. May run again.\n"
                    "BEGIN;\nSET LOCAL search_path = pg_catalog;\n"
                    "SET LOCAL standard_conforming_strings = on;\n";
    for (const BootstrapStep& step : bootstrap_steps(names, DatabaseKind::own)) {
        terminal.out << "\n-- " << step.what;
        if (step.statements.empty()) {
            terminal.out << ": skipped (" << step.why_not << ")\n";
            continue;
        }
        if (step.need == BootstrapStep::Need::optional)
            terminal.out << " (optional: leave it out where you may not)";
        terminal.out << "\n" << guarded(step) << "\n";
    }
    terminal.out << "\nCOMMIT;\n";
    if (!names.make_logins) return;
    terminal.out << "\n-- The logins have no passwords yet. In psql:\n";
    for (const std::string& login : {names.user_login, names.service_login, names.auth_login})
        terminal.out << "--   \\password " << login << "\n";
}

}  // namespace fluxgate::app
