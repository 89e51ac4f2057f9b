// The command line: which command, which options. Parses and explains; runs nothing.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::app {

// sysexits(3), so that a supervisor can tell what no restart will cure.
inline constexpr int exit_success = 0;
inline constexpr int exit_failure = 1;
inline constexpr int exit_usage = 64;
inline constexpr int exit_configuration = 78;

enum class CommandId : uint8_t {
    serve,
    check_config,
    bootstrap,
    service_keys_create,
    service_keys_list,
    service_keys_revoke,
    client_keys_create,
    client_keys_list,
    client_keys_revoke,
    version,
};

struct OptionSpec {
    std::string_view name;      // "--config"
    std::string_view argument;  // "FILE"; empty: a switch
    std::string_view help;
    bool is_required = false;
};

struct CommandSpec {
    CommandId id;
    std::string_view name;        // "servicekeys create"
    std::string_view positional;  // "KEY", required; empty: none
    std::string_view summary;
    std::span<const OptionSpec> options;
    std::string_view examples;  // lines
};

struct Invocation {
    const CommandSpec* command = nullptr;  // null: the overall help
    std::string_view group;                // "servicekeys": the help of all its commands
    bool wants_help = false;
    std::map<std::string_view, std::string> values;  // by option name; "" for a switch
    std::string positional;

    [[nodiscard]] bool has(std::string_view option) const { return values.contains(option); }
    [[nodiscard]] std::optional<std::string> get(std::string_view option) const;
};

[[nodiscard]] std::span<const CommandSpec> commands();

// `arguments` without the program's name. The error is for people: what is wrong, and what is near.
[[nodiscard]] std::expected<Invocation, std::string> parse_command_line(
    std::span<const std::string_view> arguments);

[[nodiscard]] std::string help_text(const CommandSpec* command);
// What an invocation that wants help is answered.
[[nodiscard]] std::string help_text(const Invocation& invocation);

// Whole, from `min` to `max`. For option values; the error names the option.
[[nodiscard]] std::expected<uint32_t, std::string> parse_number(std::string_view option,
                                                                std::string_view text, uint32_t min,
                                                                uint32_t max);

}  // namespace fluxgate::app
