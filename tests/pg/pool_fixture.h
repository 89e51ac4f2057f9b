// A pool on a real PostgreSQL: roles, logins, a table with Row Level Security, and run() to wait
// for a task.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop/blocking.h"
#include "loop/loop.h"
#include "loop/scope.h"
#include "pg/pool.h"
#include "tests/support/postgres_cluster.h"

namespace fluxgate::pg::test {

using Outcome = std::expected<Result, Error>;
using fluxgate::test::PostgresCluster;

// Roles and logins as `fluxgate bootstrap` makes them, and app.notes with 3 notes each for alice
// and bob.
void prepare_database(PostgresCluster& cluster);
[[nodiscard]] Options options_for(const PostgresCluster& cluster);

// Runs turns until `done` or a minute has passed, which fails the test.
template <class Done>
void run_until(loop::Loop& loop, Done done) {
    const loop::Instant give_up = loop.clock_now() + std::chrono::seconds(60);
    bool ran = false;
    while (!done()) {
        ran = loop.run_turn(ran ? loop::Duration::zero() : std::chrono::milliseconds(10));
        if (loop.clock_now() < give_up) continue;
        ADD_FAILURE() << "nothing happened for a minute";
        std::abort();
    }
}

// An execute() that owns its texts, so that a test can start many and look at them later.
class PendingCall {
public:
    PendingCall(loop::Loop* loop, Pool* pool) : scope(loop), pool_(pool) {}
    ~PendingCall() = default;
    PendingCall(const PendingCall&) = delete;
    PendingCall& operator=(const PendingCall&) = delete;

    PendingCall& as(Role role, std::string claims = "{}") {
        identity_.role = role;
        claims_ = std::move(claims);
        return *this;
    }
    PendingCall& sql(std::string text) {
        sql_ = std::move(text);
        return *this;
    }
    PendingCall& with(std::string value) {
        values_.push_back(std::move(value));
        return *this;
    }
    // Starts it; `outcome` is set when it has ended.
    PendingCall& start() {
        identity_.claims = claims_;
        query.sql = sql_;
        for (const std::string& value : values_) {
            Parameter parameter;
            parameter.bytes = value;
            parameters_.push_back(parameter);
        }
        query.parameters = parameters_;
        scope.spawn("test_call", run());
        return *this;
    }
    [[nodiscard]] bool ended() const { return outcome.has_value(); }
    [[nodiscard]] ErrorKind kind() const { return outcome->error().kind; }
    // "" for no rows or an error.
    [[nodiscard]] std::string first_value() const {
        if (!outcome->has_value() || outcome->value().rows() == 0) return "";
        return std::string(outcome->value().value(0, 0).value_or("NULL"));
    }

    loop::Scope scope;
    Query query;
    std::optional<Outcome> outcome;

private:
    loop::Task<void> run() {
        Outcome got = co_await pool_->execute(&scope, identity_, query);
        outcome.emplace(std::move(got));
    }

    Pool* pool_;
    Identity identity_;
    std::string claims_ = "{}";
    std::string sql_;
    std::vector<std::string> values_;
    std::vector<Parameter> parameters_;
};

// A loop and a pool on a cluster. Closes the pool at the end.
class PoolTest : public testing::Test {
protected:
    PoolTest();
    ~PoolTest() override;

    void make_pool(const Options& options);
    void close_pool();
    [[nodiscard]] std::unique_ptr<PendingCall> call() {
        return std::make_unique<PendingCall>(loop.get(), pool.get());
    }
    void wait_for(const PendingCall& pending) {
        run_until(*loop, [&] { return pending.ended(); });
    }
    // One statement from start to end.
    std::unique_ptr<PendingCall> run(Role role, const std::string& claims, const std::string& sql,
                                     Access access = Access::read, Pace pace = Pace::fast);
    [[nodiscard]] static std::string claims_of(const std::string& user);

    PostgresCluster& cluster;
    std::unique_ptr<loop::Loop> loop;
    loop::BlockingPool blocking;
    std::unique_ptr<Pool> pool;
};

}  // namespace fluxgate::pg::test
