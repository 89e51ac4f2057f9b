// co_await connect_tcp(scope, address, deadline): an outbound TCP connection (loop/socket takes the
// fd).
#pragma once

#include <sys/socket.h>

#include <coroutine>
#include <cstdint>

#include "loop/bound.h"
#include "loop/deadline.h"
#include "loop/loop.h"
#include "loop/op.h"
#include "loop/peer_address.h"
#include "loop/result.h"
#include "loop/scope.h"

namespace fluxgate::loop {

// See connect_tcp(). Lives in the awaiting frame; not movable.
class ConnectAwaiter {
public:
    ConnectAwaiter(Scope& scope, const PeerAddress& address, Deadline deadline);

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiter);
    [[nodiscard]] Result<int> await_resume();

private:
    void connect_done(int32_t result, uint32_t flags);
    void cancel_done(int32_t result, uint32_t flags);
    void deadline_passed();
    void scope_cancelled();
    void end_connect(ErrorCode reason);

    Scope& scope_;
    Deadline deadline_;
    sockaddr_storage address_{};
    socklen_t address_bytes_;
    int fd_ = -1;
    int32_t result_ = 0;
    bool ended_early_ = false;
    ErrorCode reason_ = ErrorCode::unexpected;  // why, if it ended early
    std::coroutine_handle<> waiter_;
    Bound<Op, &ConnectAwaiter::connect_done> connect_op_{this};
    Bound<Op, &ConnectAwaiter::cancel_done> cancel_op_{this};
    Bound<Timer, &ConnectAwaiter::deadline_passed> timer_{this};
    Bound<CancelHook, &ConnectAwaiter::scope_cancelled> hook_{this};
};

// The fd (non-blocking, close-on-exec, TCP_NODELAY) belongs to the caller. `refused`, `timed_out`,
// `cancelled`, or what the kernel said; no fd is left open then.
[[nodiscard]] inline ConnectAwaiter connect_tcp(Scope& scope, const PeerAddress& address,
                                                Deadline deadline = Deadline::never()) {
    return ConnectAwaiter(scope, address, deadline);
}

}  // namespace fluxgate::loop
