// The segments in flight on one connection. A call is one segment:
//
//   [identity: set_config(request.jwt.claims …, local)] [the statement] [Sync]
//
// = one implicit transaction, one round trip. There is exactly one Sync a call, appended by the one
// function that builds a segment, so an error can not touch a neighbour, and an identity can not
// outlive its segment. Never BEGIN, never SET. A call is answered when its Sync has come back, not
// before: until then a deferred constraint can still undo it.
//
// Knows no loop: pg/lane says when bytes may be there, and what the time is. A reply that does not
// fit the expected order makes the connection broken; nothing is guessed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "loop/clock.h"
#include "pg/call.h"
#include "pg/connection.h"
#include "pg/pool.h"
#include "pg/statement_cache.h"

namespace fluxgate::pg {

// How segments are built. The defaults are the only right values; the isolation test gives others,
// to see that its oracle would notice (tests/pg/isolation_test.cc).
struct SegmentPolicy {
    bool sync = true;
    bool begin = false;
    bool role_in_session = false;
};

class Pipeline {
public:
    struct Settings {
        Role role = Role::anon;
        bool pooler = false;          // role and formats go into the identity step
        bool timeout_is_cap = false;  // fast lane: a call's own timeout can only shorten it
        uint32_t statement_timeout_ms = 30'000;  // of the connection
        uint32_t depth_max = 1;
        size_t statements_max = 256;
        SegmentPolicy policy;
    };
    class Sink {
    public:
        // The Sync of `call` was seen and its outcome is filled in; call.end(answered) is for the
        // sink. `took`: since it was sent, or since the one before it had ended.
        virtual void call_answered(Call& call, loop::Duration took) = 0;

    protected:
        ~Sink() = default;
    };

    Pipeline(std::unique_ptr<Connection> connection, const Settings& settings, PoolStats* stats);
    ~Pipeline();

    // Appends the call's segment. False: the connection broke before its Sync was appended, so
    // nothing of it can take effect; the call has not ended.
    [[nodiscard]] bool submit(Call& call, loop::Instant now);
    // After submit(), once a turn.
    [[nodiscard]] Connection::Flush flush() { return connection_->flush(); }
    // Reads and answers. False: broken; the caller loses the rest with lose_all().
    [[nodiscard]] bool receive(loop::Instant now, Sink& sink);
    // Its result will be drained and dropped.
    void abandon(Call& call);
    // How many of those are still in flight.
    [[nodiscard]] uint32_t abandoned() const { return abandoned_; }
    // No call in flight has anybody who waits for it, and at least one had.
    [[nodiscard]] bool is_all_abandoned() const;
    // Ends what is in flight as lost.
    void lose_all();

    [[nodiscard]] uint32_t in_flight() const { return flight_count_; }
    [[nodiscard]] loop::Instant oldest_sent_at() const { return flights_[first_flight_].sent_at; }
    // statement_timeout of the oldest one.
    [[nodiscard]] uint32_t oldest_timeout_ms() const { return flights_[first_flight_].timeout_ms; }
    [[nodiscard]] uint64_t segments() const { return segments_; }
    // A result was so large that libpq's buffers, which never shrink, should go with the
    // connection.
    [[nodiscard]] bool is_bloated() const { return is_bloated_; }
    [[nodiscard]] Connection& connection() { return *connection_; }

private:
    enum class Step : uint8_t { begin, parse_identity, identity, parse, execute, deallocate };
    static constexpr size_t steps_max = 5;
    struct Flight {
        Call* call = nullptr;  // null: abandoned, or DEALLOCATE
        std::array<Step, steps_max> steps{};
        uint8_t step_count = 0;
        uint8_t step_at = 0;     // whose reply comes next
        bool has_reply = false;  // that step has replied, its end has not come
        bool failed = false;
        bool sent_parse = false;
        bool sent_identity_parse = false;
        bool is_write = false;
        bool is_abandoned = false;
        Statement* statement = nullptr;
        Statement* identity = nullptr;
        uint32_t timeout_ms = 0;
        size_t result_bytes_max = 0;
        loop::Instant sent_at{};
        Result result;
        Error error;
    };
    struct IdentityForm {
        std::string sql;
        std::vector<Parameter> types;  // type_oid only
        uint64_t key = 0;
        Statement* statement =
            nullptr;  // pinned; null before its first use and after its Parse failed
    };

    [[nodiscard]] Flight& push_flight(loop::Instant now);
    [[nodiscard]] bool append_segment(Flight& flight, Call& call);
    [[nodiscard]] bool append_identity(Flight& flight, const Call& call);
    [[nodiscard]] bool append_statement(Flight& flight, Call& call);
    [[nodiscard]] bool append_parse(Flight& flight, Statement* statement, Step step);
    [[nodiscard]] bool append_sync();
    void append_deallocations(loop::Instant now);
    [[nodiscard]] uint32_t timeout_of(const Call& call, loop::Instant now) const;
    [[nodiscard]] bool take_reply(Flight& flight, Reply& reply);
    void take_success(Flight& flight, Reply& reply);
    void take_failure(Flight& flight, Reply& reply);
    [[nodiscard]] bool is_complete(const Flight& flight, Reply::Kind kind) const;
    void finish_oldest(loop::Instant now, Sink& sink);
    [[nodiscard]] bool is_runaway();
    void drop_statement(Statement* statement);

    std::unique_ptr<Connection> connection_;
    Settings settings_;
    PoolStats* stats_;
    StatementCache statements_;
    IdentityForm identity_;               // claims
    IdentityForm identity_with_timeout_;  // claims and statement_timeout
    std::vector<Flight> flights_;         // a ring
    uint32_t first_flight_ = 0;
    uint32_t flight_count_ = 0;
    uint32_t abandoned_ = 0;
    uint32_t reads_without_reply_ = 0;
    size_t bytes_without_reply_ = 0;  // of those reads, from the second on; at least
    uint64_t segments_ = 0;
    uint64_t syncs_ = 0;
    loop::Instant last_end_{};  // when the segment before the oldest one ended
    bool is_bloated_ = false;
};

}  // namespace fluxgate::pg
