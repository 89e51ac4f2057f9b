#include "loop/connect.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>

namespace fluxgate::loop {

ConnectAwaiter::ConnectAwaiter(Scope& scope, const PeerAddress& address, Deadline deadline)
    : AwaitedOp(scope, deadline), address_bytes_(address.to_sockaddr(address_)) {
}

bool ConnectAwaiter::await_suspend(std::coroutine_handle<> waiter) {
    if (address_bytes_ == 0) {
        fail(EAFNOSUPPORT);
        return false;
    }
    fd_ = ::socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) {
        fail(errno);
        return false;
    }
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ring().connect(op(), fd_, reinterpret_cast<const sockaddr*>(&address_), address_bytes_);
    wait(waiter);
    return true;
}

Result<int> ConnectAwaiter::await_resume() {
    const Result<int32_t> connected = outcome("connect");
    if (connected) return fd_;
    if (fd_ >= 0) ::close(fd_);
    return std::unexpected(connected.error());
}

}  // namespace fluxgate::loop
