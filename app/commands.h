// From a parsed command line to an exit code: every command but `serve`.
#pragma once

#include "app/cli.h"
#include "app/config.h"
#include "app/terminal.h"

namespace fluxgate::app {

// Loads the configuration that the options name. On failure the errors are written and the exit
// code is the error.
[[nodiscard]] std::expected<Config, int> load_for(const Invocation& invocation,
                                                  const Environment& environment,
                                                  const Terminal& terminal);

// For any command but serve.
[[nodiscard]] int run_command(const Invocation& invocation, const Environment& environment,
                              const Terminal& terminal);

// With what else serving needs (check_for_serving), notes written.
[[nodiscard]] std::expected<Config, int> load_for_serving(const Invocation& invocation,
                                                          const Environment& environment,
                                                          const Terminal& terminal);

}  // namespace fluxgate::app
