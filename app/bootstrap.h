// `fluxgate bootstrap`: makes what fluxgate needs in a database, in one transaction, and says what
// it did.
//
// Idempotent. Two at once wait for each other. Passwords of logins that exist stay, unless asked
// otherwise; new ones are generated unless the configuration gives them, and leave this machine
// only as verifiers.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "app/bootstrap_sql.h"
#include "app/config.h"
#include "app/terminal.h"
#include "loop/random.h"
#include "pg/admin.h"

namespace fluxgate::app {

struct BootstrapRequest {
    bool reset_passwords = false;
    std::optional<std::filesystem::path> passwords_file;  // else new passwords go to the terminal
};

// `config` was loaded without reading password files: those that do not exist are written here.
// Returns the exit code.
[[nodiscard]] int run_bootstrap(const Config& config, const BootstrapRequest& request,
                                pg::AdminConnection& connection, loop::Entropy& entropy,
                                const Terminal& terminal);

// --print-sql: the same for psql, without passwords, for a database that is not Fluxbase's.
void print_bootstrap_sql(const Config& config, const Terminal& terminal);

[[nodiscard]] BootstrapNames bootstrap_names(const Config& config);

}  // namespace fluxgate::app
