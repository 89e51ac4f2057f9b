#include "http/server.h"

#include <coroutine>
#include <utility>

#include "loop/check.h"

namespace fluxgate::http {

class Server::Emptied {
public:
    explicit Emptied(Server& server, loop::Instant deadline)
        : server_(server), deadline_(deadline) {}

    [[nodiscard]] bool await_ready() const noexcept { return server_.live_ == 0; }
    void await_suspend(std::coroutine_handle<> waiter) {
        FLUX_CHECK(server_.drainer_ == nullptr);
        waiter_ = waiter;
        server_.drainer_ = this;
        server_.context_.loop.timers().start(timer_, deadline_);
    }
    void await_resume() const noexcept {}
    void wake() {
        timer_.stop();
        server_.drainer_ = nullptr;
        server_.context_.loop.post(ready_);
    }

private:
    void resume() { waiter_.resume(); }

    Server& server_;
    loop::Instant deadline_;
    std::coroutine_handle<> waiter_;
    loop::Bound<loop::Timer, &Emptied::wake> timer_{this};
    loop::Bound<loop::Ready, &Emptied::resume> ready_{this};
};

Server::Server(loop::Loop& loop, const Options& options, const Router& router,
               RequestObserver* requests, Observer* observer)
    : options_(options),
      scope_(&loop),
      context_{.loop = loop,
               .limits = options_.limits,
               .router = router,
               .observer = requests,
               .scope = &scope_,
               .bodies = {.bytes_max = options_.limits.bodies_bytes_max}},
      observer_(observer),
      addresses_(options.addresses != nullptr ? *options.addresses : own_addresses_) {
}

Server::~Server() {
    FLUX_CHECK_OP(live_, ==, 0U);
}

bool Server::take_place(const loop::PeerAddress& peer) {
    if (live_ - refusing_ >= options_.connections_max) {
        ++counts_.over_total;
        return false;
    }
    if (!addresses_.try_add(peer.prefix_key(), options_.limits.connections_per_address_max)) {
        ++counts_.over_address;
        return false;
    }
    return true;
}

void Server::adopt(std::unique_ptr<loop::Stream> stream, const loop::PeerAddress& peer) {
    ++counts_.accepted;
    const bool is_served = take_place(peer);
    auto* connection = new Connection(
        context_, *this, {.stream = std::move(stream), .peer = peer, .number = next_number_++});
    connections_.push_back(*connection);
    ++live_;
    if (is_served) {
        connection->start();
        return;
    }
    ++refusing_;
    connection->mark_refused();
    if (refusing_ > options_.refused_connections_max) {
        ++counts_.reset_at_once;
        connection->abort();
    } else {
        connection->start_refusing(verdict::too_many_connections);
    }
}

void Server::connection_closed(Connection& connection) {
    if (connection.is_refused()) {
        --refusing_;
    } else {
        addresses_.remove(connection.peer().prefix_key());
    }
    delete &connection;
    --live_;
    if (observer_ != nullptr) observer_->server_connection_closed();
    if (live_ == 0) wake_drainer();
}

loop::Task<void> Server::drain() {
    close_after_answers();
    connections_.for_each([](Connection& connection) { connection.drain(); });
    const auto limit = std::chrono::milliseconds(options_.limits.drain_timeout_ms);
    co_await Emptied(*this, context_.loop.now() + limit);
    if (live_ == 0) co_return;
    counts_.aborted += live_;
    abort_all();
    co_await Emptied(*this, loop::Instant::max());
}

void Server::abort_all() {
    close_after_answers();
    scope_.cancel();
    connections_.for_each([](Connection& connection) { connection.abort(); });
}

void Server::wake_drainer() {
    if (drainer_ != nullptr) drainer_->wake();
}

}  // namespace fluxgate::http
