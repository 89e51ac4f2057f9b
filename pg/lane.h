// One connection's life: wait until it may, connect, serve segments, break or retire, connect
// again. run() is that sequence; serving is callbacks (a poll, a flush at the end of the turn, a
// watchdog).
//
// A lane belongs to one database role and one class for life. It takes calls from pg/pool and never
// asks for one itself: LaneHost::lane_has_room() tells the pool when there is room.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "loop/bound.h"
#include "loop/loop.h"
#include "loop/poll.h"
#include "loop/scope.h"
#include "loop/task.h"
#include "pg/call.h"
#include "pg/connection.h"
#include "pg/event.h"
#include "pg/pipeline.h"
#include "pg/pool.h"

namespace fluxgate::pg {

class LaneHost {
public:
    // Nothing: connect now. Otherwise wait, until then or until wake(), and ask again.
    [[nodiscard]] virtual std::optional<loop::Deadline> may_connect(Lane& lane) = 0;
    virtual void connect_ended(Lane& lane, bool connected) = 0;
    // A connection that served has ended; not healthy: it counts as a failed attempt.
    virtual void connection_ended(Lane& lane, bool was_healthy) = 0;
    // Failed attempts of the lane's role since a connection was good for something.
    [[nodiscard]] virtual uint32_t failures(const Lane& lane) const = 0;
    virtual void lane_has_room(Lane& lane) = 0;
    // The call ran on the server; it ends after this returns.
    virtual void call_ran(const Call& call, loop::Duration took) = 0;

protected:
    ~LaneHost() = default;
};

class Lane final : private loop::PollOp::Sink, private Pipeline::Sink {
public:
    // An oldest segment older than this means that something slow is in front: do not queue behind
    // it.
    static constexpr loop::Duration feed_age_max = std::chrono::milliseconds(5);
    // No byte for statement_timeout and this much more: the connection is dead, whatever TCP says.
    static constexpr loop::Duration silence_slack = std::chrono::seconds(5);
    // A connection that dies younger than this counts as a failed attempt, so that a server which
    // accepts and drops us is not hammered.
    static constexpr loop::Duration healthy_age = std::chrono::seconds(1);

    // An abandoned statement gets this long to end by itself: most do, and a cancel costs
    // PostgreSQL a process.
    static constexpr loop::Duration cancel_after = std::chrono::milliseconds(5);
    // The longest pause before a cancel that did not help is sent again.
    static constexpr loop::Duration cancel_pause_max = std::chrono::seconds(1);
    // A cancel that takes longer may be anywhere: the connection that it is for is not used again.
    static constexpr loop::Duration cancel_time_max = std::chrono::seconds(2);

    struct Settings {
        Role role = Role::anon;
        LaneClass lane_class = LaneClass::fast;
        ConnectSettings connect;
        Pipeline::Settings pipeline;
        uint32_t connect_timeout_ms = 5'000;
        uint32_t recycle_after_s = 3'600;
        uint64_t recycle_after_segments = 1'000'000;
    };
    // All outlive it; `scope` runs its tasks.
    Lane(loop::Loop* loop, loop::BlockingPool* blocking, loop::Scope* scope, LaneHost* host,
         const Settings& settings, PoolStats* stats);
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    // Until finish() was called and everything has ended.
    [[nodiscard]] loop::Task<void> run();
    // Ask again whether it may connect.
    void wake() { event_.notify(); }
    // Takes no more calls; ends when those in flight have been answered.
    void finish();
    // What is in flight is lost, now.
    void break_now();

    [[nodiscard]] bool is_connected() const { return state_ == State::ready; }
    [[nodiscard]] bool can_take(loop::Instant now) const;
    [[nodiscard]] uint32_t load() const { return pipeline_ ? pipeline_->in_flight() : 0; }
    // Needs can_take(). The call may have ended (lost) when this returns.
    void submit(Call& call);
    // Nobody waits for the call's result any more. It is cancelled in PostgreSQL as soon as no
    // other call on its connection could be hit.
    void give_up(Call& call);

    [[nodiscard]] Role role() const { return settings_.role; }
    [[nodiscard]] LaneClass lane_class() const { return settings_.lane_class; }

private:
    enum class State : uint8_t { closed, connecting, ready, draining, broken };

    [[nodiscard]] loop::Task<bool> connect();
    [[nodiscard]] loop::Task<void> serve();
    [[nodiscard]] loop::Task<void> disconnect();
    void cancel_abandoned();
    void cancel_is_overdue();
    [[nodiscard]] loop::Task<void> cancel_running(uint64_t connection_number);
    [[nodiscard]] bool needs_cancel(uint64_t connection_number) const;

    void poll_ready(uint32_t events) override;
    void poll_quiet() override;
    void call_answered(Call& call, loop::Duration took) override;
    void flush_at_turn_end();
    void check_silence();
    [[nodiscard]] bool is_serving() const {
        return state_ == State::ready || state_ == State::draining;
    }
    void arm_poll();
    void drain();
    void break_lane(const char* why);
    [[nodiscard]] bool is_worn_out() const;
    [[nodiscard]] bool was_healthy() const;
    void log_failure(std::string_view event, std::string_view reason) const;

    loop::Loop* loop_;
    loop::BlockingPool* blocking_;
    loop::Scope* scope_;
    LaneHost* host_;
    Settings settings_;
    PoolStats* stats_;
    State state_ = State::closed;
    bool finishing_ = false;
    bool has_let_go_ = false;      // the kernel does not poll our socket
    bool output_pending_ = false;  // the socket is full; nothing more is sent until it drains
    Event event_;
    loop::Instant connected_at_{};
    loop::Instant last_byte_{};
    loop::Duration recycle_after_{};  // of this connection, with jitter
    uint64_t connection_number_ = 0;
    // The connection that takes no call, because what runs on it is being cancelled; 0: none.
    uint64_t cancelling_ = 0;
    Event cancel_event_;  // nothing is left to cancel
    std::unique_ptr<Pipeline> pipeline_;
    loop::PollOp poll_;
    loop::Bound<loop::Ready, &Lane::flush_at_turn_end> flush_ready_{this};
    loop::Bound<loop::Timer, &Lane::check_silence> silence_timer_{this};
    loop::Bound<loop::Timer, &Lane::cancel_is_overdue> cancel_timer_{this};
};

}  // namespace fluxgate::pg
