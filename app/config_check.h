// Checks that need more than one value.
#pragma once

#include "app/config.h"

namespace fluxgate::app {

// Pairs of values that contradict each other; reads the password files into their logins, and
// the signing key's. Errors carry the place of the value.
[[nodiscard]] ConfigErrors check_config(Config& config, bool read_password_files);

// "fluxbase.yaml:12: gateway.server.address", or the bare key where the default stands.
[[nodiscard]] std::string locate(const Config& config, std::string_view key);

// A login as it will be used: with allow_shared_login and no login of its own configured,
// database.user.
struct EffectiveLogins {
    LoginConfig user, service, auth;
};
[[nodiscard]] EffectiveLogins effective_logins(const Config& config);

}  // namespace fluxgate::app
