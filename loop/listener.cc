#include "loop/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "loop/check.h"
#include "loop/log.h"
#include "loop/mailbox.h"

namespace fluxgate::loop {
namespace {

constexpr Duration resource_pause = std::chrono::milliseconds(100);
constexpr Duration warning_interval = std::chrono::seconds(10);
constexpr Duration hand_over_recheck = std::chrono::milliseconds(4);
constexpr int shed_per_pause_max = 64;
constexpr uint32_t consecutive_errors_max = 16;

// Nothing is left to accept with: shedding makes those who wait learn it.
bool is_shortage(int os_errno) {
    return os_errno == EMFILE || os_errno == ENFILE || os_errno == ENOBUFS || os_errno == ENOMEM;
}

// What becomes of accepting after an error (accept(2), "Error handling").
enum class AfterError : uint8_t { again, pause, broken };

AfterError classify(int os_errno) {
    switch (os_errno) {
        case ECANCELED:  // by ourselves, or by a full completion queue
        case EINTR:
        case EAGAIN:
        case ECONNABORTED:  // from here on: errors of the connection that was waiting
        case EPROTO:
        case EPERM:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case ENETDOWN:
        case EHOSTUNREACH:
        case ENETUNREACH:
            return AfterError::again;
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EOPNOTSUPP:
        case EFAULT:
            return AfterError::broken;
        default:  // EMFILE, ENFILE, ENOBUFS, ENOMEM, and what nobody thought of
            return AfterError::pause;
    }
}

void reset_client(int fd) {
    const linger drop_all{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &drop_all, sizeof(drop_all));
    ::close(fd);
}

int open_spare_fd() {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool switch_on(int fd, int level, int option) {
    const int on = 1;
    return ::setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

Result<int> bind_and_listen(const ListenerOptions& options) {
    const std::optional<PeerAddress> address = PeerAddress::parse(options.address, options.port);
    if (!address) return std::unexpected(Error{ErrorCode::invalid, EINVAL, "address to listen on"});
    sockaddr_storage name{};
    const socklen_t length = address->to_sockaddr(name);
    const int fd = ::socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::unexpected(error_from_errno(errno, "socket"));
    const int v6_only = options.ipv6_only ? 1 : 0;
    const char* failed = nullptr;
    if (!switch_on(fd, SOL_SOCKET, SO_REUSEADDR) || !switch_on(fd, SOL_SOCKET, SO_REUSEPORT))
        failed = "SO_REUSEPORT";
    else if (address->is_v6() &&
             ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only)) != 0)
        failed = "IPV6_V6ONLY";
    else if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), length) != 0)
        failed = "bind";
    else if (::listen(fd, options.backlog) != 0)
        failed = "listen";
    if (failed == nullptr) return fd;
    const Error error = error_from_errno(errno, failed);
    ::close(fd);
    return std::unexpected(error);
}

Result<int> duplicate_inherited(int inherited_fd) {
    int listening = 0;
    socklen_t length = sizeof(listening);
    if (::getsockopt(inherited_fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0)
        return std::unexpected(error_from_errno(errno, "inherited listener"));
    if (listening == 0)
        return std::unexpected(Error{ErrorCode::invalid, EINVAL, "inherited fd does not listen"});
    const int fd = ::fcntl(inherited_fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) return std::unexpected(error_from_errno(errno, "inherited listener"));
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(Loop& loop, const ListenerOptions& options,
                                                 LoadTable* table, Handler& handler) {
    if (table != nullptr) FLUX_CHECK_OP(loop.core(), <, table->cores());
    Result<int> fd = options.inherited_fd >= 0 ? duplicate_inherited(options.inherited_fd)
                                               : bind_and_listen(options);
    if (!fd) return std::unexpected(fd.error());
    sockaddr_storage name{};
    socklen_t length = sizeof(name);
    ::getsockname(*fd, reinterpret_cast<sockaddr*>(&name), &length);
    const uint16_t port = PeerAddress::from_sockaddr(name).port();
    return std::unique_ptr<Listener>(new Listener(loop, options, table, handler, *fd, port));
}

Listener::Listener(Loop& loop, const ListenerOptions& options, LoadTable* table, Handler& handler,
                   int fd, uint16_t port)
    : loop_(loop),
      options_(options),
      table_(table),
      handler_(handler),
      fd_(fd),
      spare_fd_(open_spare_fd()),
      port_(port) {
    FLUX_CHECK_OP(options.connections_max, >, 0U);
}

Listener::~Listener() {
    FLUX_CHECK(fd_ < 0 || !started_);
    if (fd_ >= 0) ::close(fd_);
    if (spare_fd_ >= 0) ::close(spare_fd_);
}

void Listener::start() {
    FLUX_CHECK(!started_ && !closing_);
    started_ = true;
    if (table_ != nullptr) {
        LoadTable::Slot& slot = table_->slots_[loop_.core()];
        FLUX_CHECK(!slot.open.load(std::memory_order_relaxed));
        slot.listener = this;
        slot.open.store(true, std::memory_order_seq_cst);
    }
    arm();
}

void Listener::pause() {
    paused_ = true;
    cancel_accept();
}

void Listener::resume() {
    paused_ = false;
    arm();
}

bool Listener::may_accept() const {
    return started_ && !paused_ && !full_ && !closing_ && !timer_.is_running();
}

// Near the limit it accepts one by one: a multishot would take all of the backlog, to close most of
// it.
bool Listener::is_nearly_full() const {
    return live_ >= options_.connections_max - options_.connections_max / 10;
}

// The only place that prepares an accept.
void Listener::arm() {
    if (!may_accept() || accept_op_.in_flight()) return;
    ++stats_.arms;
    armed_once_ = is_nearly_full() || !loop_.ring().features().multishot_accept;
    if (armed_once_)
        loop_.ring().accept_once(accept_op_, fd_);
    else
        loop_.ring().accept_multishot(accept_op_, fd_);
}

void Listener::cancel_accept() {
    if (accept_op_.in_flight() && !cancel_op_.in_flight())
        loop_.ring().cancel(cancel_op_, accept_op_);
}

void Listener::accept_done(int32_t result, uint32_t) {
    if (result >= 0)
        take_accepted(result);
    else if (!closing_)
        accept_failed(-result);
    if (accept_op_.in_flight()) return;
    if (closing_)
        advance_close();
    else
        arm();  // unless something above forbids it: full, paused, out of fds
}

void Listener::cancel_done(int32_t, uint32_t) {
    if (closing_) return loop_.post(close_ready_);
    // An accept that was armed behind the cancel, and is not wanted either.
    if (!may_accept()) cancel_accept();
}

void Listener::take_accepted(int fd) {
    consecutive_errors_ = 0;
    ++stats_.accepted;
    // Fails for a peer that is gone already, and for a number that is no socket (a bug of
    // Linux 6.6).
    sockaddr_storage name{};
    socklen_t length = sizeof(name);
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0 ||
        !switch_on(fd, IPPROTO_TCP, TCP_NODELAY)) {
        ++stats_.accept_errors;
        if (errno != EBADF && errno != ENOTSOCK) ::close(fd);
        return;
    }
    const PeerAddress peer = PeerAddress::from_sockaddr(name);
    if (!hand_over(fd, peer)) give_to_handler(fd, peer);
}

void Listener::give_to_handler(int fd, const PeerAddress& peer) {
    if (live_ >= options_.connections_max) {
        ++stats_.over_limit;
        ::close(fd);
        return;
    }
    ++live_;
    publish_live();
    if (live_ == options_.connections_max) full_ = true;
    if (full_ || (is_nearly_full() && !armed_once_)) cancel_accept();
    handler_.connection_accepted(fd, peer);
}

void Listener::connection_closed() {
    FLUX_CHECK_OP(live_, >, 0U);
    --live_;
    publish_live();
    const uint64_t resume_at = uint64_t{options_.connections_max} * 95 / 100;
    if (!full_ || live_ > resume_at) return;
    full_ = false;
    arm();
}

// ---- errors

// EMFILE comes at once and for ever, so arming again at once would spin.
void Listener::accept_failed(int os_errno) {
    if (os_errno == ECANCELED) return;
    ++stats_.accept_errors;
    ++consecutive_errors_;
    AfterError after = classify(os_errno);
    if (after == AfterError::again && consecutive_errors_ > consecutive_errors_max)
        after = AfterError::pause;
    if (after == AfterError::again) return;
    const Instant now = loop_.now();
    if (stats_.exhausted_pauses == 0 || now - last_warning_ >= warning_interval) {
        last_warning_ = now;
        log::warn("accept_failed", {{"core", loop_.core()},
                                    {"port", port_},
                                    {"errno", os_errno},
                                    {"connections", live_},
                                    {"shed", stats_.shed}});
    }
    if (after == AfterError::broken) {
        paused_ = true;  // this socket will not come back
        return;
    }
    ++stats_.exhausted_pauses;
    if (is_shortage(os_errno)) shed_with_spare_fd();
    loop_.timers().start(timer_, loop_.now() + resource_pause);
}

// Who waits in the backlog shall learn now, not at his timeout, that there is no room.
void Listener::shed_with_spare_fd() {
    if (spare_fd_ < 0) spare_fd_ = open_spare_fd();
    if (spare_fd_ < 0) return;
    ::close(std::exchange(spare_fd_, -1));
    for (int count = 0; count < shed_per_pause_max; ++count) {
        const int client = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) break;
        reset_client(client);
        ++stats_.shed;
    }
    spare_fd_ = open_spare_fd();
}

void Listener::timer_fired() {
    if (closing_)
        advance_close();
    else
        arm();
}

// ---- hand-over

struct Listener::HandOver : Message {
    HandOver(Listener* to, int accepted_fd, const PeerAddress& from)
        : Message([](Message& message) {
              const std::unique_ptr<HandOver> self(static_cast<HandOver*>(&message));
              self->target->receive_hand_over(self->fd, self->peer);
          }),
          target(to),
          fd(accepted_fd),
          peer(from) {}
    Listener* target;
    int fd;
    PeerAddress peer;
};

void Listener::publish_live() {
    if (table_ != nullptr)
        table_->slots_[loop_.core()].live.store(live_, std::memory_order_relaxed);
}

// True if another core has it now: with it, this core would have two more than the least loaded
// one.
bool Listener::hand_over(int fd, const PeerAddress& peer) {
    if (table_ == nullptr || closing_) return false;
    const uint32_t core = table_->least_loaded();
    if (core == table_->cores() || core == loop_.core() || live_ <= table_->live(core))
        return false;
    LoadTable::Slot& slot = table_->slots_[core];
    // Announced before `open` is read; close() clears `open` before it reads `senders`. So either
    // this core sees it closed, or that listener, its loop and its mailbox wait until this core is
    // done with them.
    slot.senders.fetch_add(1, std::memory_order_seq_cst);
    const bool open = slot.open.load(std::memory_order_seq_cst);
    if (open) {
        ++stats_.handed_over;
        slot.pending.fetch_add(1, std::memory_order_relaxed);
        auto* message = new HandOver(slot.listener, fd, peer);  // frees itself on the other core
        slot.listener->loop_.mailbox().send(*message);
    }
    slot.senders.fetch_sub(1, std::memory_order_seq_cst);
    return open;
}

void Listener::receive_hand_over(int fd, const PeerAddress& peer) {
    ++stats_.received;
    give_to_handler(fd, peer);
    table_->slots_[loop_.core()].pending.fetch_sub(1, std::memory_order_relaxed);
}

// Nothing is on its way to this core any more. Valid once `open` is false.
bool Listener::hand_overs_ended() const {
    if (table_ == nullptr) return true;
    const LoadTable::Slot& slot = table_->slots_[loop_.core()];
    // In this order: a sender adds to `pending` before it leaves `senders`.
    return slot.senders.load(std::memory_order_seq_cst) == 0 &&
           slot.pending.load(std::memory_order_seq_cst) == 0;
}

// ---- close

void Listener::close() {
    if (closing_) return;
    closing_ = true;
    timer_.stop();
    if (table_ != nullptr && started_)
        table_->slots_[loop_.core()].open.store(false, std::memory_order_seq_cst);
    cancel_accept();
    loop_.post(close_ready_);
}

void Listener::advance_close() {
    if (fd_ < 0) return;
    if (accept_op_.in_flight()) return cancel_accept();
    if (cancel_op_.in_flight()) return;
    if (!hand_overs_ended()) {
        loop_.timers().start(timer_, loop_.now() + hand_over_recheck);
        return;
    }
    accept_backlog();
    timer_.stop();
    close_ready_.unlink();
    ::close(std::exchange(fd_, -1));
    handler_.listener_closed();  // may free this
}

// Closing a SO_REUSEPORT socket resets whoever waits in its backlog, so nobody may.
void Listener::accept_backlog() {
    if (!started_) return;
    for (int count = 0; count < options_.backlog; ++count) {
        const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        take_accepted(fd);
    }
}

}  // namespace fluxgate::loop
