#include "pg/pool_state.h"

#include <algorithm>
#include <limits>

namespace fluxgate::pg {

Pool::State::State(loop::Loop* loop_of_core, loop::BlockingPool* blocking_pool,
                   const Options& pool_options, const SegmentPolicy& segment_policy)
    : loop(loop_of_core),
      blocking(blocking_pool),
      options(pool_options),
      policy(segment_policy),
      scope(loop_of_core),
      returns{Return(options), Return(options), Return(options), Return(options)} {
}

Pool::State::~State() {
    FLUX_CHECK_OP(stats.queued, ==, 0u);
}

// ---- lanes

bool Pool::State::is_configured(Role role) const {
    switch (role) {
        case Role::anon:
        case Role::authenticated:
            return !options.user_login.user.empty();
        case Role::service_role:
            return !options.service_login.user.empty();
        case Role::gateway:
            return !options.auth_login.user.empty();
    }
    return false;
}

void Pool::State::open(Role role) {
    if (closing || !is_configured(role) || !group_of(role, LaneClass::fast).lanes.empty()) return;
    const bool is_gateway = role == Role::gateway;
    add_lanes(role, LaneClass::fast, is_gateway ? 1 : options.fast_lanes);
    add_lanes(role, LaneClass::slow, is_gateway ? 1 : options.slow_lanes);
    add_lanes(role, LaneClass::write, is_gateway ? 1 : options.write_lanes);
}

void Pool::State::add_lanes(Role role, LaneClass lane_class, uint32_t count) {
    const Lane::Settings settings = settings_of(role, lane_class);
    Group& group = group_of(role, lane_class);
    for (uint32_t at = 0; at < std::max(count, 1u); ++at) {
        group.lanes.push_back(
            std::make_unique<Lane>(loop, blocking, &scope, this, settings, &stats));
        scope.spawn("pg_lane", group.lanes.back()->run());
    }
}

Lane::Settings Pool::State::settings_of(Role role, LaneClass lane_class) const {
    const Login& login = role == Role::gateway        ? options.auth_login
                         : role == Role::service_role ? options.service_login
                                                      : options.user_login;
    const bool is_fast = lane_class == LaneClass::fast;
    Lane::Settings settings;
    settings.role = role;
    settings.lane_class = lane_class;
    settings.connect_timeout_ms = options.connect_timeout_ms;
    settings.recycle_after_s = options.recycle_after_s;
    settings.recycle_after_segments = options.recycle_after_segments;

    ConnectSettings& connect = settings.connect;
    connect.host = options.host;
    connect.port = options.port;
    connect.database = options.database;
    connect.ssl_mode = options.ssl_mode;
    connect.user = login.user;
    connect.password = login.password;
    if (role != Role::gateway) connect.role = to_string(role);
    connect.statement_timeout_ms = is_fast ? options.fast_timeout_ms : options.statement_timeout_ms;
    connect.startup_options = !options.pooler;

    Pipeline::Settings& pipeline = settings.pipeline;
    pipeline.role = role;
    pipeline.pooler = options.pooler;
    pipeline.timeout_is_cap = is_fast;
    pipeline.statement_timeout_ms = connect.statement_timeout_ms;
    pipeline.statements_max = options.statements_max;
    pipeline.policy = policy;
    switch (lane_class) {
        case LaneClass::fast:
            connect.application_name = "fluxgate fast";
            pipeline.depth_max = options.fast_depth_max;
            break;
        case LaneClass::slow:
            connect.application_name = "fluxgate slow";
            pipeline.depth_max = 1;
            break;
        case LaneClass::write:
            connect.application_name = "fluxgate write";
            pipeline.depth_max = options.write_depth_max;
            break;
    }
    return settings;
}

std::optional<loop::Deadline> Pool::State::may_connect(Lane& lane) {
    Return& back = return_of(lane);
    if (back.is_failing && loop->now() < back.next_attempt)
        return loop::Deadline(back.next_attempt);
    // connect_ended() wakes those who wait.
    if (back.is_failing && back.attempts != 0) return loop::Deadline::never();
    if (stats.connecting >= options.connecting_max) return loop::Deadline::never();
    ++back.attempts;
    return std::nullopt;
}

void Pool::State::connect_ended(Lane& lane, bool connected) {
    --return_of(lane).attempts;
    if (connected) {
        return_of(lane).is_failing = false;
        // The server is there: the other roles need not wait for the end of their back-off.
        for (Return& back : returns)
            back.next_attempt = loop->now();
    } else {
        connect_failed(lane);
    }
    for_each_lane([](Lane& other) { other.wake(); });
}

void Pool::State::connection_ended(Lane& lane, bool was_healthy) {
    if (!was_healthy) return connect_failed(lane);
    // After a connection that was good for something the next attempt is due at once.
    return_of(lane).backoff.reset();
    return_of(lane).next_attempt = loop->now();
}

void Pool::State::connect_failed(Lane& lane) {
    Return& back = return_of(lane);
    back.is_failing = true;
    back.next_attempt = loop->now() + back.backoff.next(loop->entropy());
    for (LaneClass lane_class : {LaneClass::fast, LaneClass::slow, LaneClass::write}) {
        Group& group = group_of(lane.role(), lane_class);
        if (!is_down(lane.role(), lane_class)) continue;
        // Each finds a substitute or is refused; none comes back to this queue, because it is down.
        while (!group.queue.empty()) {
            Call& call = group.queue.front();
            take_from_queue(call);
            dispatch(call);
        }
    }
}

uint32_t Pool::State::failures(const Lane& lane) const {
    return returns[static_cast<size_t>(lane.role())].backoff.failures();
}

bool Pool::State::is_down(Role role, LaneClass lane_class) {
    if (!returns[static_cast<size_t>(role)].is_failing) return false;
    return std::ranges::none_of(group_of(role, lane_class).lanes,
                                [](const auto& lane) { return lane->is_connected(); });
}

int Pool::State::retry_after_s() const {
    loop::Duration wait = loop::Duration::max();
    for (const Return& back : returns) {
        if (back.is_failing) wait = std::min(wait, back.next_attempt - loop->now());
    }
    if (wait == loop::Duration::max()) return 1;
    const auto rounded = std::chrono::ceil<std::chrono::seconds>(wait).count();
    return static_cast<int>(std::max<int64_t>(rounded, 1));
}

void Pool::State::start_closing() {
    closing = true;
    for (auto& classes : groups)
        for (Group& group : classes)
            refuse_queue(group, ErrorKind::unavailable, 1);
    for_each_lane([](Lane& lane) { lane.finish(); });
    scope.cancel();  // what connects gives up; what serves drains
}

void Pool::State::break_all() {
    for_each_lane([](Lane& lane) { lane.break_now(); });
}

// ---- calls

LaneClass Pool::State::class_of(const Query& query, uint64_t key) const {
    if (query.access == Access::write) return LaneClass::write;
    if (query.pace == Pace::slow || shapes.is_slow(key)) return LaneClass::slow;
    return LaneClass::fast;
}

void Pool::State::dispatch(Call& call) {
    if (closing || !is_configured(call.identity.role))
        return call.refuse(ErrorKind::unavailable, 1);
    if (call.deadline.passed(loop->now())) return call.refuse(ErrorKind::timeout);
    open(call.identity.role);
    if (is_down(call.identity.role, call.lane_class)) substitute_class(call);
    Group& group = group_of(call.identity.role, call.lane_class);
    // Before the queue: connect_failed() empties it by dispatching, so nothing may come back to it.
    if (is_down(call.identity.role, call.lane_class))
        return call.refuse(ErrorKind::unavailable, retry_after_s());
    if (!group.queue.empty()) return enqueue(call, group);
    Lane* best = nullptr;
    for (const auto& lane : group.lanes) {
        if (!lane->can_take(loop->now())) continue;
        if (best == nullptr || lane->load() < best->load()) best = lane.get();
    }
    if (best != nullptr) return send(call, *best);
    enqueue(call, group);
}

// Where connections are scarce some classes have none: then calls share what there is. Never a fast
// lane, whose timeout is too short for anything but fast calls.
void Pool::State::substitute_class(Call& call) {
    for (LaneClass other : {LaneClass::slow, LaneClass::write}) {
        const auto& lanes = group_of(call.identity.role, other).lanes;
        const bool is_there =
            std::ranges::any_of(lanes, [](const auto& lane) { return lane->is_connected(); });
        if (is_there) call.lane_class = other;
        if (is_there) return;
    }
}

void Pool::State::enqueue(Call& call, Group& group) {
    if (stats.queued >= options.queue_max) return call.refuse(ErrorKind::busy, 1);
    ++stats.queued;
    call.state = Call::State::queued;
    group.queue.push_back(call);
    const auto wait = std::chrono::milliseconds(options.queue_wait_max_ms);
    call.expire_at(loop::Deadline::after(loop->now(), wait).earlier(call.deadline).at());
}

void Pool::State::take_from_queue(Call& call) {
    FLUX_CHECK(call.state == Call::State::queued);
    call.unlink();
    --stats.queued;
}

void Pool::State::send(Call& call, Lane& lane) {
    if (call.deadline.is_never())
        call.stop_timer();
    else
        call.expire_at(call.deadline.at() + expiry_grace);
    lane.submit(call);
}

void Pool::State::lane_has_room(Lane& lane) {
    Group& group = group_of(lane.role(), lane.lane_class());
    while (!group.queue.empty() && lane.can_take(loop->now())) {
        Call& call = group.queue.front();
        take_from_queue(call);
        send(call, lane);
    }
}

void Pool::State::refuse_queue(Group& group, ErrorKind kind, int retry_after) {
    while (!group.queue.empty()) {
        Call& call = group.queue.front();
        take_from_queue(call);
        call.refuse(kind, retry_after);
    }
}

void Pool::State::call_ran(const Call& call, loop::Duration took) {
    if (call.query.access == Access::write || call.query.pace == Pace::slow) return;
    shapes.ran(call.key, took, loop->now());
}

void Pool::State::call_expired(Call& call) {
    const bool is_past_deadline = call.deadline.passed(loop->now());
    if (call.state == Call::State::queued) {
        take_from_queue(call);
        if (is_past_deadline) return call.refuse(ErrorKind::timeout);
        return call.refuse(ErrorKind::busy, 1);
    }
    call.lane->give_up(call);
    const bool is_write = call.query.access == Access::write;
    if (is_write) ++stats.outcome_unknown;
    call.refuse(is_write ? ErrorKind::outcome_unknown : ErrorKind::timeout);
}

void Pool::State::call_cancelled(Call& call) {
    if (call.state == Call::State::queued) take_from_queue(call);
    if (call.state == Call::State::in_flight) call.lane->give_up(call);
    call.refuse(ErrorKind::cancelled);
}

bool Pool::State::wants_retry(Call& call, Retries& retries) {
    const bool is_read = call.query.access == Access::read;
    auto spend = [&](uint32_t& left) {
        if (left == 0) return false;
        --left;
        ++stats.retries;
        return true;
    };
    switch (call.how) {
        case Call::End::refused:
            return false;
        case Call::End::lost_sent:
            call.failed = true;
            call.error = Error();
            if (is_read && spend(retries.lost)) return true;
            call.error.kind = is_read ? ErrorKind::unavailable : ErrorKind::outcome_unknown;
            call.error.retry_after_s = is_read ? retry_after_s() : 0;
            if (!is_read) ++stats.outcome_unknown;
            return false;
        case Call::End::lost_unsent:
            if (spend(retries.lost)) return true;
            call.failed = true;
            call.error = Error();
            call.error.kind = ErrorKind::unavailable;
            call.error.retry_after_s = retry_after_s();
            return false;
        case Call::End::answered:
            break;
    }
    if (!call.failed) return false;
    const std::string_view state = call.error.state();
    // The segment was rolled back, so a write may run again as well.
    const bool is_stale = call.parse_was_lost || state == "26000" || state == "42P05" ||
                          (state == "0A000" && call.used_prepared);
    if (is_stale && spend(retries.stale)) {
        call.fresh_parse = true;
        return true;
    }
    if (is_read && call.error.kind == ErrorKind::serialization && spend(retries.serialization))
        return true;
    const bool was_cut_short = call.timeout_ms < call.query.statement_timeout_ms;
    if (is_read && call.lane_class == LaneClass::fast && call.error.kind == ErrorKind::timeout &&
        was_cut_short && !call.deadline.passed(loop->now())) {
        shapes.timed_out(call.key, loop->now());
        call.lane_class = LaneClass::slow;
        ++stats.moved_to_slow;
        return true;
    }
    const bool comes_back =
        call.error.kind == ErrorKind::unavailable || call.error.kind == ErrorKind::read_only;
    if (comes_back) call.error.retry_after_s = retry_after_s();
    return false;
}

}  // namespace fluxgate::pg
