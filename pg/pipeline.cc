#include "pg/pipeline.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "loop/log.h"
#include "pg/identity.h"

namespace fluxgate::pg {
namespace {

constexpr uint32_t text_oid = 25;
constexpr uint32_t housekeeping_flights_max = 8;  // DEALLOCATEs on their way, beside the calls
// libpq's input buffer doubles and never shrinks.
constexpr size_t bloat_bytes = 8u << 20;
// Bounds what libpq collects before it hands a result out; exact budgets are checked on the
// finished result.
constexpr size_t runaway_slack_bytes = 1u << 20;

// What one read took at least: more may have arrived meanwhile, and libpq makes room for a read of
// 8 kB.
size_t bytes_taken_min(size_t waited, size_t left) {
    constexpr size_t read_room_min = 8192;
    const size_t gone = waited > left ? waited - left : 0;
    return std::max(gone, std::min(waited, read_room_min));
}

void make_form(std::string* sql, std::vector<Parameter>* types, uint64_t* key,
               const IdentityOptions& options) {
    *sql = identity_sql(options);
    size_t count = 1;
    if (options.with_timeout) count = 2;
    if (options.pooler) count = options.role == Role::gateway ? 2 : 3;
    Parameter text;
    text.type_oid = text_oid;
    types->assign(count, text);
    *key = hash_of(*sql, *types);
}

}  // namespace

Pipeline::Pipeline(std::unique_ptr<Connection> connection, const Settings& settings,
                   PoolStats* stats)
    : connection_(std::move(connection)),
      settings_(settings),
      stats_(stats),
      statements_(settings.statements_max,
                  settings.pooler ? "_" + std::string(to_string(settings.role)) : std::string()),
      flights_(settings.depth_max + housekeeping_flights_max) {
    IdentityOptions options;
    options.role = settings_.role;
    options.pooler = settings_.pooler;
    options.is_local = !settings_.policy.role_in_session;
    make_form(&identity_.sql, &identity_.types, &identity_.key, options);
    options.with_timeout = true;
    make_form(&identity_with_timeout_.sql, &identity_with_timeout_.types,
              &identity_with_timeout_.key, options);
}

Pipeline::~Pipeline() {
    for (const Flight& flight : flights_)
        FLUX_CHECK(flight.call == nullptr);
}

// ---- sending

Pipeline::Flight& Pipeline::push_flight(loop::Instant now) {
    FLUX_CHECK_OP(flight_count_, <, flights_.size());
    Flight& flight = flights_[(first_flight_ + flight_count_) % flights_.size()];
    flight = Flight();
    flight.sent_at = now;
    ++flight_count_;
    return flight;
}

bool Pipeline::submit(Call& call, loop::Instant now) {
    FLUX_CHECK(call.state != Call::State::in_flight && call.state != Call::State::ended);
    Flight& flight = push_flight(now);
    call.timeout_ms = timeout_of(call, now);
    flight.timeout_ms = call.timeout_ms;
    flight.is_write = call.query.access == Access::write;
    flight.result_bytes_max = call.query.result_bytes_max;
    if (!append_segment(flight, call)) {
        --flight_count_;
        return false;
    }
    flight.call = &call;
    call.state = Call::State::in_flight;
    ++segments_;
    ++stats_->segments;
    append_deallocations(now);
    return true;
}

// The one place where a segment is put together.
bool Pipeline::append_segment(Flight& flight, Call& call) {
    const uint64_t syncs_before = syncs_;
    if (settings_.policy.begin) {
        flight.steps[flight.step_count++] = Step::begin;
        if (!connection_->send_command("BEGIN")) return false;
    }
    const bool has_identity = settings_.role != Role::gateway || settings_.pooler;
    FLUX_CHECK(call.identity.role == settings_.role);
    if (has_identity && !append_identity(flight, call)) return false;
    if (!append_statement(flight, call)) return false;
    if (!append_sync()) return false;
    FLUX_CHECK_OP(syncs_ - syncs_before, ==, settings_.policy.sync ? 1u : 0u);
    return true;
}

uint32_t Pipeline::timeout_of(const Call& call, loop::Instant now) const {
    uint32_t wanted_ms = call.query.statement_timeout_ms;
    if (!call.deadline.is_never()) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(call.deadline.remaining(now));
        if (left.count() < wanted_ms) wanted_ms = static_cast<uint32_t>(left.count());
    }
    if (wanted_ms == 0) wanted_ms = 1;  // 0 would mean "no limit" to PostgreSQL
    if (settings_.role == Role::gateway && !settings_.pooler) return settings_.statement_timeout_ms;
    if (settings_.timeout_is_cap) return std::min(wanted_ms, settings_.statement_timeout_ms);
    return wanted_ms;
}

bool Pipeline::append_identity(Flight& flight, const Call& call) {
    const bool with_timeout =
        settings_.pooler || flight.timeout_ms != settings_.statement_timeout_ms;
    IdentityForm& form = with_timeout ? identity_with_timeout_ : identity_;
    if (form.statement == nullptr) {
        form.statement = statements_.add(form.key, form.sql, form.types);
        statements_.acquire(form.statement);  // pinned
    }
    flight.identity = form.statement;
    statements_.acquire(flight.identity);
    if (!append_parse(flight, flight.identity, Step::parse_identity)) return false;

    std::array<char, 12> timeout{};
    std::to_chars(timeout.data(), timeout.data() + timeout.size() - 1, flight.timeout_ms);
    std::array<Parameter, 3> values{};
    // Binary text: sent by length, so the claims need no NUL behind them.
    values[0].bytes = call.identity.claims;
    values[0].is_binary = true;
    values[1].bytes = timeout.data();
    values[2].bytes = to_string(settings_.role);
    flight.steps[flight.step_count++] = Step::identity;
    return connection_->send_execute(flight.identity->name.c_str(),
                                     std::span(values).first(form.types.size()));
}

bool Pipeline::append_statement(Flight& flight, Call& call) {
    const Query& query = call.query;
    Statement* statement =
        call.fresh_parse ? nullptr : statements_.find(call.key, query.sql, query.parameters);
    if (statement == nullptr) statement = statements_.add(call.key, query.sql, query.parameters);
    flight.statement = statement;
    statements_.acquire(statement);
    if (!append_parse(flight, statement, Step::parse)) return false;
    flight.steps[flight.step_count++] = Step::execute;
    return connection_->send_execute(statement->name.c_str(), query.parameters);
}

bool Pipeline::append_parse(Flight& flight, Statement* statement, Step step) {
    if (statement->state != Statement::State::fresh) return true;
    statement->state = Statement::State::parsing;
    (step == Step::parse ? flight.sent_parse : flight.sent_identity_parse) = true;
    flight.steps[flight.step_count++] = step;
    ++stats_->parses;
    return connection_->send_parse(statement->name.c_str(), statement->sql.c_str(),
                                   statement->types);
}

bool Pipeline::append_sync() {
    if (!settings_.policy.sync) return connection_->send_flush_request();
    ++syncs_;
    ++stats_->syncs;
    return connection_->send_sync();
}

// libpq < 17 can not send Close, so evicted statements go by DEALLOCATE, each in a segment of its
// own. A failure to append one leaves a broken connection, which the next read reports.
void Pipeline::append_deallocations(loop::Instant now) {
    while (flight_count_ < flights_.size()) {
        const std::string name = statements_.take_evicted();
        if (name.empty()) return;
        // A pooler has names of its own for them, and drops them with this connection.
        if (settings_.pooler) continue;
        Flight& flight = push_flight(now);
        flight.timeout_ms = settings_.statement_timeout_ms;
        flight.steps[flight.step_count++] = Step::deallocate;
        // The name is fg_<hash>_<counter>: nothing to quote.
        if (!connection_->send_command(("DEALLOCATE " + name).c_str()) || !append_sync()) {
            --flight_count_;
            return;
        }
        ++stats_->parses;
    }
}

// ---- receiving

bool Pipeline::receive(loop::Instant now, Sink& sink) {
    // Most results come in one read, which then needs no count.
    const bool is_counted = reads_without_reply_++ != 0;
    const size_t waited = is_counted ? connection_->bytes_waiting() : 0;
    const bool is_alive = connection_->consume_input();
    if (is_counted) bytes_without_reply_ += bytes_taken_min(waited, connection_->bytes_waiting());
    // Every turn of this loop takes a reply that had arrived, or leaves: CONNECTION_BAD ends in
    // `nothing` or in an `end` that nobody expects.
    while (flight_count_ != 0) {
        Reply reply = connection_->next_reply();
        if (reply.kind == Reply::Kind::nothing) break;
        reads_without_reply_ = 0;
        bytes_without_reply_ = 0;
        Flight& flight = flights_[first_flight_];
        if (!take_reply(flight, reply)) {
            if (!connection_->is_broken()) loop::log::error("pg_unexpected_reply");
            return false;
        }
        if (is_complete(flight, reply.kind)) finish_oldest(now, sink);
    }
    if (!is_alive || connection_->is_broken() || is_runaway()) return false;
    while (connection_->next_notification()) {
    }
    // Nothing in flight, and still in a transaction: the state is not what it must be.
    return flight_count_ != 0 || connection_->is_idle();
}

bool Pipeline::take_reply(Flight& flight, Reply& reply) {
    const bool all_replied = flight.step_at == flight.step_count;
    switch (reply.kind) {
        case Reply::Kind::end:
            if (!flight.has_reply) return false;
            flight.has_reply = false;
            if (!all_replied) ++flight.step_at;
            return true;
        case Reply::Kind::sync:
            return all_replied && !flight.has_reply;
        case Reply::Kind::rows:
        case Reply::Kind::done:
            if (all_replied || flight.has_reply) return false;
            flight.has_reply = true;
            take_success(flight, reply);
            return true;
        case Reply::Kind::error:  // after the last step: at commit, by a deferred constraint
        case Reply::Kind::aborted:
            if (flight.has_reply) return false;
            // Without a SQLSTATE it is libpq's own: it did not understand the server, or lost it.
            if (reply.kind == Reply::Kind::error && reply.error.state().empty()) return false;
            flight.has_reply = true;
            take_failure(flight, reply);
            return true;
        case Reply::Kind::nothing:
        case Reply::Kind::unexpected:
            return false;
    }
    return false;
}

void Pipeline::take_success(Flight& flight, Reply& reply) {
    switch (flight.steps[flight.step_at]) {
        case Step::parse_identity:
            flight.identity->state = Statement::State::prepared;
            return;
        case Step::parse:
            flight.statement->state = Statement::State::prepared;
            return;
        case Step::execute:
            break;
        default:
            return;
    }
    const size_t bytes = reply.result.bytes();
    if (bytes > bloat_bytes) is_bloated_ = true;
    if (bytes > flight.result_bytes_max) {
        flight.failed = true;
        flight.error = Error();
        flight.error.kind = ErrorKind::too_large;
        return;
    }
    flight.result = std::move(reply.result);
}

void Pipeline::take_failure(Flight& flight, Reply& reply) {
    if (flight.step_at < flight.step_count) {
        const Step step = flight.steps[flight.step_at];
        if (step == Step::parse_identity) drop_statement(flight.identity);
        if (step == Step::parse) drop_statement(flight.statement);
    }
    flight.result = Result();
    if (flight.failed) return;  // the first error is the cause
    flight.failed = true;
    flight.error = std::move(reply.error);
    if (reply.kind == Reply::Kind::aborted) flight.error.kind = ErrorKind::bug;
}

void Pipeline::drop_statement(Statement* statement) {
    statements_.forget(statement);
    for (IdentityForm* form : {&identity_, &identity_with_timeout_}) {
        if (form->statement != statement) continue;
        form->statement = nullptr;
        statements_.release(statement);  // no longer pinned
    }
}

bool Pipeline::is_complete(const Flight& flight, Reply::Kind kind) const {
    if (settings_.policy.sync || flight.steps[0] == Step::deallocate)
        return kind == Reply::Kind::sync;
    return flight.step_at == flight.step_count && !flight.has_reply;
}

void Pipeline::finish_oldest(loop::Instant now, Sink& sink) {
    Flight& flight = flights_[first_flight_];
    Call* call = std::exchange(flight.call, nullptr);
    const loop::Duration took = now - std::max(flight.sent_at, last_end_);
    last_end_ = now;
    if (call != nullptr) {
        call->used_prepared = !flight.sent_parse;
        call->parse_was_lost =
            !flight.sent_parse && flight.statement->state == Statement::State::failed;
        if (flight.identity != nullptr && !flight.sent_identity_parse &&
            flight.identity->state == Statement::State::failed) {
            call->parse_was_lost = true;
        }
        call->failed = flight.failed;
        call->result = std::move(flight.result);
        call->error = std::move(flight.error);
    }
    if (flight.is_abandoned) --abandoned_;
    flight.result = Result();
    if (flight.statement != nullptr) statements_.release(flight.statement);
    if (flight.identity != nullptr) statements_.release(flight.identity);
    first_flight_ = (first_flight_ + 1) % static_cast<uint32_t>(flights_.size());
    --flight_count_;
    if (call != nullptr) sink.call_answered(*call, took);
}

// libpq keeps collecting rows until the statement's end; a result far over its budget is not waited
// for.
bool Pipeline::is_runaway() {
    if (flight_count_ == 0) return false;
    Flight& oldest = flights_[first_flight_];
    if (bytes_without_reply_ <= oldest.result_bytes_max + runaway_slack_bytes) return false;
    Call* call = oldest.call;
    if (call == nullptr || oldest.is_write) return true;  // lose_all() calls it lost
    oldest.call = nullptr;
    call->refuse(ErrorKind::too_large);
    return true;
}

void Pipeline::abandon(Call& call) {
    for (Flight& flight : flights_) {
        if (flight.call != &call) continue;
        flight.call = nullptr;
        flight.is_abandoned = true;
        ++abandoned_;
    }
}

bool Pipeline::is_all_abandoned() const {
    return abandoned_ != 0 && std::ranges::none_of(flights_, [](const Flight& flight) {
               return flight.call != nullptr;
           });
}

void Pipeline::lose_all() {
    abandoned_ = 0;
    for (; flight_count_ != 0; --flight_count_) {
        Flight& flight = flights_[first_flight_];
        if (Call* call = std::exchange(flight.call, nullptr)) call->end(Call::End::lost_sent);
        first_flight_ = (first_flight_ + 1) % static_cast<uint32_t>(flights_.size());
    }
}

}  // namespace fluxgate::pg
