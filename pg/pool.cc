#include "pg/pool.h"

#include <cstring>
#include <utility>

#include "pg/pool_state.h"

namespace fluxgate::pg {
namespace {

constexpr size_t parameters_max = 65'535;  // of the protocol

bool has_nul(std::string_view bytes) {
    return !bytes.empty() && std::memchr(bytes.data(), '\0', bytes.size()) != nullptr;
}

// What libpq would cut short or the protocol can not carry. Null if the call is fine.
std::optional<Error> refusal_of(const Identity& identity, const Query& query) {
    Error error;
    error.kind = ErrorKind::invalid_value;
    for (size_t at = 0; at < query.parameters.size(); ++at) {
        const Parameter& parameter = query.parameters[at];
        if (parameter.is_null || parameter.is_binary || !has_nul(parameter.bytes)) continue;
        error.parameter = static_cast<int>(at) + 1;
        return error;
    }
    if (has_nul(identity.claims)) return error;
    error.kind = ErrorKind::bug;
    if (query.parameters.size() > parameters_max || query.sql.empty() || has_nul(query.sql) ||
        identity.claims.empty()) {
        return error;
    }
    return std::nullopt;
}

}  // namespace

Pool::Pool(loop::Loop* loop, loop::BlockingPool* blocking, const Options& options)
    : Pool(loop, blocking, options, SegmentPolicy()) {
}

Pool::Pool(loop::Loop* loop, loop::BlockingPool* blocking, const Options& options,
           const SegmentPolicy& policy)
    : state_(std::make_unique<State>(loop, blocking, options, policy)) {
}

Pool::~Pool() = default;

void Pool::warm_up() {
    for (size_t role = 0; role < role_count; ++role)
        state_->open(static_cast<Role>(role));
}

loop::Task<std::expected<Result, Error>> Pool::execute(loop::Scope* scope, Identity identity,
                                                       Query query) {
    if (std::optional<Error> refusal = refusal_of(identity, query))
        co_return std::unexpected(std::move(*refusal));
    Call call(state_->loop, state_.get(), identity, query);
    call.key = hash_of(query.sql, query.parameters);
    call.deadline = query.deadline.earlier(scope->deadline());
    call.lane_class = state_->class_of(query, call.key);
    Retries retries;
    do {
        call.rewind();
        if (scope->is_cancelled())
            call.refuse(ErrorKind::cancelled);
        else
            state_->dispatch(call);
        co_await call.wait(*scope);
    } while (state_->wants_retry(call, retries));
    if (call.failed) co_return std::unexpected(std::move(call.error));
    co_return std::move(call.result);
}

loop::Task<void> Pool::close(loop::Deadline deadline) {
    if (!deadline.is_never()) state_->loop->timers().start(state_->closing_timer, deadline.at());
    state_->start_closing();
    co_await state_->scope.join();
    state_->closing_timer.stop();
}

bool Pool::is_available() const {
    return state_->stats.connected != 0;
}

int Pool::retry_after_s() const {
    return state_->retry_after_s();
}

PoolStats Pool::stats() const {
    PoolStats stats = state_->stats;
    stats.in_flight = 0;
    state_->for_each_lane([&](const Lane& lane) { stats.in_flight += lane.load(); });
    return stats;
}

}  // namespace fluxgate::pg
