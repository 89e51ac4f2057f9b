#include "oauth/last_used.h"

#include "loop/log.h"
#include "pg/array_literal.h"

namespace fluxgate::oauth {
namespace {

constexpr std::string_view update_service_keys =
    "UPDATE auth.service_keys SET last_used_at = now() WHERE id = ANY ($1::uuid[])";
constexpr std::string_view update_client_keys =
    "UPDATE auth.client_keys SET last_used_at = now() WHERE id = ANY ($1::uuid[])";

constexpr uint32_t update_timeout_ms = 5'000;

}  // namespace

LastUsed::LastUsed(loop::Loop* loop, pg::Pool* pool) : loop_(loop), pool_(pool), scope_(loop) {
    loop_->timers().start(timer_, loop_->now() + interval);
}

LastUsed::~LastUsed() = default;

void LastUsed::note(const http::Principal& principal) {
    auto& keys = principal.kind == http::PrincipalKind::service_key ? service_keys_ : client_keys_;
    if (keys.size() < keys_max) keys.insert(principal.key_id);
}

void LastUsed::start_flush() {
    scope_.spawn("last_used", flush());
    loop_->timers().start(timer_, loop_->now() + interval);
}

loop::Task<void> LastUsed::flush() {
    co_await write_batch(update_service_keys, &service_keys_);
    co_await write_batch(update_client_keys, &client_keys_);
}

loop::Task<void> LastUsed::write_batch(std::string_view sql, Ids* ids) {
    if (ids->empty()) co_return;
    const size_t count = ids->size();
    const std::string literal = pg::array_literal(*ids);
    ids->clear();  // what is noted from here on is for the next batch
    const pg::Parameter parameters[] = {{.bytes = literal}};
    pg::Query query;
    query.sql = sql;
    query.parameters = parameters;
    query.access = pg::Access::write;
    query.statement_timeout_ms = update_timeout_ms;
    query.deadline =
        loop::Deadline::after(loop_->now(), std::chrono::milliseconds(update_timeout_ms));
    const pg::Identity identity{.role = pg::Role::gateway};
    auto result = co_await pool_->execute(&scope_, identity, query);
    if (result) co_return;
    loop::log::warn("last_used_not_written", {{"kind", pg::to_string(result.error().kind)},
                                              {"sqlstate", result.error().state()},
                                              {"keys", count}});
}

loop::Task<void> LastUsed::close(loop::Deadline deadline) {
    timer_.stop();
    if (!deadline.is_never()) loop_->timers().start(closing_timer_, deadline.at());
    co_await scope_.join();
    // In a cancelled scope this writes nothing, and says what is lost.
    scope_.spawn("last_used", flush());
    co_await scope_.join();
    closing_timer_.stop();
}

}  // namespace fluxgate::oauth
