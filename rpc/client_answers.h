// Requests of the server to a client (sampling, elicitation, roots; up to 2025-11-25) whose answers
// come as POSTs of their own, on any core.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "loop/wake.h"
#include "rpc/session_id.h"

namespace fluxgate::rpc {

class ClientAnswers {
public:
    // One request that waits. On the loop of the waiter; ends the waiting when it dies.
    class Expected {
    public:
        Expected(ClientAnswers* answers, std::string id, const SessionNonce& session,
                 loop::Waiter* waiter);
        ~Expected();
        Expected(const Expected&) = delete;
        Expected& operator=(const Expected&) = delete;

        // The JSON-RPC response as it was sent (the same value, if it came in a batch), once it is
        // there, and once. The waiter is woken then.
        [[nodiscard]] std::optional<std::string> take();

    private:
        friend class ClientAnswers;
        ClientAnswers& answers_;
        const std::string id_;
        const SessionNonce session_;
        loop::Waiter* waiter_;
        bool is_delivered_ = false;        // guarded
        std::optional<std::string> body_;  // guarded, until it is taken
    };

    // From any thread: `id` is the response's (a JSON string without its quotes). False: nobody
    // asked for it, or somebody else did, or it is there already.
    [[nodiscard]] bool is_expected(std::string_view id, const SessionNonce& session);
    // The same, and hands it over.
    [[nodiscard]] bool deliver(std::string_view id, const SessionNonce& session, std::string body);

private:
    // Under mutex_; null as above.
    [[nodiscard]] Expected* find(std::string_view id, const SessionNonce& session);

    std::mutex mutex_;
    std::map<std::string, Expected*, std::less<>> expected_;
};

}  // namespace fluxgate::rpc
