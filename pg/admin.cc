#include "pg/admin.h"

#include <libpq-fe.h>

#include <array>
#include <utility>
#include <vector>

#include "loop/check.h"

namespace fluxgate::pg {
namespace {

// libpq ends its messages with a line break and may use several lines.
std::string one_line(const char* text) {
    std::string line = text == nullptr ? "" : text;
    while (!line.empty() && (line.back() == '\n' || line.back() == ' '))
        line.pop_back();
    for (char& c : line)
        if (c == '\n') c = ' ';
    return line;
}

std::string field(const PGresult* result, int code) {
    return one_line(PQresultErrorField(result, code));
}

AdminError result_error(const PGresult* result) {
    AdminError error{field(result, PG_DIAG_SQLSTATE), field(result, PG_DIAG_MESSAGE_PRIMARY)};
    const std::string detail = field(result, PG_DIAG_MESSAGE_DETAIL);
    if (!detail.empty()) error.message += " (" + detail + ")";
    if (error.message.empty()) error.message = one_line(PQresultErrorMessage(result));
    return error;
}

bool is_success(const PGresult* result) {
    const ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

// A password in a URL of the command line can be read by every user of the machine.
std::optional<AdminError> check_url(const std::string& url) {
    char* message = nullptr;
    PQconninfoOption* options = PQconninfoParse(url.c_str(), &message);
    if (options == nullptr) {
        AdminError error{"", one_line(message)};
        PQfreemem(message);
        return error;
    }
    bool has_password = false;
    for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option)
        if (std::string_view(option->keyword) == "password" && option->val != nullptr)
            has_password = true;
    PQconninfoFree(options);
    if (!has_password) return std::nullopt;
    return AdminError{
        "",
        "the URL holds a password, which every user of this machine could read; give it "
        "in PGPASSWORD, in ~/.pgpass or as database.admin_password"};
}

}  // namespace

std::expected<AdminConnection, AdminError> AdminConnection::connect(const AdminOptions& options) {
    const std::string port = options.port == 0 ? "" : std::to_string(options.port);
    const std::string timeout = std::to_string(options.connect_timeout_s);
    const std::string password(options.password.reveal());
    std::vector<std::pair<const char*, const char*>> settings;
    if (!options.url.empty()) {
        if (auto error = check_url(options.url)) return std::unexpected(std::move(*error));
        settings.emplace_back("dbname", options.url.c_str());  // expanded, see below
    } else {
        settings.emplace_back("host", options.host.c_str());
        settings.emplace_back("port", port.c_str());
        settings.emplace_back("dbname", options.database.c_str());
        settings.emplace_back("user", options.user.c_str());
        settings.emplace_back("password", password.c_str());
        settings.emplace_back("sslmode", options.ssl_mode.c_str());
    }
    settings.emplace_back("connect_timeout", timeout.c_str());
    settings.emplace_back("client_encoding", "UTF8");
    settings.emplace_back("fallback_application_name", "fluxgate admin");
    std::vector<const char*> names, values;
    for (const auto& [name, value] : settings) {
        names.push_back(name);
        values.push_back(value);  // libpq takes an empty one as absent
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    const int expand_dbname = options.url.empty() ? 0 : 1;
    AdminConnection admin(PQconnectdbParams(names.data(), values.data(), expand_dbname));
    if (PQstatus(admin.connection_) != CONNECTION_OK)
        return std::unexpected(admin.connection_error());
    // NOTICEs of IF NOT EXISTS would go to stderr, which belongs to app/.
    PQsetNoticeProcessor(admin.connection_, [](void*, const char*) {}, nullptr);
    return admin;
}

AdminConnection::~AdminConnection() {
    PQfinish(connection_);
}

AdminConnection::AdminConnection(AdminConnection&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {
}

AdminConnection& AdminConnection::operator=(AdminConnection&& other) noexcept {
    std::swap(connection_, other.connection_);
    return *this;
}

AdminError AdminConnection::connection_error() const {
    return {"", one_line(PQerrorMessage(connection_))};
}

std::expected<void, AdminError> AdminConnection::run(std::string_view script) {
    FLUX_CHECK(!script.contains('\0'));
    PGresult* raw = PQexec(connection_, std::string(script).c_str());
    const Result owner(raw);
    if (raw == nullptr) return std::unexpected(connection_error());
    if (!is_success(raw)) return std::unexpected(result_error(raw));
    return {};
}

std::expected<Result, AdminError> AdminConnection::query(std::string_view sql,
                                                         std::span<const Parameter> parameters) {
    std::vector<const char*> values;
    for (const Parameter& parameter : parameters) {
        // libpq would cut the text there silently.
        if (parameter && parameter->contains('\0'))
            return std::unexpected(AdminError{"22021", "a value holds a NUL byte"});
        values.push_back(parameter ? parameter->c_str() : nullptr);
    }
    PGresult* raw =
        PQexecParams(connection_, std::string(sql).c_str(), static_cast<int>(values.size()),
                     nullptr, values.data(), nullptr, nullptr, 0);
    Result result(raw);
    if (raw == nullptr) return std::unexpected(connection_error());
    if (!is_success(raw)) return std::unexpected(result_error(raw));
    return result;
}

std::expected<std::string, AdminError> AdminConnection::encrypt_password(
    const std::string& role, const loop::Secret& password) {
    const std::string text(password.reveal());
    char* verifier = PQencryptPasswordConn(connection_, text.c_str(), role.c_str(), nullptr);
    if (verifier == nullptr) return std::unexpected(connection_error());
    std::string owned = verifier;
    PQfreemem(verifier);
    return owned;
}

std::string AdminConnection::user() const {
    return one_line(PQuser(connection_));
}
std::string AdminConnection::database() const {
    return one_line(PQdb(connection_));
}

}  // namespace fluxgate::pg
