#include "http/acceptor.h"

#include <coroutine>
#include <utility>

#include "loop/bound.h"
#include "loop/check.h"

namespace fluxgate::http {

class Acceptor::Closed {
public:
    static constexpr loop::Duration backlog_grace = std::chrono::milliseconds(10);

    explicit Closed(Acceptor& acceptor) : acceptor_(acceptor) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        acceptor_.stopper_ = this;
        if (acceptor_.listener_closed_) wake();
    }
    void await_resume() const noexcept {}
    // Who came out of the backlog has sent a request, most likely: a moment to read it, before the
    // drain closes what is idle.
    void wake() {
        loop::Loop& loop = acceptor_.sockets_.loop();
        loop.timers().start(timer_, loop.now() + backlog_grace);
    }

private:
    void resume() { waiter_.resume(); }

    Acceptor& acceptor_;
    std::coroutine_handle<> waiter_;
    loop::Bound<loop::Timer, &Closed::resume> timer_{this};
};

Acceptor::Acceptor(loop::SocketContext& sockets, const Server::Options& options,
                   const Router& router, RequestObserver* requests)
    : sockets_(sockets), server_(sockets.loop(), options, router, requests, this) {
}

Acceptor::~Acceptor() {
    FLUX_CHECK(listener_ == nullptr || listener_closed_);
}

loop::Result<std::unique_ptr<Acceptor>> Acceptor::open(
    loop::SocketContext& sockets, const loop::ListenerOptions& options, loop::LoadTable* table,
    const Server::Options& server_options, const Router& router, RequestObserver* requests) {
    std::unique_ptr<Acceptor> acceptor(new Acceptor(sockets, server_options, router, requests));
    auto listener = loop::Listener::open(sockets.loop(), options, table, *acceptor);
    if (!listener) return std::unexpected(listener.error());
    acceptor->listener_ = std::move(*listener);
    return acceptor;
}

void Acceptor::connection_accepted(int fd, const loop::PeerAddress& peer) {
    server_.adopt(std::make_unique<loop::TcpStream>(sockets_, fd, peer), peer);
}

void Acceptor::listener_closed() {
    listener_closed_ = true;
    if (stopper_ != nullptr) std::exchange(stopper_, nullptr)->wake();
}

loop::Task<void> Acceptor::stop() {
    server_.close_after_answers();  // before a client can see that nobody is accepted any more
    if (!listener_closed_) listener_->close();
    // What still waited in the backlog arrives before this returns, and is drained with the rest.
    co_await Closed(*this);
    co_await server_.drain();
}

}  // namespace fluxgate::http
