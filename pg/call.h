// One execute() from the moment it asks for a lane until its end: what pg/pool queues, pg/lane
// sends and pg/pipeline answers. Lives in the frame of execute().
//
// Ends exactly once per attempt, through end(); the waiting task resumes from the loop's ready
// list.
#pragma once

#include <coroutine>
#include <cstdint>
#include <utility>

#include "loop/bound.h"
#include "loop/intrusive_list.h"
#include "loop/loop.h"
#include "loop/scope.h"
#include "loop/timer_wheel.h"
#include "pg/error.h"
#include "pg/query.h"
#include "pg/result.h"

namespace fluxgate::pg {

class Call;
class Lane;

enum class LaneClass : uint8_t { fast, slow, write };
inline constexpr size_t lane_class_count = 3;

// Gives up a call that its caller does not want any more, or whose deadline has passed.
class CallKeeper {
public:
    virtual void call_expired(Call& call) = 0;
    virtual void call_cancelled(Call& call) = 0;

protected:
    ~CallKeeper() = default;
};

struct CallQueueTag;

class Call : public loop::ListNode<CallQueueTag> {
public:
    enum class State : uint8_t { idle, queued, in_flight, ended };
    // How the attempt went; `result` or `error` is set where it says so.
    enum class End : uint8_t {
        answered,     // the Sync was seen: `result`, or `error` if `failed`
        refused,      // we gave up before or without the server's answer: `error`
        lost_unsent,  // the connection died, and nothing of the segment can take effect
        lost_sent,    // the connection died with the Sync on its way
    };

    Call(loop::Loop* loop, CallKeeper* keeper, const Identity& identity, const Query& query)
        : identity(identity), query(query), loop_(loop), keeper_(keeper) {}

    // ---- the request; views of the caller's memory ----
    Identity identity;
    Query query;
    uint64_t key = 0;  // hash_of(the statement)
    LaneClass lane_class = LaneClass::fast;
    bool fresh_parse = false;  // do not use a statement that is prepared already
    loop::Deadline deadline;   // the earlier of the query's and its scope's

    // ---- the attempt ----
    State state = State::idle;
    Lane* lane = nullptr;         // set exactly while in flight
    bool used_prepared = false;   // its statement had been prepared by an earlier segment
    bool parse_was_lost = false;  // ... by one that failed: the server does not know the name
    uint32_t timeout_ms = 0;      // statement_timeout that held for it
    End how = End::answered;
    bool failed = false;
    Result result;
    Error error;

    void end(End with) {
        FLUX_CHECK(state != State::ended);
        unlink();
        timer_.stop();
        state = State::ended;
        how = with;
        lane = nullptr;
        if (waiter_) loop_->post(ready_);
    }
    void refuse(ErrorKind kind, int retry_after_s = 0) {
        error = Error();
        error.kind = kind;
        error.retry_after_s = retry_after_s;
        failed = true;
        end(End::refused);
    }
    // Ready for another attempt.
    void rewind() {
        state = State::idle;
        failed = false;
        used_prepared = false;
        parse_was_lost = false;
        result = Result();
        error = Error();
    }
    // call_expired() comes at `at`, unless the call ends before.
    void expire_at(loop::Instant at) { loop_->timers().start(timer_, at); }
    void stop_timer() { timer_.stop(); }

    struct Awaiter {
        Call& call;
        loop::Scope& scope;
        [[nodiscard]] bool await_ready() const noexcept { return call.state == State::ended; }
        void await_suspend(std::coroutine_handle<> waiter) {
            call.waiter_ = waiter;
            scope.add_hook(call.hook_);
        }
        void await_resume() const { call.hook_.unlink(); }
    };
    [[nodiscard]] Awaiter wait(loop::Scope& scope) { return Awaiter{*this, scope}; }

private:
    void resume() { std::exchange(waiter_, nullptr).resume(); }
    void expire() { keeper_->call_expired(*this); }
    void cancel() {
        if (state != State::ended) keeper_->call_cancelled(*this);
    }

    loop::Loop* loop_;
    CallKeeper* keeper_;
    std::coroutine_handle<> waiter_;  // set exactly while the task waits
    loop::Bound<loop::Ready, &Call::resume> ready_{this};
    loop::Bound<loop::Timer, &Call::expire> timer_{this};
    loop::Bound<loop::CancelHook, &Call::cancel> hook_{this};
};

}  // namespace fluxgate::pg
