// `fluxgate servicekeys …` and `fluxgate clientkeys …`: rows as Fluxbase writes them, so that both
// read them.
//
// A key is shown once, when it is made; lists hold prefixes only. Every change is one transaction,
// and running servers hear of it by the triggers of bootstrap, or within a second.
#pragma once

#include "app/cli.h"
#include "app/terminal.h"
#include "loop/random.h"
#include "pg/admin.h"

namespace fluxgate::app {

// Everything about the options that can be found wrong without a database. Empty: they are right.
[[nodiscard]] std::string check_key_options(const Invocation& invocation);

// For the six key commands, with options that check_key_options() found right. Returns the exit
// code.
[[nodiscard]] int run_key_command(const Invocation& invocation, pg::AdminConnection& connection,
                                  loop::Entropy& entropy, const Terminal& terminal);

}  // namespace fluxgate::app
