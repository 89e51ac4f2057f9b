#include "loop/connect.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>

namespace fluxgate::loop {

ConnectAwaiter::ConnectAwaiter(Scope& scope, const PeerAddress& address, Deadline deadline)
    : scope_(scope),
      deadline_(deadline.earlier(scope.deadline())),
      address_bytes_(address.to_sockaddr(address_)) {
}

bool ConnectAwaiter::await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    if (address_bytes_ == 0) {
        result_ = -EAFNOSUPPORT;
        return false;
    }
    fd_ = ::socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) {
        result_ = -errno;
        return false;
    }
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    Loop& loop = scope_.loop();
    loop.ring().connect(connect_op_, fd_, reinterpret_cast<const sockaddr*>(&address_),
                        address_bytes_);
    if (!deadline_.is_never()) loop.timers().start(timer_, deadline_.at());
    scope_.add_hook(hook_);  // cancelled already: runs scope_cancelled() now
    return true;
}

Result<int> ConnectAwaiter::await_resume() {
    if (result_ >= 0 && !ended_early_) return fd_;
    if (fd_ >= 0) ::close(fd_);
    if (ended_early_) return std::unexpected(Error{reason_, 0, "connect"});
    return std::unexpected(error_from_errno(-result_, "connect"));
}

void ConnectAwaiter::deadline_passed() {
    end_connect(ErrorCode::timed_out);
}

void ConnectAwaiter::scope_cancelled() {
    end_connect(ErrorCode::cancelled);
}

void ConnectAwaiter::end_connect(ErrorCode reason) {
    if (ended_early_ || !connect_op_.in_flight()) return;
    ended_early_ = true;
    reason_ = reason;
    scope_.loop().ring().cancel(cancel_op_, connect_op_);
}

void ConnectAwaiter::connect_done(int32_t result, uint32_t) {
    result_ = result;
    timer_.stop();
    hook_.unlink();
    if (!cancel_op_.in_flight()) waiter_.resume();
}

void ConnectAwaiter::cancel_done(int32_t, uint32_t) {
    if (!connect_op_.in_flight()) waiter_.resume();
    // Otherwise its own completion is on the way and resumes.
}

}  // namespace fluxgate::loop
