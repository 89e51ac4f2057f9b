#include "app/admin_login.h"

#include <algorithm>
#include <array>

namespace fluxgate::app {

pg::AdminOptions admin_options(const Config& config, const std::optional<std::string>& url,
                               const Environment& environment) {
    pg::AdminOptions options;
    if (url) {
        options.url = *url;
        return options;
    }
    const bool is_configured = std::ranges::any_of(
        config.origins, [](const auto& origin) { return origin.first.starts_with("database."); });
    static constexpr std::array<std::string_view, 5> libpq{"PGHOST", "PGHOSTADDR", "PGDATABASE",
                                                           "PGUSER", "PGSERVICE"};
    const bool has_libpq = std::ranges::any_of(
        libpq, [&environment](std::string_view name) { return environment.contains(name); });
    if (!is_configured && has_libpq) return options;  // empty: libpq reads them itself
    options.host = config.database.host;
    options.port = config.database.port;
    options.database = config.database.database;
    options.ssl_mode = config.database.ssl_mode;
    if (config.database.admin_user.empty()) {
        options.user = config.database.user;
        options.password = config.database.password;
    } else {
        options.user = config.database.admin_user;
        options.password = config.database.admin_password;
    }
    return options;
}

}  // namespace fluxgate::app
