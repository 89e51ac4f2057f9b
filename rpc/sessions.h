// What the endpoint shares over all cores: keys, sessions, streams, answers of clients.
//
// Each part has a lock of its own. Where two are held, it is in this order: EventStreams or
// ClientAnswers, then SessionStates, then a core's WakeList. No handler runs under any of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loop/random.h"
#include "loop/wake.h"
#include "rpc/client_answers.h"
#include "rpc/event_streams.h"
#include "rpc/in_flight.h"
#include "rpc/session_cache.h"
#include "rpc/session_id.h"
#include "rpc/session_states.h"
#include "rpc/signed_value.h"

namespace fluxgate::rpc {

class Sessions {
public:
    struct Options {
        std::string key;  // of signed values: at least 32 bytes
        int64_t timeout_s = 3600;
        ProcessMark mark{};  // random; of this process
    };
    Sessions(const Options& options, uint32_t cores);

    Signer signer;
    SessionIds ids;
    SessionStates states;
    EventStreams streams;
    ClientAnswers answers;

    // What one core adds. Attached on the core's own thread before it serves.
    struct Core {
        loop::Loop* loop = nullptr;
        loop::WakeList wakes;
        InFlight in_flight;
        SessionCache checked;
    };
    [[nodiscard]] SessionNonce new_nonce(loop::Entropy& entropy) const;
    // One from before a restart, or of another instance, may have missed changes.
    [[nodiscard]] bool is_of_this_process(const SessionNonce& session) const;

    [[nodiscard]] Core& core(uint32_t number) { return *cores_[number]; }
    void attach(loop::Loop* loop);
    // On a core's thread: ends the call wherever it runs. All cores are attached.
    void cancel(uint32_t from_core, const SessionNonce& session, std::string_view id);
    // The same for all calls of a session that is revoked: no more of them begin.
    void cancel_all(uint32_t from_core, const SessionNonce& session);

private:
    void send_to_others(uint32_t from_core, const SessionNonce& session,
                        const std::optional<std::string>& id);

    ProcessMark mark_;
    std::vector<std::unique_ptr<Core>> cores_;
};

}  // namespace fluxgate::rpc
