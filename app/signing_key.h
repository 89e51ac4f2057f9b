// The key of signed values (rpc/signed_value.h): session ids, cursors, request states.
//
// Instances with the same secret have the same key, so that a value is good on each of them and
// after a restart. The key itself is written nowhere and is no other program's: with
// auth.jwt_secret it is not the one that signs Fluxbase's tokens.
#pragma once

#include <cstddef>
#include <string>

#include "app/config.h"
#include "loop/random.h"

namespace fluxgate::app {

inline constexpr size_t signing_secret_bytes_min = 32;  // a shorter one could be guessed

// 32 bytes, out of gateway.keys.signing_key or, without it, auth.jwt_secret. Without either random
// ones, and a warning in the log (not with --conformance): so once a process. `config` was loaded
// with its password files.
[[nodiscard]] std::string signing_key(const Config& config, loop::Entropy& entropy);

}  // namespace fluxgate::app
