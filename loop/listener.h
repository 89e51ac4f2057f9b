// A listening TCP socket of one core, which keeps the cores' load even.
//
// Every core has its own SO_REUSEPORT socket on the same port. The kernel spreads connections by
// hash, which is uneven for few long-lived ones, so a core that has more than its share hands the
// new fd to the least loaded core. Errors never make it spin: see accept_done() in the .cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "loop/bound.h"
#include "loop/load_table.h"
#include "loop/loop.h"
#include "loop/op.h"
#include "loop/peer_address.h"
#include "loop/result.h"

namespace fluxgate::loop {

struct ListenerOptions {
    std::string address = "0.0.0.0";  // numeric; "::" listens to both families unless ipv6_only
    uint16_t port = 0;                // 0: the kernel chooses, see Listener::port()
    int backlog = 4096;
    bool ipv6_only = false;
    uint32_t connections_max = 10'000;  // of this core; accepting stops there, resumes at 95 %
    int inherited_fd = -1;  // a listening socket from outside (systemd), duplicated; then no bind
};

struct ListenerStats {
    uint64_t accepted = 0;
    uint64_t handed_over = 0;  // to another core
    uint64_t received = 0;     // from another core
    uint64_t shed = 0;         // accepted and reset at once, because fds were used up
    uint64_t over_limit = 0;   // closed, because a burst went over connections_max
    uint64_t accept_errors = 0;
    uint64_t arms = 0;              // accept operations prepared
    uint64_t exhausted_pauses = 0;  // waits for fds or memory
};

class Listener {
public:
    class Handler {
    public:
        // The handler owns `fd` (non-blocking, close-on-exec, TCP_NODELAY) and calls
        // connection_closed() once for each.
        virtual void connection_accepted(int fd, const PeerAddress& peer) = 0;
        // After close(): the last call; the Listener may be freed.
        virtual void listener_closed() = 0;

    protected:
        ~Handler() = default;
    };

    // Binds and listens; start() accepts. `table` may be null: no hand-over. All must outlive it.
    [[nodiscard]] static Result<std::unique_ptr<Listener>> open(Loop& loop,
                                                                const ListenerOptions& options,
                                                                LoadTable* table, Handler& handler);
    ~Listener();  // only after listener_closed(), or before start()
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    void start();
    // For overload: leaves new connections in the backlog. resume() undoes it.
    void pause();
    void resume();
    // A connection that the handler was given is gone.
    void connection_closed();
    // Stops; what waits in the backlog is still given to the handler, so that a restart loses
    // nobody.
    void close();

    [[nodiscard]] uint16_t port() const { return port_; }
    [[nodiscard]] uint32_t connections() const { return live_; }
    [[nodiscard]] const ListenerStats& stats() const { return stats_; }

private:
    struct HandOver;

    Listener(Loop& loop, const ListenerOptions& options, LoadTable* table, Handler& handler, int fd,
             uint16_t port);
    void accept_done(int32_t result, uint32_t flags);
    void cancel_done(int32_t result, uint32_t flags);
    void arm();
    void cancel_accept();
    void take_accepted(int fd);
    [[nodiscard]] bool hand_over(int fd, const PeerAddress& peer);
    void receive_hand_over(int fd, const PeerAddress& peer);
    void give_to_handler(int fd, const PeerAddress& peer);
    void accept_failed(int os_errno);
    void shed_with_spare_fd();
    void timer_fired();
    void advance_close();
    void accept_backlog();
    void publish_live();
    [[nodiscard]] bool hand_overs_ended() const;
    [[nodiscard]] bool may_accept() const;
    [[nodiscard]] bool is_nearly_full() const;

    Loop& loop_;
    ListenerOptions options_;
    LoadTable* table_;
    Handler& handler_;
    int fd_;
    int spare_fd_ = -1;  // given up for a moment to shed a client when fds are used up
    uint16_t port_;
    uint32_t live_ = 0;
    uint32_t consecutive_errors_ = 0;
    bool started_ = false;
    bool full_ = false;        // connections_max was reached and 95 % is not
    bool paused_ = false;      // by pause()
    bool armed_once_ = false;  // accept_op_ is a single accept
    bool closing_ = false;
    Instant last_warning_{};
    ListenerStats stats_;
    Bound<Op, &Listener::accept_done> accept_op_{this};
    Bound<Op, &Listener::cancel_done> cancel_op_{this};
    Bound<Timer, &Listener::timer_fired> timer_{
        this};  // runs while resources are awaited, or closing
    Bound<Ready, &Listener::advance_close> close_ready_{this};
};

}  // namespace fluxgate::loop
