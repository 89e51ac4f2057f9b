// The calls of one core that notifications/cancelled can end, by session and request id, and the
// end of their session. Without a session there is none: two clients of one key may both have a
// request 1.
#pragma once

#include <string_view>

#include "loop/intrusive_list.h"
#include "loop/scope.h"
#include "rpc/session_id.h"

namespace fluxgate::rpc {

class InFlight {
public:
    // On the list from here until it dies. `id` and `scope` outlive it.
    class Call : public loop::ListNode<> {
    public:
        Call(const SessionNonce& session, std::string_view id, loop::Scope* scope)
            : session_(session), id_(id), scope_(*scope) {}
        [[nodiscard]] bool is_cancelled() const { return is_cancelled_; }

    private:
        friend class InFlight;
        const SessionNonce session_;
        const std::string_view id_;  // raw token
        loop::Scope& scope_;
        bool is_cancelled_ = false;
    };

    void add(Call& call) { calls_.push_back(call); }
    // False: it is not on this core (any more).
    bool cancel(const SessionNonce& session, std::string_view id);
    // All of the session's.
    void cancel_all(const SessionNonce& session);

private:
    loop::IntrusiveList<Call> calls_;
};

}  // namespace fluxgate::rpc
