#include "app/commands.h"

#include "app/admin_login.h"
#include "app/bootstrap.h"
#include "app/config_keys.h"
#include "app/key_commands.h"
#include "app/version.h"
#include "loop/random.h"

namespace fluxgate::app {
namespace {

int fail_usage(const std::string& text, const Terminal& terminal) {
    terminal.err << "fluxgate: " << text << "\n";
    return exit_usage;
}

int fail_configuration(const ConfigErrors& errors, const Terminal& terminal) {
    for (const std::string& error : errors)
        terminal.err << "fluxgate: " << error << "\n";
    return exit_configuration;
}

void write_notes(const Config& config, const Terminal& terminal) {
    for (const std::string& note : config.notes)
        terminal.err << "fluxgate: note: " << note << "\n";
}

void show_keys(const Config& config, const Terminal& terminal) {
    for (const Key& key : config_keys()) {
        const auto origin = config.origins.find(key.path);
        terminal.out << key.path << " = " << render_value(key, config) << "  # "
                     << (origin == config.origins.end() ? "default" : origin->second.place) << "\n";
    }
}

int check(const Invocation& invocation, const Environment& environment, const Terminal& terminal) {
    const auto config = load_for_serving(invocation, environment, terminal);
    if (!config) return config.error();
    if (invocation.has("--show")) show_keys(*config, terminal);
    terminal.out << (config->file.empty() ? "no file: environment and defaults"
                                          : config->file.string())
                 << ": right\n";
    return exit_success;
}

std::expected<pg::AdminConnection, int> connect(const Invocation& invocation, const Config& config,
                                                const Environment& environment,
                                                const Terminal& terminal) {
    const pg::AdminOptions options =
        admin_options(config, invocation.get("--admin-url"), environment);
    auto connection = pg::AdminConnection::connect(options);
    if (connection) return std::move(*connection);
    terminal.err
        << "fluxgate: can not connect as an administrator: " << connection.error().message
        << "\nThe login is --admin-url, or database.admin_user, or database.user, or PGUSER.\n";
    return std::unexpected(exit_failure);
}

int bootstrap(const Invocation& invocation, const Environment& environment,
              const Terminal& terminal) {
    const auto config = load_for(invocation, environment, terminal);
    if (!config) return config.error();
    if (invocation.has("--print-sql")) {
        print_bootstrap_sql(*config, terminal);
        return exit_success;
    }
    auto connection = connect(invocation, *config, environment, terminal);
    if (!connection) return connection.error();
    BootstrapRequest request;
    request.reset_passwords = invocation.has("--reset-passwords");
    request.passwords_file = invocation.get("--passwords-file");
    loop::SystemEntropy entropy;
    return run_bootstrap(*config, request, *connection, entropy, terminal);
}

int keys(const Invocation& invocation, const Environment& environment, const Terminal& terminal) {
    if (const std::string wrong = check_key_options(invocation); !wrong.empty())
        return fail_usage(wrong, terminal);
    const auto config = load_for(invocation, environment, terminal);
    if (!config) return config.error();
    auto connection = connect(invocation, *config, environment, terminal);
    if (!connection) return connection.error();
    loop::SystemEntropy entropy;
    return run_key_command(invocation, *connection, entropy, terminal);
}

// Only loopback, and nothing of the product's limits: the suite is one client in a hurry.
void set_conformance(Config& config) {
    config.conformance = true;
    config.mcp.enabled = true;
    config.mcp.base_path = "/mcp";
    config.mcp.allowed_tools.clear();
    config.mcp.allowed_resources.clear();
    std::string& address = config.gateway.server.address;
    address = "127.0.0.1" + address.substr(address.rfind(':'));
}

}  // namespace

std::expected<Config, int> load_for(const Invocation& invocation, const Environment& environment,
                                    const Terminal& terminal) {
    LoadRequest request;
    request.environment = environment;
    request.search = default_search();
    if (const auto file = invocation.get("--config")) request.file = *file;
    for (const std::string_view option : {"--port", "--loops"}) {
        const auto text = invocation.get(option);
        if (!text) continue;
        const bool is_port = option == "--port";
        const auto number = parse_number(option, *text, 0, is_port ? UINT16_MAX : 1024);
        if (!number) return std::unexpected(fail_usage(number.error(), terminal));
        if (is_port)
            request.port = static_cast<uint16_t>(*number);
        else
            request.loops = *number;
    }
    const CommandId id = invocation.command->id;
    request.read_password_files = id == CommandId::serve || id == CommandId::check_config;
    auto config = load_config(request);
    if (!config) return std::unexpected(fail_configuration(config.error(), terminal));
    return std::move(*config);
}

std::expected<Config, int> load_for_serving(const Invocation& invocation,
                                            const Environment& environment,
                                            const Terminal& terminal) {
    auto config = load_for(invocation, environment, terminal);
    if (!config) return config;
    if (invocation.has("--conformance")) {
        set_conformance(*config);
        terminal.err << "fluxgate: CONFORMANCE MODE: the official test suite's fixtures instead of "
                        "the product, for anybody on this machine; no database, no keys\n";
    }
    write_notes(*config, terminal);
    if (!config->mcp.enabled)
        terminal.err << "fluxgate: note: mcp.enabled is false: nothing but health and readiness "
                        "will answer\n";
    const ConfigErrors errors = check_for_serving(*config);
    if (!errors.empty()) return std::unexpected(fail_configuration(errors, terminal));
    return config;
}

int run_command(const Invocation& invocation, const Environment& environment,
                const Terminal& terminal) {
    switch (invocation.command->id) {
        case CommandId::check_config:
            return check(invocation, environment, terminal);
        case CommandId::bootstrap:
            return bootstrap(invocation, environment, terminal);
        case CommandId::version:
            terminal.out << "fluxgate " << version() << "\n";
            return exit_success;
        case CommandId::serve:
            return fail_usage("serve is not run here", terminal);
        default:
            return keys(invocation, environment, terminal);
    }
}

}  // namespace fluxgate::app
