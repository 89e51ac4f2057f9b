#include "http/acceptor.h"

#include <coroutine>
#include <utility>

#include "loop/bound.h"
#include "loop/check.h"

namespace fluxgate::http {

class Acceptor::Closed {
public:
    explicit Closed(Acceptor& acceptor) : acceptor_(acceptor) {}

    [[nodiscard]] bool await_ready() const noexcept { return acceptor_.listener_closed_; }
    void await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        acceptor_.stopper_ = this;
    }
    void await_resume() const noexcept {}
    // The listener may be freed by what follows, so not from inside its last call.
    void wake() { acceptor_.sockets_.loop().post(ready_); }

private:
    void resume() { waiter_.resume(); }

    Acceptor& acceptor_;
    std::coroutine_handle<> waiter_;
    loop::Bound<loop::Ready, &Closed::resume> ready_{this};
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
    if (!listener_closed_) listener_->close();
    // What still waited in the backlog arrives before this returns, and is drained with the rest.
    co_await Closed(*this);
    co_await server_.drain();
}

}  // namespace fluxgate::http
