#include "app/bootstrap_passwords.h"

#include <array>
#include <span>

#include "app/bootstrap.h"
#include "app/file_io.h"
#include "loop/crypto.h"
#include "pg/catalog.h"

namespace fluxgate::app {
namespace {

constexpr size_t password_bytes = 24;
constexpr size_t signing_key_bytes = 32;

}  // namespace

LoginPasswords::LoginPasswords(const Config& config, const BootstrapRequest& request,
                               pg::AdminConnection& connection, loop::Entropy& entropy)
    : config_(config), request_(request), connection_(connection), entropy_(entropy) {
}

std::expected<void, std::string> LoginPasswords::prepare(const BootstrapNames& names) {
    const GatewayDatabaseConfig& own = config_.gateway.database;
    if (names.user_login == names.service_login || names.user_login == names.auth_login ||
        names.service_login == names.auth_login)
        return std::unexpected("gateway.database: the three logins need three different names");
    logins_ = {
        {.section = "user_login", .role = names.user_login, .password = {}, .file = {}},
        {.section = "service_login", .role = names.service_login, .password = {}, .file = {}},
        {.section = "auth_login", .role = names.auth_login, .password = {}, .file = {}}};
    const std::array<const LoginConfig*, 3> given{&own.user_login, &own.service_login,
                                                  &own.auth_login};
    for (size_t i = 0; i < logins_.size(); ++i)
        if (auto settled = settle(logins_[i], *given[i]); !settled) return settled;
    return {};
}

std::expected<void, std::string> LoginPasswords::settle(Login& login, const LoginConfig& given) {
    const std::array<pg::AdminConnection::Parameter, 1> parameters{login.role};
    const auto exists =
        connection_.query("SELECT FROM pg_catalog.pg_roles WHERE rolname = $1", parameters);
    if (!exists) return std::unexpected(exists.error().message);
    login.is_changed = exists->rows() == 0 || request_.reset_passwords;
    if (!login.is_changed) return {};
    std::error_code ignored;
    if (!given.password.empty()) {
        login.password = given.password;
    } else if (!given.password_file.empty() &&
               std::filesystem::exists(given.password_file, ignored)) {
        auto secret = read_password_file(given.password_file);
        if (!secret) return std::unexpected(given.password_file.string() + " " + secret.error());
        login.password = std::move(*secret);
    } else {
        login.is_generated = true;
        login.password = generate(password_bytes);
        login.file = given.password_file;
    }
    return {};
}

loop::Secret LoginPasswords::generate(size_t bytes) {
    std::vector<uint8_t> numbers(bytes);
    entropy_.fill(std::as_writable_bytes(std::span(numbers)));
    return loop::Secret(loop::base64url(numbers, loop::Base64Padding::none));
}

std::expected<void, std::string> LoginPasswords::apply() {
    for (const Login& login : logins_) {
        if (!login.is_changed) continue;
        const auto verifier = connection_.encrypt_password(login.role, login.password);
        if (!verifier) return std::unexpected(verifier.error().message);
        const auto done = connection_.run("ALTER ROLE " + pg::quote_identifier(login.role) +
                                          " PASSWORD " + quote_literal(*verifier) + ";");
        if (!done)
            return std::unexpected("password of " + login.role + ": " + done.error().message);
    }
    return {};
}

std::expected<void, std::string> LoginPasswords::write_files() {
    for (const Login& login : logins_) {
        if (login.file.empty()) continue;
        if (auto done = write_file(login.file, std::string(login.password.reveal()) + "\n"); !done)
            return done;
    }
    if (auto done = write_signing_key(); !done) return done;
    const std::string text = snippet();
    if (request_.passwords_file && !text.empty()) return write_file(*request_.passwords_file, text);
    return {};
}

std::expected<void, std::string> LoginPasswords::write_file(const std::filesystem::path& path,
                                                            const std::string& text) {
    const auto done = write_new_private_file(path, text);
    if (!done) return std::unexpected(path.string() + " " + done.error());
    written_.push_back(path);
    return {};
}

std::expected<void, std::string> LoginPasswords::write_signing_key() {
    const std::filesystem::path& path = config_.gateway.keys.signing_key_file;
    std::error_code ignored;
    if (path.empty() || std::filesystem::exists(path, ignored)) return {};
    has_new_signing_key_ = true;
    return write_file(path, std::string(generate(signing_key_bytes).reveal()) + "\n");
}

void LoginPasswords::discard_files() {
    std::error_code ignored;
    for (const std::filesystem::path& path : written_)
        std::filesystem::remove(path, ignored);
    written_.clear();
}

std::string LoginPasswords::snippet() const {
    std::string text;
    for (const Login& login : logins_) {
        if (!login.is_generated || !login.file.empty()) continue;
        text += "    " + login.section + ":\n      user: \"" + login.role +
                "\"\n      password: \"" + std::string(login.password.reveal()) + "\"\n";
    }
    return text.empty() ? text : "gateway:\n  database:\n" + text;
}

void LoginPasswords::report(const Terminal& terminal) const {
    for (const Login& login : logins_) {
        terminal.out << (login.is_changed ? "set      " : "kept     ") << "password of "
                     << login.role
                     << (login.is_changed && !login.is_generated ? " (as configured)" : "") << "\n";
    }
    if (!config_.gateway.keys.signing_key_file.empty())
        terminal.out << (has_new_signing_key_ ? "set      " : "kept     ")
                     << "key of signed values\n";
    for (const std::filesystem::path& path : written_)
        terminal.out << "written  " << path.string() << " (mode 0600)\n";
    const std::string text = snippet();
    if (text.empty() || request_.passwords_file) return;
    terminal.out
        << "\nNew passwords, shown once. Into the configuration file with them (chmod 600):\n\n"
        << text;
}

}  // namespace fluxgate::app
