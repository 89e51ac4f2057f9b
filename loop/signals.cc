#include "loop/signals.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace fluxgate::loop {
namespace {

sigset_t handled_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGTERM);
    ::sigaddset(&set, SIGINT);
    ::sigaddset(&set, SIGHUP);
    return set;
}

}  // namespace

void Signals::block() {
    const sigset_t set = handled_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
}

Result<std::unique_ptr<Signals>> Signals::create(Loop& loop, Handler& handler) {
    const sigset_t set = handled_signals();
    const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) return std::unexpected(error_from_errno(errno, "signalfd"));
    return std::unique_ptr<Signals>(new Signals(loop, handler, fd));
}

Signals::Signals(Loop& loop, Handler& handler, int fd)
    : handler_(handler), fd_(fd), poll_(loop, *this) {
    poll_.arm(fd_, POLLIN);
}

Signals::~Signals() {
    FLUX_CHECK_OP(fd_, ==, -1);
}

void Signals::poll_ready(uint32_t) {
    poll_.arm(fd_, POLLIN);
    signalfd_siginfo info{};
    while (::read(fd_, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGHUP) {
            handler_.signal_received(Kind::reload);
            continue;
        }
        handler_.signal_received(draining_ ? Kind::terminate : Kind::drain);
        draining_ = true;
    }
}

void Signals::poll_quiet() {
    ::close(fd_);
    fd_ = -1;
    handler_.signals_closed();  // may free this
}

}  // namespace fluxgate::loop
