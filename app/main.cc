// The fluxgate command. Everything that can be tested without a process is in the other files.
#include <sys/prctl.h>

#include <iostream>
#include <vector>

#include "app/cli.h"
#include "app/commands.h"
#include "app/serve.h"
#include "loop/sanitizer.h"

namespace {

using namespace fluxgate;

// Core dumps and ptrace of other processes would show keys and passwords. The leak checker of
// sanitizer builds works by ptrace.
void protect_memory() {
    if constexpr (!loop::address_sanitizer) prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace

int main(int argument_count, char** arguments) {
    protect_memory();
    const app::Terminal terminal{std::cout, std::cerr};
    const std::vector<std::string_view> words(arguments + 1, arguments + argument_count);
    const auto invocation = app::parse_command_line(words);
    if (!invocation) {
        std::cerr << "fluxgate: " << invocation.error() << "\n";
        return app::exit_usage;
    }
    if (invocation->wants_help) {
        std::cout << app::help_text(*invocation);
        return app::exit_success;
    }
    const app::Environment environment = app::process_environment();
    if (invocation->command->id != app::CommandId::serve) {
        const int code = app::run_command(*invocation, environment, terminal);
        // A full disk or a closed pipe must not look like a key that was shown.
        std::cout.flush();
        return std::cout ? code : app::exit_failure;
    }
    const auto config = app::load_for_serving(*invocation, environment, terminal);
    return config ? app::serve(*config) : config.error();
}
