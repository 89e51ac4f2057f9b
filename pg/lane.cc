#include "pg/lane.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "loop/blocking.h"
#include "loop/log.h"

namespace fluxgate::pg {

Lane::Lane(loop::Loop* loop, loop::BlockingPool* blocking, loop::Scope* scope, LaneHost* host,
           const Settings& settings, PoolStats* stats)
    : loop_(loop),
      blocking_(blocking),
      scope_(scope),
      host_(host),
      settings_(settings),
      stats_(stats),
      event_(loop),
      cancel_event_(loop),
      poll_(*loop, *this) {
}

Lane::~Lane() {
    FLUX_CHECK(state_ == State::closed && pipeline_ == nullptr);
}

// ---- the connection's life

loop::Task<void> Lane::run() {
    while (!finishing_) {
        if (const std::optional<loop::Deadline> ask_again = host_->may_connect(*this)) {
            [[maybe_unused]] const bool notified = co_await event_.wait_until(*ask_again);
            continue;
        }
        ++stats_->connecting;
        const bool connected = co_await connect();
        --stats_->connecting;
        state_ = connected ? State::ready : State::closed;
        host_->connect_ended(*this, connected);
        if (!connected) continue;
        co_await serve();
        host_->connection_ended(*this, was_healthy());
        co_await disconnect();
        pipeline_.reset();
        state_ = State::closed;
    }
}

loop::Task<bool> Lane::connect() {
    state_ = State::connecting;
    const auto deadline = loop::Deadline::after(
        loop_->now(), std::chrono::milliseconds(settings_.connect_timeout_ms));
    // By value: the helper thread must not look into a lane.
    auto start = [settings = settings_.connect] { return Connection::start(settings); };
    auto started = co_await loop::run_blocking(*blocking_, *loop_, std::move(start));
    if (!started || *started == nullptr) {
        log_failure("pg_connect_failed", "no helper thread or memory for it");
        co_return false;
    }
    std::unique_ptr<Connection> connection = std::move(*started);
    while (!finishing_) {
        const Connection::ConnectStep step = connection->connect_step();
        if (step == Connection::ConnectStep::established) break;
        if (step == Connection::ConnectStep::failed) {
            log_failure("pg_connect_failed", connection->failure());
            co_return false;
        }
        const uint32_t mask = step == Connection::ConnectStep::wants_read ? POLLIN : POLLOUT;
        const auto polled = co_await loop::poll_fd(*scope_, connection->fd(), mask, deadline);
        if (!polled) {
            log_failure("pg_connect_failed", loop::to_string(polled.error().code));
            co_return false;
        }
    }
    if (finishing_) co_return false;
    if (!connection->enter_pipeline()) {
        log_failure("pg_connection_refused", connection->failure());
        co_return false;
    }
    pipeline_ = std::make_unique<Pipeline>(std::move(connection), settings_.pipeline, stats_);
    co_return true;
}

loop::Task<void> Lane::serve() {
    if (++connection_number_ > 1) ++stats_->reconnects;
    ++stats_->connected;
    connected_at_ = last_byte_ = loop_->now();
    output_pending_ = false;
    std::array<std::byte, 1> random{};
    loop_->entropy().fill(random);
    // 100 to 110 % of the configured age, so that lanes do not retire together.
    recycle_after_ =
        std::chrono::milliseconds(uint64_t{settings_.recycle_after_s} *
                                  (1000 + 100 * std::to_integer<uint64_t>(random[0]) / 255));
    arm_poll();
    host_->lane_has_room(*this);
    while (state_ == State::ready || (state_ == State::draining && load() != 0)) {
        const bool notified = co_await event_.wait_until(loop::Deadline::never());
        FLUX_CHECK(notified);
        if (finishing_) drain();
    }
    --stats_->connected;
}

bool Lane::was_healthy() const {
    return state_ != State::broken || pipeline_->segments() != 0 ||
           loop_->now() - connected_at_ >= healthy_age;
}

loop::Task<void> Lane::disconnect() {
    silence_timer_.stop();
    cancel_timer_.stop();
    flush_ready_.unlink();
    has_let_go_ = false;
    poll_.close();
    while (!has_let_go_) {
        const bool notified = co_await event_.wait_until(loop::Deadline::never());
        FLUX_CHECK(notified);
    }
}

void Lane::finish() {
    finishing_ = true;
    event_.notify();
}

void Lane::break_now() {
    if (is_serving()) break_lane("closed");
}

void Lane::drain() {
    if (state_ != State::ready) return;
    state_ = State::draining;
    event_.notify();
}

void Lane::break_lane(const char* why) {
    loop::log::warn("pg_connection_lost",
                    {{"role", to_string(settings_.role)}, {"reason", why}, {"in_flight", load()}});
    state_ = State::broken;
    pipeline_->lose_all();
    event_.notify();
    cancel_event_.notify();
}

void Lane::log_failure(std::string_view event, std::string_view reason) const {
    // The role's back-off counts; as loop::FailureCount tells.
    const uint32_t failures = host_->failures(*this) + 1;
    if (!std::has_single_bit(failures)) return;
    loop::log::warn(
        event, {{"role", to_string(settings_.role)}, {"reason", reason}, {"failures", failures}});
}

// ---- serving

bool Lane::can_take(loop::Instant now) const {
    if (state_ != State::ready || output_pending_ || cancelling_ == connection_number_)
        return false;
    const uint32_t in_flight = pipeline_->in_flight();
    if (in_flight == 0) return true;
    if (in_flight >= settings_.pipeline.depth_max) return false;
    const bool is_shared_fast = settings_.lane_class == LaneClass::fast;
    return !is_shared_fast || now - pipeline_->oldest_sent_at() < feed_age_max;
}

void Lane::submit(Call& call) {
    FLUX_CHECK(can_take(loop_->now()));
    const bool was_empty = load() == 0;
    call.lane = this;
    if (!pipeline_->submit(call, loop_->now())) {
        call.end(Call::End::lost_unsent);
        break_lane("send");
        return;
    }
    if (was_empty) last_byte_ = loop_->now();
    if (!silence_timer_.is_running()) check_silence();
    loop_->post_turn_end(flush_ready_);
}

void Lane::flush_at_turn_end() {
    if (!is_serving()) return;
    // A broken socket shows up in the poll as well, together with what the server said last.
    output_pending_ = pipeline_->flush() == Connection::Flush::pending;
    if (output_pending_) arm_poll();
}

void Lane::arm_poll() {
    const int fd = pipeline_->connection().fd();
    if (fd < 0) return break_lane("socket");
    poll_.arm(fd, output_pending_ ? uint32_t{POLLIN | POLLOUT} : uint32_t{POLLIN});
}

void Lane::poll_ready(uint32_t) {
    if (!is_serving()) return;
    last_byte_ = loop_->now();
    if (!pipeline_->receive(loop_->now(), *this)) return break_lane("receive");
    if (output_pending_) output_pending_ = pipeline_->flush() == Connection::Flush::pending;
    arm_poll();
    cancel_abandoned();
    if (pipeline_->abandoned() == 0 && cancelling_ == connection_number_) cancel_event_.notify();
    if (is_worn_out()) drain();
    if (state_ == State::draining && load() == 0) event_.notify();
    if (state_ == State::ready) host_->lane_has_room(*this);
}

void Lane::poll_quiet() {
    has_let_go_ = true;
    event_.notify();
}

bool Lane::is_worn_out() const {
    return pipeline_->is_bloated() || pipeline_->segments() >= settings_.recycle_after_segments ||
           loop_->now() - connected_at_ >= recycle_after_;
}

void Lane::call_answered(Call& call, loop::Duration took) {
    if (call.failed) {
        const std::string_view state = call.error.state();
        // Our idea of what is prepared there is wrong, or the server is not the primary any more.
        const bool is_stale = state == "42P05" || (state == "26000" && !call.parse_was_lost) ||
                              (state == "0A000" && call.used_prepared);
        if (is_stale || state == "25006") drain();
    }
    host_->call_ran(call, took);
    call.end(Call::End::answered);
}

// Restarts itself while something is in flight.
void Lane::check_silence() {
    if (!is_serving() || load() == 0) return;
    const auto timeout = std::chrono::milliseconds(
        std::max(settings_.pipeline.statement_timeout_ms, pipeline_->oldest_timeout_ms()));
    const loop::Instant due = last_byte_ + timeout + silence_slack;
    if (loop_->now() >= due) return break_lane("silent");
    loop_->timers().start(silence_timer_, due);
}

// ---- cancelling

void Lane::give_up(Call& call) {
    FLUX_CHECK(call.lane == this);
    pipeline_->abandon(call);
    cancel_abandoned();
}

// A cancel hits whatever the backend runs when it arrives. So it is sent only while nothing in
// flight is wanted by anybody, and from here on nothing is submitted until it has done its work.
void Lane::cancel_abandoned() {
    if (cancelling_ == connection_number_ || !pipeline_->is_all_abandoned()) return;
    cancelling_ = connection_number_;
    scope_->spawn("pg_cancel", cancel_running(connection_number_));
}

// Its task goes on and waits; the lane has another connection by then.
void Lane::cancel_is_overdue() {
    loop::log::warn("pg_cancel_hangs", {{"role", to_string(settings_.role)}});
    drain();
}

bool Lane::needs_cancel(uint64_t connection_number) const {
    return connection_number == connection_number_ && is_serving() && pipeline_->abandoned() != 0;
}

// Why the next segment can not be hit: send() returns when PostgreSQL has closed the cancel's
// connection, which it does after it has signalled the backend. So the signal is there before the
// backend reads any byte that is sent from then on, and a backend forgets a cancel that finds it
// reading a command.
//
// For the same reason one cancel may not be enough: it is lost when it comes between two messages
// of a segment, or before the first.
loop::Task<void> Lane::cancel_running(uint64_t connection_number) {
    loop::Duration pause = cancel_after;
    uint32_t abandoned = pipeline_->abandoned();
    while (needs_cancel(connection_number)) {
        const auto due = loop::Deadline::after(loop_->now(), pause);
        const bool notified = co_await cancel_event_.wait_until(due);
        if (notified || !needs_cancel(connection_number)) continue;
        std::unique_ptr<Connection::CancelHandle> handle = pipeline_->connection().cancel_handle();
        Connection::CancelHandle* borrowed = handle.get();
        auto send = [borrowed] { borrowed->send(); };
        loop_->timers().start(cancel_timer_, loop_->now() + cancel_time_max);
        const auto sent = co_await loop::run_blocking(*blocking_, *loop_, std::move(send));
        loop::ignore(sent, "after a full queue it is tried again");
        if (sent) ++stats_->cancels;
        if (connection_number == connection_number_) cancel_timer_.stop();
        if (!needs_cancel(connection_number)) continue;
        const uint32_t left = pipeline_->abandoned();
        pause = left < abandoned ? cancel_after : std::min(2 * pause, cancel_pause_max);
        abandoned = left;
    }
    if (cancelling_ == connection_number) cancelling_ = 0;
    if (state_ == State::ready && connection_number == connection_number_)
        host_->lane_has_room(*this);
}

}  // namespace fluxgate::pg
