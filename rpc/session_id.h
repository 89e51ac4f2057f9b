// Session ids of the legacy revisions: signed values that say what a request needs to know, so that
// a session survives a restart and works on every core and instance.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "loop/clock.h"
#include "rpc/client_request.h"
#include "rpc/protocol.h"
#include "rpc/signed_value.h"

namespace fluxgate::rpc {

// The mark of the process that made the session, then random bytes.
using SessionNonce = std::array<uint8_t, 12>;
using ProcessMark = std::array<uint8_t, 4>;
inline constexpr size_t session_id_bytes = 82;

struct Session {
    const Protocol* protocol = nullptr;
    ClientCapabilities capabilities;  // as the client declared them in initialize
    PrincipalDigest principal{};
    int64_t issued_s = 0;  // Unix time. A renewed id has a later one and the same nonce
    SessionNonce nonce{};  // what the session is called, in this process and in logs (as hex)
};

class SessionIds {
public:
    struct Options {
        int64_t timeout_s = 3600;  // mcp.session_timeout
    };
    SessionIds(const Signer* signer, const Options& options);

    // session_id_bytes of visible ASCII. The protocol is one with sessions.
    [[nodiscard]] std::string make(const Session& session) const;
    // Nothing if it was changed, has expired at `now_s`, is from the future by more than a minute
    // (clocks of two instances differ), or names a revision that is not served. Allocates nothing.
    // Whose session it is, and whether it was ended, is the caller's to check.
    [[nodiscard]] std::optional<Session> read(std::string_view id, int64_t now_s) const;
    // Its time has not come. Part of read(); for sessions that were read before.
    [[nodiscard]] bool is_current(const Session& session, int64_t now_s) const;
    // Half of its time is over: clients that take a new id from an answer go on without a break.
    [[nodiscard]] bool is_due_for_renewal(const Session& session, int64_t now_s) const;

private:
    const Signer& signer_;
    Options options_;
};

}  // namespace fluxgate::rpc
