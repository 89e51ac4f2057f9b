// requestState of multi-round-trip requests (revision 2026-07-28): what the server gives the client
// to bring back, bound to who asked for what, and for a while only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rpc/json.h"
#include "rpc/signed_value.h"

namespace fluxgate::rpc {

inline constexpr int64_t request_state_lifetime_s = 900;  // a person may have to think
inline constexpr size_t request_state_bytes_max = 4096;   // of the state inside

// What a state belongs to.
struct RequestBinding {
    PrincipalDigest principal{};
    std::string_view method;  // tools/call, prompts/get, resources/read
    std::string_view name;    // the tool's, the prompt's, or the URI
    // Digested in one spelling: the order of members does not count, that of elements and how a
    // number is written do. None: as if empty ({}).
    const Json* arguments = nullptr;
};

// Empty if `state` is longer than request_state_bytes_max.
[[nodiscard]] std::string make_request_state(const Signer& signer, const RequestBinding& binding,
                                             std::string_view state, int64_t now_s);
// The state; nothing if it was changed, has expired, or belongs to something else.
[[nodiscard]] std::optional<std::string> read_request_state(const Signer& signer,
                                                            const RequestBinding& binding,
                                                            std::string_view text, int64_t now_s);

}  // namespace fluxgate::rpc
