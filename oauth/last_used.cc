#include "oauth/last_used.h"

#include "loop/log.h"

namespace fluxgate::oauth {
namespace {

constexpr std::string_view update_service_keys =
    "UPDATE auth.service_keys SET last_used_at = now() WHERE id = ANY ($1::uuid[])";
constexpr std::string_view update_client_keys =
    "UPDATE auth.client_keys SET last_used_at = now() WHERE id = ANY ($1::uuid[])";

// {id,id,…}: ids are uuids that came out of the database.
std::string array_literal(const std::unordered_set<std::string>& ids) {
    std::string literal = "{";
    for (const std::string& id : ids) {
        if (literal.size() > 1) literal += ',';
        literal += id;
    }
    literal += '}';
    return literal;
}

constexpr uint32_t update_timeout_ms = 5'000;

loop::Task<void> write_batch(loop::Scope* scope, pg::Pool* pool, std::string_view sql,
                             std::string ids) {
    const pg::Parameter parameters[] = {{.bytes = ids}};
    pg::Query query;
    query.sql = sql;
    query.parameters = parameters;
    query.access = pg::Access::write;
    query.statement_timeout_ms = update_timeout_ms;
    query.deadline =
        loop::Deadline::after(scope->loop().now(), std::chrono::milliseconds(update_timeout_ms));
    const pg::Identity identity{.role = pg::Role::gateway};
    auto result = co_await pool->execute(scope, identity, query);
    if (!result) loop::log::warn("last_used_not_written", {{"sqlstate", result.error().state()}});
}

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
    if (!service_keys_.empty()) {
        std::string ids = array_literal(service_keys_);
        service_keys_.clear();
        co_await write_batch(&scope_, pool_, update_service_keys, std::move(ids));
    }
    if (!client_keys_.empty()) {
        std::string ids = array_literal(client_keys_);
        client_keys_.clear();
        co_await write_batch(&scope_, pool_, update_client_keys, std::move(ids));
    }
}

loop::Task<void> LastUsed::close() {
    timer_.stop();
    co_await scope_.join();
    co_await flush();
    co_await scope_.join();
}

}  // namespace fluxgate::oauth
