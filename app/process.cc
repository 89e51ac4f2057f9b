#include "app/process.h"

#include <utility>

#include "app/config_options.h"
#include "loop/log.h"
#include "loop/sleep.h"
#include "pg/startup_check.h"

namespace fluxgate::app {
namespace {

constexpr std::chrono::milliseconds check_again_after{500};
// How long a lost LISTEN connection can go unnoticed; with KeyStoreOptions::unannounced_ttl it
// bounds how long a revoked key may live.
constexpr std::chrono::milliseconds watch_every{250};

// `fluxgate bootstrap` may make the triggers while we run, and a look may fail.
constexpr std::chrono::seconds look_again_after{30};

constexpr std::string_view count_triggers =
    "SELECT count(DISTINCT tgrelid) FROM pg_trigger "
    "WHERE tgrelid IN (to_regclass('auth.service_keys'), to_regclass('auth.client_keys')) "
    "AND tgname LIKE 'fluxgate\\_%' AND tgenabled <> 'D'";

}  // namespace

Process::~Process() = default;

void Process::start(Worker& worker) {
    worker_ = &worker;
    scope_ = std::make_unique<loop::Scope>(&worker.loop());
    auto signals = loop::Signals::create(worker.loop(), *this);
    FLUX_CHECK(signals.has_value());
    signals_ = std::move(*signals);
    if (shared_.config.conformance) {
        shared_.started.store(true, std::memory_order_release);
        loop::log::warn("conformance_mode", {{"address", shared_.config.gateway.server.address}});
        return;
    }
    scope_->spawn("check_start", check_start());
    if (!shared_.config.gateway.database.pooler) {
        notifications_ = std::make_unique<pg::Notifications>(
            &worker.loop(), &*shared_.blocking, to_pool_options(shared_.config),
            static_cast<pg::Notifications::Sink*>(this));
        scope_->spawn("notifications", notifications_->run(scope_.get()));
        scope_->spawn("watch_announcements", watch_announcements());
    }
}

loop::Task<void> Process::stop() {
    scope_->cancel();
    co_await scope_->join();
}

void Process::close() {
    signals_->close();
}

void Process::clear() {
    signals_.reset();
    notifications_.reset();
    scope_.reset();
}

loop::Task<void> Process::check_start() {
    const pg::StartupCheckOptions options{.allow_shared_login =
                                              shared_.config.gateway.database.allow_shared_login};
    bool said = false;
    while (!scope_->is_cancelled()) {
        auto report = co_await pg::check_startup(scope_.get(), &worker_->pool(), options);
        if (report) {
            for (const std::string& warning : report->warnings)
                loop::log::warn("startup", {{"warning", warning}});
            if (report->faults.empty()) {
                shared_.started.store(true, std::memory_order_release);
                loop::log::info("serving", {{"address", shared_.config.gateway.server.address}});
                co_return;
            }
            for (const std::string& fault : report->faults)
                refusal_ += (refusal_.empty() ? "" : "\n") + fault;
            cores_->tell_all([](Worker& worker) { worker.begin_drain(); });
            co_return;
        }
        if (!std::exchange(said, true)) {
            loop::log::warn("waiting_for_postgres", {{"host", shared_.config.database.host},
                                                     {"port", shared_.config.database.port},
                                                     {"kind", pg::to_string(report.error().kind)},
                                                     {"sqlstate", report.error().state()}});
        }
        auto slept = co_await loop::sleep_for(*scope_, check_again_after);
        if (!slept) co_return;
    }
}

loop::Task<void> Process::look_for_triggers() {
    pg::Query query;
    query.sql = count_triggers;
    query.deadline = loop::Deadline::after(worker_->loop().now(), std::chrono::seconds(5));
    const pg::Identity identity{.role = pg::Role::gateway};
    auto result = co_await worker_->pool().execute(scope_.get(), identity, query);
    if (scope_->is_cancelled()) co_return;
    const bool had_triggers = has_triggers_;
    has_triggers_ = result && result->rows() == 1 && result->value(0, 0) == "2";
    if (has_triggers_) {
        if (!had_triggers) loop::log::info("key_changes_announced");
    } else if (!result) {
        loop::log::warn(
            "key_triggers_not_looked_for",
            {{"kind", pg::to_string(result.error().kind)}, {"sqlstate", result.error().state()}});
    } else if (!std::exchange(has_said_missing_, true)) {
        loop::log::warn("key_changes_not_announced", {{"remedy", "fluxgate bootstrap"}});
    }
}

loop::Task<void> Process::watch_announcements() {
    bool was_listening = false;
    loop::Instant look_at{};
    for (;;) {
        const bool is_listening = notifications_->is_listening();
        const bool is_new = is_listening && !was_listening;
        was_listening = is_listening;
        if (is_new) has_said_missing_ = false;
        if (is_new || (is_listening && !has_triggers_ && worker_->loop().now() >= look_at)) {
            co_await look_for_triggers();
            look_at = worker_->loop().now() + look_again_after;
        }
        // Asked anew: the connection may have been lost during the look.
        const bool announced = notifications_->is_listening() && has_triggers_;
        if (announced != announced_) {
            announced_ = announced;
            cores_->tell_all(announced ? [](Worker& worker) { worker.set_announced(true); }
                                       : [](Worker& worker) { worker.set_announced(false); });
        }
        auto slept = co_await loop::sleep_for(*scope_, watch_every);
        if (!slept) co_return;
    }
}

void Process::notified(std::string_view channel) {
    if (channel == pg::keys_channel)
        cores_->tell_all([](Worker& worker) { worker.drop_keys(); });
    else
        worker_->schema_changed();
}

void Process::everything_may_have_changed() {
    cores_->tell_all([](Worker& worker) { worker.drop_keys(); });
    worker_->schema_changed();
}

void Process::signal_received(loop::Signals::Kind kind) {
    switch (kind) {
        case loop::Signals::Kind::drain:
            loop::log::info("draining");
            cores_->tell_all([](Worker& worker) { worker.begin_drain(); });
            break;
        case loop::Signals::Kind::terminate:
            cores_->tell_all([](Worker& worker) { worker.abort_all(); });
            break;
        case loop::Signals::Kind::reload:
            loop::log::warn("reload_ignored",
                            {{"remedy", "restart to apply a changed configuration"}});
            break;
    }
}

}  // namespace fluxgate::app
