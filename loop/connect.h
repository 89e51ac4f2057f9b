// co_await connect_tcp(scope, address, deadline): an outbound TCP connection (loop/socket takes the
// fd).
#pragma once

#include <sys/socket.h>

#include "loop/awaited_op.h"
#include "loop/peer_address.h"

namespace fluxgate::loop {

// See connect_tcp(). Lives in the awaiting frame; not movable.
class ConnectAwaiter final : private AwaitedOp {
public:
    ConnectAwaiter(Scope& scope, const PeerAddress& address, Deadline deadline);

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiter);
    [[nodiscard]] Result<int> await_resume();

private:
    sockaddr_storage address_{};
    socklen_t address_bytes_;
    int fd_ = -1;
};

// The fd (non-blocking, close-on-exec, TCP_NODELAY) belongs to the caller. `refused`, `timed_out`,
// `cancelled`, or what the kernel said; no fd is left open then.
[[nodiscard]] inline ConnectAwaiter connect_tcp(Scope& scope, const PeerAddress& address,
                                                Deadline deadline = Deadline::never()) {
    return ConnectAwaiter(scope, address, deadline);
}

}  // namespace fluxgate::loop
