// The address that 2024-11-05's transport gives out with its `endpoint` event: behind the path and
// "?sessionId=" a signed value that leads the client's POSTs to its stream, and leads nobody else
// there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rpc/event_streams.h"
#include "rpc/signed_value.h"

namespace fluxgate::rpc {

inline constexpr std::string_view old_transport_query = "sessionId=";

struct OldEndpoint {
    StreamId stream = 0;
    SessionNonce session{};
};

[[nodiscard]] std::string make_old_endpoint(const Signer& signer, const PrincipalDigest& principal,
                                            const OldEndpoint& endpoint);
// Nothing for a value that was changed, or was made for another principal.
[[nodiscard]] std::optional<OldEndpoint> read_old_endpoint(const Signer& signer,
                                                           const PrincipalDigest& principal,
                                                           std::string_view text);

}  // namespace fluxgate::rpc
