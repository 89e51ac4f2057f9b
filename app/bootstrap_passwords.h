// Secrets while they are made: passwords of the three logins (given, generated, stored), and the
// file of the key of signed values.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "app/bootstrap_sql.h"
#include "app/config.h"
#include "app/terminal.h"
#include "loop/random.h"
#include "pg/admin.h"

namespace fluxgate::app {

struct BootstrapRequest;

class LoginPasswords {
public:
    // All outlive it.
    LoginPasswords(const Config& config, const BootstrapRequest& request,
                   pg::AdminConnection& connection, loop::Entropy& entropy);

    // Looks which logins exist (before they are made) and settles each new password.
    [[nodiscard]] std::expected<void, std::string> prepare(const BootstrapNames& names);
    [[nodiscard]] std::expected<void, std::string> apply();
    // Before the commit: a login whose password nobody has would be worse than a file too many.
    [[nodiscard]] std::expected<void, std::string> write_files();
    void discard_files();  // those of write_files()
    void report(const Terminal& terminal) const;

private:
    struct Login {
        std::string section;  // "user_login"
        std::string role;
        bool is_changed = false;  // gets `password`
        bool is_generated = false;
        loop::Secret password;
        std::filesystem::path file;  // password_file of the configuration
    };

    [[nodiscard]] std::expected<void, std::string> settle(Login& login, const LoginConfig& given);
    [[nodiscard]] loop::Secret generate(size_t bytes);
    [[nodiscard]] std::expected<void, std::string> write_file(const std::filesystem::path& path,
                                                              const std::string& text);
    // Unless it is there: a new key would end every session.
    [[nodiscard]] std::expected<void, std::string> write_signing_key();
    [[nodiscard]] std::string snippet()
        const;  // YAML of what was generated and has no file of its own

    const Config& config_;
    const BootstrapRequest& request_;
    pg::AdminConnection& connection_;
    loop::Entropy& entropy_;
    std::vector<Login> logins_;
    std::vector<std::filesystem::path> written_;
    bool has_new_signing_key_ = false;
};

}  // namespace fluxgate::app
