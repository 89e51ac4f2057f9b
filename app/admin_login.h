// Which connection the commands use that need an administrator.
#pragma once

#include <optional>
#include <string>

#include "app/config.h"
#include "pg/admin.h"

namespace fluxgate::app {

// In this order: `url` (--admin-url); database.admin_user; database.user where the configuration
// says anything about the database; libpq's own PG* variables and ~/.pgpass where those are set;
// the defaults.
[[nodiscard]] pg::AdminOptions admin_options(const Config& config,
                                             const std::optional<std::string>& url,
                                             const Environment& environment);

}  // namespace fluxgate::app
