// What must be true of the logins before a caller is let in (docs/security.md, "Three logins").
//
// Asked over the lanes themselves, so that what is checked is what will run.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "loop/scope.h"
#include "loop/task.h"
#include "pg/error.h"
#include "pg/pool.h"

namespace fluxgate::pg {

struct StartupReport {
    std::vector<std::string> faults;    // reasons not to serve; each names the role and the remedy
    std::vector<std::string> warnings;  // for the log
};

struct StartupCheckOptions {
    // What is wrong with a login is then a warning, and every tool that carries the caller's SQL
    // must stay off.
    bool allow_shared_login = false;
};

// Suspends. An error: PostgreSQL could not be asked; ask again.
[[nodiscard]] loop::Task<std::expected<StartupReport, Error>> check_startup(
    loop::Scope* scope, Pool* pool, StartupCheckOptions options);

// For server_version_num (150009 is 15.9); empty if the release is fine.
[[nodiscard]] std::string version_warning(int version);

}  // namespace fluxgate::pg
