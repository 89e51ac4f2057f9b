// What a Pool is made of: for each role and class a group of lanes and the calls that wait for one.
//
// Sync core of pg/pool.cc: nothing in here suspends, except the lanes' own tasks.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "loop/bound.h"
#include "loop/intrusive_list.h"
#include "pg/backoff.h"
#include "pg/call.h"
#include "pg/lane.h"
#include "pg/pool.h"
#include "pg/shape_table.h"

namespace fluxgate::pg {

// How often one execute() may run its segment again, by cause; each only where nothing can have
// taken effect, or where it only reads.
struct Retries {
    uint32_t lost = 1;           // the connection died
    uint32_t stale = 2;          // the prepared statement was not what we thought
    uint32_t serialization = 2;  // 40001, 40P01; reads only
};

struct Pool::State final : LaneHost, CallKeeper {
    // A call in flight is given up this long after its deadline: PostgreSQL's own timeout, which
    // ends at the deadline, has the better answer.
    static constexpr loop::Duration expiry_grace = std::chrono::milliseconds(250);

    struct Group {
        std::vector<std::unique_ptr<Lane>> lanes;
        loop::IntrusiveList<Call, CallQueueTag> queue;  // oldest first
    };

    // One role's way back to PostgreSQL, shared by its lanes: an attempt that fails late costs both
    // sides a password check.
    struct Return {
        explicit Return(const Options& options)
            : backoff(options.backoff_first_ms, options.backoff_max_ms) {}

        Backoff backoff;          // until a connection was good for something
        bool is_failing = false;  // the last attempt to end failed
        loop::Instant next_attempt{};
        uint32_t attempts = 0;  // that run now; while it fails, one at a time
    };

    State(loop::Loop* loop, loop::BlockingPool* blocking, const Options& options,
          const SegmentPolicy& policy);
    ~State();

    // Sends, queues or refuses the call.
    void dispatch(Call& call);
    // After an attempt has ended: true if the call should be dispatched again.
    [[nodiscard]] bool wants_retry(Call& call, Retries& retries);
    [[nodiscard]] LaneClass class_of(const Query& query, uint64_t key) const;

    void open(Role role);
    void start_closing();
    void break_all();
    [[nodiscard]] bool is_configured(Role role) const;
    [[nodiscard]] int retry_after_s() const;

    std::optional<loop::Deadline> may_connect(Lane& lane) override;
    void connect_ended(Lane& lane, bool connected) override;
    void connection_ended(Lane& lane, bool was_healthy) override;
    [[nodiscard]] uint32_t failures(const Lane& lane) const override;
    void lane_has_room(Lane& lane) override;
    void call_ran(const Call& call, loop::Duration took) override;
    void call_expired(Call& call) override;
    void call_cancelled(Call& call) override;

    Return& return_of(const Lane& lane) { return returns[static_cast<size_t>(lane.role())]; }
    Group& group_of(Role role, LaneClass lane_class) {
        return groups[static_cast<size_t>(role)][static_cast<size_t>(lane_class)];
    }
    template <class Visit>
    void for_each_lane(Visit visit) const {
        for (const auto& classes : groups)
            for (const Group& group : classes)
                for (const auto& lane : group.lanes)
                    visit(*lane);
    }

    loop::Loop* loop;
    loop::BlockingPool* blocking;
    Options options;
    SegmentPolicy policy;
    loop::Scope scope;  // the lanes' tasks
    PoolStats stats;
    ShapeTable shapes;
    std::array<std::array<Group, lane_class_count>, role_count> groups;
    std::array<Return, role_count> returns;
    bool closing = false;
    loop::Bound<loop::Timer, &State::break_all> closing_timer{this};

private:
    void add_lanes(Role role, LaneClass lane_class, uint32_t count);
    [[nodiscard]] Lane::Settings settings_of(Role role, LaneClass lane_class) const;
    void substitute_class(Call& call);
    void enqueue(Call& call, Group& group);
    void send(Call& call, Lane& lane);
    void take_from_queue(Call& call);
    void refuse_queue(Group& group, ErrorKind kind, int retry_after_s);
    [[nodiscard]] bool is_down(Role role, LaneClass lane_class);
    void connect_failed(Lane& lane);
};

}  // namespace fluxgate::pg
