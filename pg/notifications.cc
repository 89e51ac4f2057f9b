#include "pg/notifications.h"

#include <poll.h>

#include <array>
#include <optional>
#include <utility>

#include "loop/blocking.h"
#include "loop/log.h"
#include "loop/poll.h"
#include "loop/sleep.h"
#include "pg/backoff.h"
#include "pg/catalog.h"

namespace fluxgate::pg {
namespace {

constexpr std::array channels = {schema_channel, keys_channel, fluxbase_schema_channel};
constexpr auto listen_wait_max = std::chrono::seconds(10);

ConnectSettings settings_of(const Options& options) {
    ConnectSettings settings;
    settings.host = options.host;
    settings.port = options.port;
    settings.database = options.database;
    settings.ssl_mode = options.ssl_mode;
    settings.user = options.auth_login.user;
    settings.password = options.auth_login.password;
    settings.statement_timeout_ms = options.statement_timeout_ms;
    return settings;
}

}  // namespace

Notifications::Notifications(loop::Loop* loop, loop::BlockingPool* blocking, const Options& options,
                             Sink* sink)
    : loop_(loop), blocking_(blocking), options_(options), sink_(sink) {
}

loop::Task<void> Notifications::run(loop::Scope* scope) {
    if (options_.pooler || options_.auth_login.user.empty()) {
        loop::log::info("notifications_off",
                        {{"reason", options_.pooler ? "pooler" : "no auth login"}});
        co_return;
    }
    Backoff backoff(options_.backoff_first_ms, options_.backoff_max_ms);
    while (!scope->is_cancelled()) {
        std::unique_ptr<Connection> connection = co_await connect(scope);
        bool listens = connection != nullptr;
        for (std::string_view channel : channels) {
            if (!listens) break;
            listens = co_await listen(scope, connection.get(), channel);
        }
        if (listens) {
            backoff.reset();
            failures_.reset();
            is_listening_ = true;
            sink_->everything_may_have_changed();
            co_await serve(scope, connection.get());
            is_listening_ = false;
        }
        connection.reset();
        if (scope->is_cancelled()) break;
        const loop::Duration wait = backoff.next(loop_->entropy());
        const auto slept = co_await loop::sleep_for(*scope, wait);
        loop::ignore(slept, "a cancelled scope ends the loop");
    }
}

void Notifications::log_failure(std::string_view reason) {
    if (!failures_.add()) return;
    loop::log::warn("pg_listen_failed", {{"reason", reason}, {"failures", failures_.in_a_row()}});
}

loop::Task<std::unique_ptr<Connection>> Notifications::connect(loop::Scope* scope) {
    const auto deadline =
        loop::Deadline::after(loop_->now(), std::chrono::milliseconds(options_.connect_timeout_ms));
    auto start = [settings = settings_of(options_)] { return Connection::start(settings); };
    auto started = co_await loop::run_blocking(*blocking_, *loop_, std::move(start));
    if (!started || *started == nullptr) co_return nullptr;
    std::unique_ptr<Connection> connection = std::move(*started);
    for (;;) {
        const Connection::ConnectStep step = connection->connect_step();
        if (step == Connection::ConnectStep::established) break;
        if (step == Connection::ConnectStep::failed) {
            log_failure(connection->failure());
            co_return nullptr;
        }
        const uint32_t mask = step == Connection::ConnectStep::wants_read ? POLLIN : POLLOUT;
        const auto polled = co_await loop::poll_fd(*scope, connection->fd(), mask, deadline);
        if (!polled) co_return nullptr;
    }
    if (!connection->enter_plain()) {
        loop::log::warn("pg_listen_refused", {{"reason", connection->failure()}});
        co_return nullptr;
    }
    co_return connection;
}

loop::Task<bool> Notifications::listen(loop::Scope* scope, Connection* connection,
                                       std::string_view channel) {
    const std::string sql = "LISTEN " + quote_identifier(channel);
    if (!connection->send_command(sql.c_str())) co_return false;
    const auto deadline = loop::Deadline::after(loop_->now(), listen_wait_max);
    bool succeeded = false;
    for (;;) {
        // A few bytes on an empty socket: what is left goes with the next read.
        if (connection->flush() == Connection::Flush::broken) co_return false;
        const Reply reply = connection->next_reply();
        if (reply.kind == Reply::Kind::end) co_return succeeded;
        if (reply.kind == Reply::Kind::done) succeeded = true;
        if (reply.kind != Reply::Kind::nothing) continue;
        const bool read = co_await read_more(scope, connection, deadline);
        if (!read) co_return false;
    }
}

loop::Task<void> Notifications::serve(loop::Scope* scope, Connection* connection) {
    for (;;) {
        hand_out(*connection);
        const bool read = co_await read_more(scope, connection, loop::Deadline::never());
        // What arrived before the end counts.
        if (!read) break;
    }
    hand_out(*connection);
}

loop::Task<bool> Notifications::read_more(loop::Scope* scope, Connection* connection,
                                          loop::Deadline deadline) {
    const auto polled = co_await loop::poll_fd(*scope, connection->fd(), POLLIN, deadline);
    if (!polled) co_return false;
    co_return connection->consume_input();
}

void Notifications::hand_out(Connection& connection) {
    for (;;) {
        // Notifications come in passing: libpq sees them when it looks for replies.
        (void)connection.next_reply();
        const std::optional<std::string> channel = connection.next_notification();
        if (!channel) return;
        sink_->notified(*channel);
    }
}

}  // namespace fluxgate::pg
