#include "app/database_probe.h"

namespace fluxgate::app {

bool DatabaseProbe::answers() {
    const loop::Instant now = scope_->loop().now();
    if (!is_asking_ && now - asked_at_ >= interval) {
        is_asking_ = true;
        asked_at_ = now;
        scope_->spawn("database_probe", ask());
    }
    return answers_;
}

loop::Task<void> DatabaseProbe::ask() {
    pg::Identity identity;
    identity.role = pg::Role::gateway;
    pg::Query query;
    query.sql = "SELECT 1";
    query.deadline = loop::Deadline::after(asked_at_, interval);
    const auto answer = co_await pool_->execute(scope_, identity, query);
    answers_ = answer.has_value();
    is_asking_ = false;
}

}  // namespace fluxgate::app
