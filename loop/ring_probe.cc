#include "loop/ring_probe.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>

namespace fluxgate::loop {
namespace {

constexpr int waits_max = 20;  // of 50 ms each; a healthy ring needs one
constexpr uint16_t trial_group = Ring::buffer_groups_max - 1;
constexpr uint32_t trial_buffers = 2;
constexpr uint32_t trial_buffer_bytes = 64;

struct OwnedFd {
    int fd = -1;
    OwnedFd() = default;
    explicit OwnedFd(int owned) : fd(owned) {}
    ~OwnedFd() {
        if (fd >= 0) ::close(fd);
    }
    OwnedFd(const OwnedFd&) = delete;
    OwnedFd& operator=(const OwnedFd&) = delete;
};

}  // namespace

RingProbe::Trial::Trial()
    : Op([](Op& op, int32_t result, uint32_t) {
          auto& self = static_cast<Trial&>(op);
          if (self.completed) return;  // the end of a multishot that was cancelled
          self.completed = true;
          self.first_result = result;
          self.more_follow = self.in_flight();
      }) {
}

Result<void> RingProbe::run() {
    ring_.set_multishot(true, true);
    const bool accept = try_accept();
    const bool recv = try_recv();
    ring_.set_multishot(accept, recv);
    if (failure_) return std::unexpected(*failure_);
    return {};
}

// Local sockets, so that it needs no network; the kernel refuses by operation, not by family.
bool RingProbe::try_accept() {
    const OwnedFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const OwnedFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socklen_t length = sizeof(address.sun_family);  // binds to a name that the kernel chooses
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener.fd, generic, length) != 0 || ::listen(listener.fd, 1) != 0) return false;
    length = sizeof(address);
    if (::getsockname(listener.fd, generic, &length) != 0) return false;
    if (::connect(client.fd, generic, length) != 0) return false;

    Trial trial;
    ring_.accept_multishot(trial, listener.fd);
    wait_until([&] { return trial.completed; });
    const OwnedFd accepted(trial.first_result);
    end(trial, listener.fd);
    return trial.completed && trial.first_result >= 0 && trial.more_follow;
}

bool RingProbe::try_recv() {
    std::array<int, 2> pair{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return false;
    const OwnedFd ours(pair[0]);
    const OwnedFd peer(pair[1]);
    std::array<char, size_t{trial_buffers} * trial_buffer_bytes> memory{};
    Result<void> registered =
        ring_.register_buffers(trial_group, memory, trial_buffers, trial_buffer_bytes);
    if (!registered) {
        failure_ = registered.error();
        return false;
    }
    Trial trial;
    ring_.recv_multishot(trial, ours.fd, trial_group);
    const bool wrote = ::send(peer.fd, "?", 1, MSG_NOSIGNAL) == 1;
    wait_until([&] { return trial.completed; });
    end(trial, ours.fd);
    ring_.unregister_buffers(trial_group);
    return wrote && trial.completed && trial.first_result == 1 && trial.more_follow;
}

template <class Condition>
void RingProbe::wait_until(Condition condition) {
    std::array<Completion, 16> completions{};
    for (int waits = 0; waits < waits_max && !condition(); ++waits) {
        Result<void> entered = ring_.submit_and_wait(std::chrono::milliseconds(50));
        if (!entered) {
            failure_ = entered.error();
            return;
        }
        const size_t count = ring_.reap(completions);
        for (size_t i = 0; i < count; ++i)
            Ring::run(completions[i]);
    }
    if (!condition())
        failure_ = Error{ErrorCode::not_supported, 0, "io_uring self-test: no answer"};
}

// Tries out cancelling by fd, too: nothing may close without it.
void RingProbe::end(Trial& trial, int fd) {
    Trial cancel;
    ring_.cancel_fd(cancel, fd);
    wait_until([&] { return !trial.in_flight() && !cancel.in_flight(); });
    // An operation that can not be ended can not be freed either.
    FLUX_CHECK(!trial.in_flight() && !cancel.in_flight());
}

}  // namespace fluxgate::loop
