// What the operating system allows this process.
#pragma once

#include <cstdint>

#include "app/config_rules.h"

namespace fluxgate::app {

// Raises the soft limit of open files to the hard one; returns what it is then.
uint32_t raise_descriptor_limit();

// 0, or why nobody can listen there (EADDRINUSE, EACCES, …). The cores' own sockets share the port
// (SO_REUSEPORT), and would share it with another fluxgate too, which nobody wants.
[[nodiscard]] int listen_errno(const ListenAddress& address);

}  // namespace fluxgate::app
