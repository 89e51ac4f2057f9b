#include "app/cli.h"

#include <algorithm>
#include <charconv>

#include "app/config_value.h"
#include "app/nearest.h"

namespace fluxgate::app {
namespace {

constexpr OptionSpec option_config{
    "--config", "FILE", "the configuration; default: ./fluxbase.yaml, ./config/, /etc/fluxbase/"};
constexpr OptionSpec option_admin_url{
    "--admin-url", "URL", "the database and an administrator's login, without a password"};
constexpr OptionSpec option_json{"--json", "", "print JSON"};

constexpr OptionSpec serve_options[] = {
    option_config,
    {"--port", "N", "listen on this port instead of the configured one"},
    {"--loops", "N", "event loops; 0 or unset: one per core"},
    {"--conformance", "",
     "serve the official test suite's fixtures instead of the product: on "
     "127.0.0.1, without keys and without PostgreSQL"},
};
constexpr OptionSpec check_options[] = {
    option_config,
    {"--show", "", "print every key with its value and where it comes from; no secrets"},
};
constexpr OptionSpec bootstrap_options[] = {
    option_config,
    option_admin_url,
    {"--print-sql", "", "print the SQL instead of running it; needs no connection"},
    {"--reset-passwords", "", "give logins that exist new passwords"},
    {"--passwords-file", "FILE",
     "write new passwords there (made with mode 0600), not to the terminal"},
};
constexpr OptionSpec service_create_options[] = {
    option_config,
    option_admin_url,
    {"--name", "NAME", "what it is for", true},
    {"--description", "TEXT", "more about it"},
    {"--scopes", "LIST", "comma separated; default: *"},
    {"--expires", "WHEN", "after a duration (720h, 30d) or at an RFC 3339 time; default: never"},
};
constexpr OptionSpec client_create_options[] = {
    option_config,
    option_admin_url,
    {"--name", "NAME", "what it is for", true},
    {"--scopes", "LIST", "comma separated, such as read:tables,write:tables", true},
    {"--user", "USER", "id or email of the user whose rows it sees; default: nobody's"},
    {"--expires", "WHEN", "after a duration (720h, 30d) or at an RFC 3339 time; default: never"},
};
constexpr OptionSpec list_options[] = {option_config, option_admin_url, option_json};
constexpr OptionSpec revoke_options[] = {
    option_config,
    option_admin_url,
    {"--reason", "TEXT", "kept with the revocation (service keys only)"},
};

constexpr CommandSpec all_commands[] = {
    {CommandId::serve, "serve", "", "answer MCP clients; what fluxgate does without a command",
     serve_options,
     "  fluxgate\n"
     "  fluxgate serve --config /etc/fluxbase/fluxbase.yaml --port 8443\n"},
    {CommandId::check_config, "check-config", "",
     "say whether the configuration is right, with all mistakes at once", check_options,
     "  fluxgate check-config --config fluxbase.yaml\n"
     "  fluxgate check-config --show\n"},
    {CommandId::bootstrap, "bootstrap", "",
     "make the roles, logins and tables that fluxgate needs; may be run again", bootstrap_options,
     "  fluxgate bootstrap\n"
     "  fluxgate bootstrap --admin-url 'postgresql://postgres@localhost/app'\n"
     "  fluxgate bootstrap --print-sql | less\n"},
    {CommandId::service_keys_create, "servicekeys create", "",
     "make a service key (bypasses Row Level Security); shown once", service_create_options,
     "  fluxgate servicekeys create --name nightly-import --expires 30d\n"},
    {CommandId::service_keys_list, "servicekeys list", "", "list service keys, without secrets",
     list_options, "  fluxgate servicekeys list --json\n"},
    {CommandId::service_keys_revoke, "servicekeys revoke", "KEY",
     "end a service key, named by its id or prefix", revoke_options,
     "  fluxgate servicekeys revoke sk_Zm9vYmFyYmF6 --reason leaked\n"},
    {CommandId::client_keys_create, "clientkeys create", "",
     "make a client key (one user's rows only); shown once", client_create_options,
     "  fluxgate clientkeys create --name laptop --scopes read:tables --user alice@example.com\n"},
    {CommandId::client_keys_list, "clientkeys list", "", "list client keys, without secrets",
     list_options, "  fluxgate clientkeys list\n"},
    {CommandId::client_keys_revoke, "clientkeys revoke", "KEY",
     "end a client key, named by its id or prefix", revoke_options,
     "  fluxgate clientkeys revoke fbk_Zm9vYmFy\n"},
    {CommandId::version, "version", "", "print the version", {}, "  fluxgate version\n"},
};

bool is_group(std::string_view word) {
    return word == "servicekeys" || word == "clientkeys";
}

const CommandSpec* find_command(std::string_view name) {
    const auto* found = std::ranges::find(all_commands, name, &CommandSpec::name);
    return found == std::end(all_commands) ? nullptr : found;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
    const std::string_view near = nearest(word, candidates);
    return near.empty() ? "" : "; did you mean " + std::string(near) + "?";
}

std::unexpected<std::string> unknown_command(std::string_view name) {
    std::vector<std::string_view> names;
    for (const CommandSpec& command : all_commands) {
        names.push_back(command.name);
        const size_t space = command.name.find(' ');
        if (space != std::string_view::npos) names.push_back(command.name.substr(0, space));
    }
    return std::unexpected("unknown command " + in_quotes(name) + did_you_mean(name, names) +
                           "\nfluxgate --help lists the commands.");
}

// Takes the command's one or two words from the front of `rest`.
std::expected<const CommandSpec*, std::string> take_command(
    std::span<const std::string_view>& rest) {
    if (rest.empty() || rest.front().starts_with('-')) return find_command("serve");
    const std::string_view word = rest.front();
    if (!is_group(word)) {
        const CommandSpec* command = find_command(word);
        if (command == nullptr) return unknown_command(word);
        rest = rest.subspan(1);
        return command;
    }
    if (rest.size() < 2 || rest[1].starts_with('-'))
        return std::unexpected(std::string(word) + " needs one of: create, list, revoke");
    const std::string name = std::string(word) + " " + std::string(rest[1]);
    const CommandSpec* command = find_command(name);
    if (command == nullptr) return unknown_command(name);
    rest = rest.subspan(2);
    return command;
}

std::expected<const OptionSpec*, std::string> find_option(const CommandSpec& command,
                                                          std::string_view name) {
    std::vector<std::string_view> names;
    for (const OptionSpec& option : command.options) {
        if (option.name == name) return &option;
        names.push_back(option.name);
    }
    return std::unexpected("unknown option " + in_quotes(name) + did_you_mean(name, names) +
                           "\nfluxgate " + std::string(command.name) +
                           " --help lists the options.");
}

// "--name value" or "--name=value" from the front of `rest`. Empty on success.
std::optional<std::string> take_option(Invocation& invocation,
                                       std::span<const std::string_view>& rest) {
    const std::string_view word = rest.front();
    rest = rest.subspan(1);
    const size_t equals = word.find('=');
    const auto found = find_option(*invocation.command, word.substr(0, equals));
    if (!found) return found.error();
    const OptionSpec& option = **found;
    const std::string name(option.name);
    if (invocation.has(option.name)) return name + " is given twice";
    if (option.argument.empty()) {
        if (equals != std::string_view::npos) return name + " takes no value";
        invocation.values.emplace(option.name, "");
        return std::nullopt;
    }
    if (equals != std::string_view::npos) {
        invocation.values.emplace(option.name, word.substr(equals + 1));
    } else {
        if (rest.empty() || rest.front().starts_with("--"))
            return name + " needs a value: " + name + " " + std::string(option.argument);
        invocation.values.emplace(option.name, rest.front());
        rest = rest.subspan(1);
    }
    if (invocation.values.at(option.name).empty()) return name + " must not be empty";
    return std::nullopt;
}

std::optional<std::string> find_missing(const Invocation& invocation) {
    const std::string command(invocation.command->name);
    for (const OptionSpec& option : invocation.command->options)
        if (option.is_required && !invocation.has(option.name))
            return command + " needs " + std::string(option.name) + " " +
                   std::string(option.argument);
    if (!invocation.command->positional.empty() && invocation.positional.empty())
        return command + " needs " + std::string(invocation.command->positional) +
               ": the id or the prefix of a key";
    return std::nullopt;
}

std::string overall_help() {
    std::string text =
        "fluxgate: serves the Model Context Protocol from PostgreSQL, under Row Level Security.\n\n"
        "Usage: fluxgate [COMMAND] [OPTIONS]\n\nCommands:\n";
    for (const CommandSpec& command : all_commands) {
        std::string line = "  " + std::string(command.name);
        line.resize(std::max<size_t>(line.size() + 2, 23), ' ');
        text += line + std::string(command.summary) + "\n";
    }
    return text +
           "\nfluxgate COMMAND --help explains one. Exit codes: 0 done, 1 failed, 64 wrong usage,\n"
           "78 wrong configuration. Every configuration key: docs/configuration.md.\n";
}

}  // namespace

std::optional<std::string> Invocation::get(std::string_view option) const {
    const auto found = values.find(option);
    return found == values.end() ? std::nullopt : std::optional(found->second);
}

std::span<const CommandSpec> commands() {
    return all_commands;
}

std::expected<Invocation, std::string> parse_command_line(
    std::span<const std::string_view> arguments) {
    Invocation invocation;
    std::span<const std::string_view> rest = arguments;
    const auto is_help = [](std::string_view word) { return word == "--help" || word == "-h"; };
    if (!rest.empty() && (is_help(rest.front()) || rest.front() == "help")) {
        invocation.wants_help = true;
        rest = rest.subspan(1);
        if (rest.empty()) return invocation;
    }
    if (!rest.empty() && rest.front() == "--version") {
        invocation.command = find_command("version");
        return invocation;
    }
    // "servicekeys --help", "help servicekeys"
    if (!rest.empty() && is_group(rest[0]) &&
        (rest.size() == 1 ? invocation.wants_help : is_help(rest[1]))) {
        invocation.wants_help = true;
        invocation.group = rest[0];
        return invocation;
    }
    const auto command = take_command(rest);
    if (!command) return std::unexpected(command.error());
    invocation.command = *command;
    if (std::ranges::any_of(rest, is_help)) invocation.wants_help = true;
    if (invocation.wants_help) return invocation;
    while (!rest.empty()) {
        if (rest.front().starts_with('-')) {
            if (const auto error = take_option(invocation, rest)) return std::unexpected(*error);
            continue;
        }
        if (invocation.command->positional.empty() || !invocation.positional.empty())
            return std::unexpected(std::string(invocation.command->name) +
                                   ": unexpected argument " + in_quotes(rest.front()));
        invocation.positional = rest.front();
        rest = rest.subspan(1);
    }
    if (const auto error = find_missing(invocation)) return std::unexpected(*error);
    return invocation;
}

std::string help_text(const CommandSpec* command) {
    if (command == nullptr) return overall_help();
    std::string text = "fluxgate " + std::string(command->name) + ": " +
                       std::string(command->summary) + ".\n\nUsage: fluxgate " +
                       std::string(command->name);
    if (!command->positional.empty()) text += " " + std::string(command->positional);
    text += command->options.empty() ? "\n" : " [OPTIONS]\n\nOptions:\n";
    for (const OptionSpec& option : command->options) {
        std::string line = "  " + std::string(option.name) + " " + std::string(option.argument);
        line.resize(std::max<size_t>(line.size() + 2, 26), ' ');
        text += line + std::string(option.help) + (option.is_required ? " (required)\n" : "\n");
    }
    return text + "\nExamples:\n" + std::string(command->examples);
}

std::string help_text(const Invocation& invocation) {
    if (invocation.group.empty()) return help_text(invocation.command);
    std::string text;
    for (const CommandSpec& command : all_commands) {
        if (!command.name.starts_with(invocation.group)) continue;
        text += (text.empty() ? "" : "\n") + help_text(&command);
    }
    return text;
}

std::expected<uint32_t, std::string> parse_number(std::string_view option, std::string_view text,
                                                  uint32_t min, uint32_t max) {
    uint32_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, number);
    if (code == std::errc() && stop == end && number >= min && number <= max) return number;
    return std::unexpected(std::string(option) + ": " + in_quotes(text) + " is not a number from " +
                           std::to_string(min) + " to " + std::to_string(max));
}

}  // namespace fluxgate::app
