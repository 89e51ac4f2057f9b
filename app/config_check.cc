#include "app/config_check.h"

#include <array>

#include "app/config_options.h"
#include "app/config_rules.h"
#include "app/duration.h"
#include "app/file_io.h"
#include "app/signing_key.h"

namespace fluxgate::app {
namespace {

constexpr std::string_view logins = "gateway.database.";
constexpr std::array<std::string_view, 3> login_names{"user_login", "service_login", "auth_login"};

LoginConfig& login_of(Config& config, size_t index) {
    GatewayDatabaseConfig& database = config.gateway.database;
    return index == 0   ? database.user_login
           : index == 1 ? database.service_login
                        : database.auth_login;
}

// A secret that can stand in the configuration or in a file of its own.
struct SecretPlace {
    std::string key;
    std::string file_key;
    loop::Secret& secret;
    std::filesystem::path& file;
};

// Of the two the higher layer wins; both in one layer say two things. True: `secret` is what
// counts.
bool resolve_secret(const Config& config, const SecretPlace& place, bool read_files,
                    ConfigErrors& errors) {
    if (place.file.empty()) return true;
    const auto given = config.origins.find(place.key);
    const auto file = config.origins.find(place.file_key);
    if (given != config.origins.end() && file != config.origins.end()) {
        if (given->second.layer == file->second.layer) {
            errors.push_back(locate(config, place.file_key) + ": " + place.key +
                             " is set too; keep one of them");
            return false;
        }
        if (given->second.layer > file->second.layer) {
            place.file.clear();
            return true;
        }
    }
    if (!read_files) return false;
    auto secret = read_password_file(place.file);
    if (!secret) {
        errors.push_back(
            locate(config, place.file_key) + ": " + place.file.string() + " " + secret.error() +
            (secret.error() == "does not exist" ? "; fluxgate bootstrap makes it" : ""));
        return false;
    }
    place.secret = std::move(*secret);
    return true;
}

void resolve_password(Config& config, size_t index, bool read_files, ConfigErrors& errors) {
    const std::string section = std::string(logins).append(login_names[index]);
    LoginConfig& login = login_of(config, index);
    resolve_secret(
        config,
        {section + ".password", section + ".password_file", login.password, login.password_file},
        read_files, errors);
}

void check_signing_key(Config& config, bool read_files, ConfigErrors& errors) {
    static constexpr const char* key = "gateway.keys.signing_key";
    static constexpr const char* file_key = "gateway.keys.signing_key_file";
    GatewayKeysConfig& keys = config.gateway.keys;
    const std::string wanted = std::to_string(signing_secret_bytes_min) + " characters";
    if (resolve_secret(config, {key, file_key, keys.signing_key, keys.signing_key_file}, read_files,
                       errors) &&
        !keys.signing_key.empty() && keys.signing_key.reveal().size() < signing_secret_bytes_min) {
        const bool is_of_file = !keys.signing_key_file.empty();
        errors.push_back(
            locate(config, is_of_file ? file_key : key) + ": " +
            (is_of_file ? keys.signing_key_file.string() + " must hold" : "must have") +
            " at least " + wanted);
    }
    // Fluxbase's own key, and Fluxbase's to refuse.
    if (keys.signing_key.empty() && keys.signing_key_file.empty() && !config.jwt_secret.empty() &&
        config.jwt_secret.reveal().size() < signing_secret_bytes_min)
        config.notes.push_back(locate(config, "auth.jwt_secret") + ": has fewer than " + wanted +
                               " and signs nothing here");
}

void check_times(const Config& config, ConfigErrors& errors) {
    const GatewayDatabaseConfig& database = config.gateway.database;
    if (database.fast_timeout > database.statement_timeout)
        errors.push_back(locate(config, "gateway.database.fast_timeout") + ": " +
                         render_duration(database.fast_timeout) +
                         " is longer than gateway.database.statement_timeout (" +
                         render_duration(database.statement_timeout) + ")");
    const OauthConfig& oauth = config.mcp.oauth;
    if (oauth.token_expiry > oauth.refresh_token_expiry)
        errors.push_back(locate(config, "mcp.oauth.token_expiry") + ": " +
                         render_duration(oauth.token_expiry) +
                         " is longer than mcp.oauth.refresh_token_expiry (" +
                         render_duration(oauth.refresh_token_expiry) + ")");
}

void check_logins(const Config& config, ConfigErrors& errors) {
    const EffectiveLogins effective = effective_logins(config);
    const bool is_shared = effective.user.user == effective.service.user ||
                           effective.user.user == effective.auth.user ||
                           effective.service.user == effective.auth.user;
    if (!is_shared || config.gateway.database.allow_shared_login) return;
    errors.push_back(
        locate(config, "gateway.database.user_login.user") +
        ": user_login, service_login and auth_login must be three different roles (`fluxgate "
        "bootstrap` makes them), or set gateway.database.allow_shared_login: true, which keeps "
        "every tool off that carries a caller's SQL");
}

void check_address(const Config& config, ConfigErrors& errors) {
    const auto address = parse_listen_address(config.gateway.server.address);
    if (!address) return;  // reported where it was read
    if (address->is_loopback || config.gateway.server.allow_plain_http) return;
    errors.push_back(locate(config, "gateway.server.address") + ": " +
                     config.gateway.server.address +
                     " can be reached from other machines, and keys would cross the network in "
                     "clear text; use 127.0.0.1 behind a TLS proxy, or set "
                     "gateway.server.allow_plain_http: true");
}

void check_budget(const Config& config, ConfigErrors& errors) {
    const uint32_t loops = config.gateway.server.loops;
    const uint32_t per_loop = connections_per_loop(config);
    const uint64_t wanted = uint64_t{per_loop} * (loops == 0 ? 1 : loops);
    if (wanted <= config.database.max_connections) return;
    errors.push_back(locate(config, "database.max_connections") + ": " +
                     std::to_string(config.database.max_connections) +
                     " is too few: " + std::to_string(loops == 0 ? 1 : loops) + " loop(s) of " +
                     std::to_string(per_loop) + " lanes want " + std::to_string(wanted) +
                     "; raise it (and PostgreSQL's max_connections), or lower gateway.server.loops "
                     "or the lanes");
}

}  // namespace

std::string locate(const Config& config, std::string_view key) {
    const auto origin = config.origins.find(key);
    if (origin == config.origins.end()) return std::string(key);
    return origin->second.place + ": " + std::string(key);
}

EffectiveLogins effective_logins(const Config& config) {
    const GatewayDatabaseConfig& database = config.gateway.database;
    bool has_own = false;
    for (const std::string_view name : login_names)
        for (const std::string_view part : {".user", ".password", ".password_file"})
            has_own = has_own || config.is_set(std::string(logins).append(name).append(part));
    if (!database.allow_shared_login || has_own)
        return {database.user_login, database.service_login, database.auth_login};
    const LoginConfig shared{config.database.user, config.database.password, {}};
    return {shared, shared, shared};
}

ConfigErrors check_config(Config& config, bool read_password_files) {
    ConfigErrors errors;
    for (size_t i = 0; i < login_names.size(); ++i)
        resolve_password(config, i, read_password_files, errors);
    check_signing_key(config, read_password_files, errors);
    check_times(config, errors);
    return errors;
}

ConfigErrors check_for_serving(const Config& config) {
    ConfigErrors errors;
    check_address(config, errors);
    if (config.conformance) return errors;  // without a database
    check_logins(config, errors);
    check_budget(config, errors);
    return errors;
}

}  // namespace fluxgate::app
