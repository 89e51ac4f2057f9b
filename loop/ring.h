// The only door to io_uring: set-up with probed features, SQE preparation, submit and reap.
//
// Not a scheduler: `Loop` decides when to submit and runs what was reaped. Everything here must be
// called on the thread that created the ring (SINGLE_ISSUER). liburing is included by ring.cc
// alone. Kernel floor 6.1; flags that the kernel refuses with EINVAL are peeled off one at a time.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "loop/clock.h"
#include "loop/op.h"
#include "loop/result.h"

namespace fluxgate::loop {

struct RingOptions {
    uint32_t submission_entries = 1024;
    uint32_t completion_entries = 8192;  // multishot operations post many CQEs for one SQE
    // Switches for tests and for kernels that misbehave: false acts as if the kernel did not have
    // it.
    bool multishot = true;
    bool defer_taskrun = true;
};

// What this kernel was found to have. Printed once at start.
struct RingFeatures {
    bool defer_taskrun = false;
    bool single_issuer = false;
    bool submit_all = false;
    bool no_sqarray = false;
    bool multishot_accept = false;  // tried out at start, as it can not be asked for
    bool multishot_recv = false;    // likewise
    bool min_wait = false;          // IORING_FEAT_MIN_TIMEOUT, 6.12
    bool no_iowait = false;         // 6.15: an idle server does not count as waiting for a disk
    [[nodiscard]] std::string to_string() const;  // "kernel=6.18 defer=1 mshot_recv=1 ..."
};

struct Completion {
    Op* op;
    int32_t result;
    uint32_t flags;
};

class Ring {
public:
    // not_permitted: io_uring is forbidden here (sysctl, seccomp); `exhausted`: memlock or memory.
    [[nodiscard]] static Result<std::unique_ptr<Ring>> create(const RingOptions& options);
    ~Ring();
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    [[nodiscard]] const RingFeatures& features() const;
    [[nodiscard]] int fd() const;

    // Clears `in_flight` if this was the operation's last completion, and calls its handler.
    static void run(const Completion& completion);
    // The provided buffer that a completion brought, if it did.
    [[nodiscard]] static std::optional<uint16_t> buffer_of(uint32_t flags);

    // Each prepares one SQE and marks `op` in flight. Buffers, addresses and msghdrs belong to the
    // caller and must stay until the operation's last CQE. A full submission queue is submitted
    // first; an operation is never dropped. Accepted sockets are SOCK_NONBLOCK | SOCK_CLOEXEC.
    void accept_multishot(Op& op, int listener_fd);
    void accept_once(Op& op, int listener_fd);
    // Falls back to a single shot where the kernel has no multishot: the handler re-arms when
    // !op.in_flight() either way.
    void recv_multishot(Op& op, int fd, uint16_t buffer_group);
    // At most one buffer of the group.
    void recv_once(Op& op, int fd, uint16_t buffer_group);
    void recv(Op& op, int fd, std::span<char> into);
    // read(2) at the file's position: eventfds and pipes. They must not be O_NONBLOCK.
    void read(Op& op, int fd, std::span<char> into);
    // MSG_NOSIGNAL | MSG_WAITALL: the kernel retries short sends.
    void sendmsg(Op& op, int fd, const msghdr& message);
    void poll_once(Op& op, int fd, uint32_t poll_mask);
    void connect(Op& op, int fd, const sockaddr* address, socklen_t address_bytes);
    void nop(Op& op);
    // Cancels every operation on `fd` / the operation of `target`. `op` completes with the number,
    // or -ENOENT; the cancelled operations complete on their own with -ECANCELED.
    void cancel_fd(Op& op, int fd);
    void cancel(Op& op, Op& target);

    // Registers `entries` (a power of two) provided buffers as `group` (< buffer_groups_max). They
    // lie in `memory` at equal distances; the kernel fills at most `entry_bytes` of each. `memory`
    // must stay until unregister_buffers().
    static constexpr uint16_t buffer_groups_max = 8;
    [[nodiscard]] Result<void> register_buffers(uint16_t group, std::span<char> memory,
                                                uint32_t entries, uint32_t entry_bytes);
    void return_buffer(uint16_t group, uint16_t buffer_id);
    void unregister_buffers(uint16_t group);

    // Submits what was prepared and waits for at least one completion, at most `wait` (zero: does
    // not wait; Duration::max(): no end). At most one system call. EINTR, ETIME, EAGAIN and EBUSY
    // are normal and mean that there was nothing; an error means that this ring can not go on
    // (EBADR: completions lost).
    [[nodiscard]] Result<void> submit_and_wait(Duration wait);
    // Copies out at most out.size() completions and frees their slots; returns how many.
    [[nodiscard]] size_t reap(std::span<Completion> out);
    // How many operations were prepared and have not posted their last completion.
    [[nodiscard]] uint32_t in_flight() const;
    // Times that the kernel had to keep CQEs outside the ring. A well-sized ring stays at 0.
    [[nodiscard]] uint64_t overflow_count() const;
    // io_uring_enter calls since the start, for the syscall count of bench/.
    [[nodiscard]] uint64_t enter_count() const;

private:
    friend class RingProbe;
    struct State;
    explicit Ring(std::unique_ptr<State> state);
    void set_multishot(bool accept, bool recv);
    std::unique_ptr<State> state_;
};

// The one line that tells an operator how to allow io_uring, for an error of Ring::create(). Reads
// /proc/sys/kernel/io_uring_disabled. app/ prints it and exits with 78.
[[nodiscard]] std::string ring_permission_hint(const Error& error);

}  // namespace fluxgate::loop
