#include "pg/startup_check.h"

#include <array>
#include <charconv>

namespace fluxgate::pg {
namespace {

constexpr uint32_t check_timeout_ms = 5'000;

struct Branch {
    int major;
    int required;   // first minor without CVE-2024-10976 and CVE-2024-10978
    int preferred;  // first minor without CVE-2025-8713
};
constexpr std::array branches = {Branch{14, 14, 19}, Branch{15, 9, 14}, Branch{16, 5, 10},
                                 Branch{17, 1, 6}};

// On a lane of the user login: session_user is the login, whatever role the lane has. Roles that it
// can become count as its own rights.
constexpr std::string_view user_login_sql =
    "SELECT session_user,"
    " coalesce((SELECT pg_has_role(session_user, s.oid, 'member') FROM pg_roles s"
    "           WHERE s.rolname = 'service_role'), false),"
    " (SELECT p.rolname FROM pg_roles p WHERE (p.rolsuper OR p.rolbypassrls)"
    "    AND p.rolname <> 'service_role' AND pg_has_role(session_user, p.oid, 'member')"
    "    ORDER BY p.rolname <> session_user LIMIT 1),"
    " current_setting('server_version_num')";
constexpr std::string_view gateway_login_sql = "SELECT session_user";

std::string fault_of(const std::string& login, const std::string& what) {
    return "the database login \"" + login + "\" runs callers' statements and " + what +
           ". Use a login that is a member of anon and authenticated only (fluxgate bootstrap "
           "makes "
           "one), or set gateway.database.allow_shared_login: true and accept that";
}

// The first row is user_login_sql's.
void judge_user_login(const Result& row, std::vector<std::string>& findings) {
    const std::string login(row.value(0, 0).value_or(""));
    if (row.value(0, 1) == "t") {
        findings.push_back(
            fault_of(login, "is a member of service_role: one could leave its caller's rows"));
    }
    if (const auto powerful = row.value(0, 2)) {
        const std::string role(*powerful);
        const std::string how = role == login ? "is" : "is a member of \"" + role + "\", which is";
        findings.push_back(
            fault_of(login, how + " SUPERUSER or BYPASSRLS: Row Level Security would not hold"));
    }
}

Query query_of(std::string_view sql, loop::Instant now) {
    Query query;
    query.sql = sql;
    query.statement_timeout_ms = check_timeout_ms;
    query.deadline = loop::Deadline::after(now, std::chrono::milliseconds(check_timeout_ms));
    return query;
}

}  // namespace

std::string version_warning(int version) {
    const int major = version / 10'000;
    const int minor = version % 10'000;
    const std::string have = "PostgreSQL " + std::to_string(major) + "." + std::to_string(minor);
    if (major < branches.front().major) return have + " is not supported; use 14 or later";
    for (const Branch& branch : branches) {
        if (branch.major != major || minor >= branch.preferred) continue;
        const std::string what =
            minor < branch.required
                ? " can apply another role's policies to a cached plan (CVE-2024-10976)"
                : " leaks statistics past Row Level Security (CVE-2025-8713)";
        return have + what + "; update to " + std::to_string(major) + "." +
               std::to_string(branch.preferred) + " or later";
    }
    return "";
}

loop::Task<std::expected<StartupReport, Error>> check_startup(loop::Scope* scope, Pool* pool,
                                                              StartupCheckOptions options) {
    Identity identity;
    identity.role = Role::authenticated;
    const Query user_query = query_of(user_login_sql, scope->loop().now());
    auto user = co_await pool->execute(scope, identity, user_query);
    if (!user) co_return std::unexpected(std::move(user.error()));
    identity.role = Role::gateway;
    const Query gateway_query = query_of(gateway_login_sql, scope->loop().now());
    auto gateway = co_await pool->execute(scope, identity, gateway_query);
    if (!gateway) co_return std::unexpected(std::move(gateway.error()));

    StartupReport report;
    std::vector<std::string>& findings =
        options.allow_shared_login ? report.warnings : report.faults;
    judge_user_login(*user, findings);
    if (user->value(0, 0) == gateway->value(0, 0)) {
        const std::string login(user->value(0, 0).value_or(""));
        findings.push_back(fault_of(login, "also reads the key tables: one could read the keys"));
    }
    const std::string_view text = user->value(0, 3).value_or("0");
    int version = 0;
    std::from_chars(text.data(), text.data() + text.size(), version);
    if (std::string warning = version_warning(version); !warning.empty())
        report.warnings.push_back(std::move(warning));
    co_return report;
}

}  // namespace fluxgate::pg
