// Joins a core's listener with its server: each accepted fd becomes a TcpStream that the server
// owns.
#pragma once

#include <functional>
#include <memory>

#include "http/server.h"
#include "loop/listener.h"
#include "loop/socket.h"

namespace fluxgate::http {

class Acceptor final : private loop::Listener::Handler, private Server::Observer {
public:
    // Binds; accepts from start() on. All that is given outlives it.
    [[nodiscard]] static loop::Result<std::unique_ptr<Acceptor>> open(
        loop::SocketContext& sockets, const loop::ListenerOptions& options, loop::LoadTable* table,
        const Server::Options& server_options, const Router& router, RequestObserver* requests);
    ~Acceptor();  // after stop()
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;

    void start() { listener_->start(); }
    // No new connections, then drains the others (see Server::drain). Once; not cancellable.
    [[nodiscard]] loop::Task<void> stop();

    [[nodiscard]] loop::Listener& listener() { return *listener_; }
    [[nodiscard]] Server& server() { return server_; }

private:
    class Closed;

    Acceptor(loop::SocketContext& sockets, const Server::Options& options, const Router& router,
             RequestObserver* requests);
    void connection_accepted(int fd, const loop::PeerAddress& peer) override;
    void listener_closed() override;
    void server_connection_closed() override { listener_->connection_closed(); }

    loop::SocketContext& sockets_;
    Server server_;
    std::unique_ptr<loop::Listener> listener_;
    bool listener_closed_ = false;
    Closed* stopper_ = nullptr;  // while stop() waits for the listener
};

}  // namespace fluxgate::http
