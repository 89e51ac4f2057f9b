// All connections of one core: takes them over, bounds how many there are, ends them.
//
// Knows streams, not sockets: Acceptor makes those, tests give in-memory ones. A connection over a
// bound is told 503 and closed; when even too many of those are open it is reset. Single-threaded.
// A connection is one allocation, freed at its end: warm requests make none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "http/address_count.h"
#include "http/connection.h"
#include "http/connection_context.h"
#include "loop/intrusive_list.h"
#include "loop/peer_address.h"
#include "loop/scope.h"
#include "loop/task.h"

namespace fluxgate::http {

class Server final : private ConnectionOwner {
public:
    struct Options {
        Limits limits;
        size_t connections_max = 10'000;      // of this core
        size_t refused_connections_max = 64;  // that are being told 503 at the same time
        AddressCount* addresses = nullptr;    // of all cores; null: this core counts for itself
    };
    struct Counts {
        uint64_t accepted = 0;
        uint64_t over_total = 0;     // told 503: connections_max
        uint64_t over_address = 0;   // told 503: Limits::connections_per_address_max
        uint64_t reset_at_once = 0;  // too many were being told 503
        uint64_t aborted = 0;        // still open at the drain deadline
    };
    // Told when a connection that adopt() was given is gone.
    class Observer {
    public:
        virtual void server_connection_closed() = 0;

    protected:
        ~Observer() = default;
    };

    // `loop`, `router` and the observers outlive it; the observers may be null.
    Server(loop::Loop& loop, const Options& options, const Router& router,
           RequestObserver* requests, Observer* observer);
    ~Server();  // no connection may be left: drain() first
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Takes over a connected stream. Always ends in one server_connection_closed().
    void adopt(std::unique_ptr<loop::Stream> stream, const loop::PeerAddress& peer);

    // From now on an answer ends its connection.
    void close_after_answers() { context_.draining = true; }
    // Closes idle connections at once and busy ones after their answer; what is left after
    // drain_timeout_ms is reset and counted. Returns when none is left. Not cancellable.
    [[nodiscard]] loop::Task<void> drain();
    // Instead of waiting for the rest of drain().
    void abort_all();

    [[nodiscard]] size_t connections() const { return live_; }
    [[nodiscard]] const Counts& counts() const { return counts_; }

private:
    class Emptied;  // awaits the last connection's end, or the deadline

    void connection_closed(Connection& connection) override;
    // Counts the connection in, unless a bound is reached.
    [[nodiscard]] bool take_place(const loop::PeerAddress& peer);
    void wake_drainer();

    const Options options_;
    loop::Scope scope_;  // parent of all requests' scopes
    ConnectionContext context_;
    Observer* observer_;
    loop::IntrusiveList<Connection, ConnectionTag> connections_;
    size_t live_ = 0;
    size_t refusing_ = 0;  // of live_: those that are being told 503
    uint64_t next_number_ = 1;
    AddressCount own_addresses_;
    AddressCount& addresses_;  // only of those that are served
    Emptied* drainer_ = nullptr;
    Counts counts_;
};

}  // namespace fluxgate::http
