// No tenant ever sees or changes another tenant's rows, whatever fails in between; and if segments
// were built wrong, these tests would say so.
#include <cstdio>

#include "pg/connection.h"
#include "pg/pipeline.h"
#include "tests/pg/isolation_driver.h"
#include "tests/pg/pool_fixture.h"

namespace fluxgate::pg::test {
namespace {

TEST_F(IsolationTest, NoTenantSeesAnothersRows) {
    IsolationDriver::Plan plan;
    const IsolationReport report = drive(plan, SegmentPolicy());
    expect_clean(report);
    EXPECT_GE(report.kills, 9u);
}

// ---- the oracle notices

TEST_F(IsolationTest, TheOracleNoticesAMissingSync) {
    IsolationDriver::Plan plan;
    plan.calls = 300;
    plan.calls_per_kill = 0;
    plan.workers = 16;
    plan.timeout_ms = 300;  // for the locks of what never ends
    SegmentPolicy policy;
    policy.sync = false;
    EXPECT_GT(drive(plan, policy).violations(), 0u);
}

TEST_F(IsolationTest, TheOracleNoticesABegin) {
    IsolationDriver::Plan plan;
    plan.calls = 300;
    plan.calls_per_kill = 0;
    plan.workers = 16;
    plan.timeout_ms = 300;  // for the locks of what never ends
    SegmentPolicy policy;
    policy.begin = true;
    EXPECT_GT(drive(plan, policy).violations(), 0u);
}

// ---- what a segment leaves behind

// One pipeline whose calls name their role in the segment, as behind a pooler, where the next
// segment on the connection is somebody else's; and a look at the session between them.
class SessionTest : public PoolTest, private Pipeline::Sink {
protected:
    void open(const SegmentPolicy& policy) {
        ConnectSettings settings;
        settings.host = "127.0.0.1";
        settings.port = cluster.port();
        settings.database = "postgres";
        settings.ssl_mode = "disable";
        settings.user = "fg_user";
        settings.startup_options = false;
        std::unique_ptr<Connection> connection = Connection::start(settings);
        Connection::ConnectStep step = Connection::ConnectStep::wants_write;
        run_until(*loop, [&] {
            step = connection->connect_step();
            return step == Connection::ConnectStep::established ||
                   step == Connection::ConnectStep::failed;
        });
        ASSERT_TRUE(step == Connection::ConnectStep::established && connection->enter_pipeline())
            << connection->failure();
        Pipeline::Settings pipeline_settings;
        pipeline_settings.role = Role::authenticated;
        pipeline_settings.pooler = true;
        pipeline_settings.depth_max = 8;
        pipeline_settings.policy = policy;
        pipeline_ = std::make_unique<Pipeline>(std::move(connection), pipeline_settings, &stats_);
    }
    void TearDown() override { pipeline_.reset(); }

    // Runs the statements as one batch of segments.
    void run_segments(const std::vector<std::string>& statements) {
        std::vector<std::unique_ptr<Call>> calls;
        for (const std::string& sql : statements) {
            Identity identity;
            identity.role = Role::authenticated;
            identity.claims = R"({"sub":"alice"})";
            Query query;
            query.sql = sql;
            calls.push_back(std::make_unique<Call>(loop.get(), nullptr, identity, query));
            calls.back()->key = hash_of(sql, {});
            ASSERT_TRUE(pipeline_->submit(*calls.back(), loop->now()));
        }
        (void)pipeline_->flush();
        run_until(*loop, [&] {
            is_alive_ = pipeline_->receive(loop->now(), *this);
            return !is_alive_ || pipeline_->in_flight() == 0;
        });
    }
    // Straight on the connection, in a segment of its own without an identity.
    std::string look(const char* sql) {
        Connection& connection = pipeline_->connection();
        EXPECT_TRUE(connection.send_command(sql) && connection.send_sync());
        (void)connection.flush();
        std::string value;
        run_until(*loop, [&] {
            EXPECT_TRUE(connection.consume_input());
            for (;;) {
                const Reply reply = connection.next_reply();
                if (reply.kind == Reply::Kind::nothing) return false;
                if (reply.kind == Reply::Kind::sync) return true;
                if (reply.kind == Reply::Kind::error) value = reply.error.state();
                if (reply.kind == Reply::Kind::rows && reply.result.rows() == 1)
                    value = reply.result.value(0, 0).value_or("NULL");
            }
        });
        return value;
    }

    static constexpr const char* session_state =
        "SELECT concat_ws(' ', current_user, current_setting('role'),"
        " nullif(current_setting('request.jwt.claims', true), ''),"
        " current_setting('statement_timeout'),"
        " (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'),"
        " (SELECT count(*) FROM pg_cursors WHERE name <> ''),"
        " (SELECT count(*) FROM pg_prepared_statements WHERE name NOT LIKE 'fg\\_%'),"
        " (SELECT count(*) FROM pg_class WHERE relpersistence = 't'))";

    std::unique_ptr<Pipeline> pipeline_;
    bool is_alive_ = true;
    PoolStats stats_;

private:
    void call_answered(Call& call, loop::Duration) override { call.end(Call::End::answered); }
};

const std::vector<std::string> mixed_statements = {
    "SELECT count(*) FROM app.notes", "SELECT 1/0", "SELECT * FROM app.missing",
    "SELECT pg_sleep(0.001)", "SELECT count(*) FROM app.notes"};

TEST_F(SessionTest, SegmentsLeaveNothingBehind) {
    open(SegmentPolicy());
    const std::string before = look(session_state);
    EXPECT_EQ(before, "fg_user none 0 0 0 0 0");
    for (int round = 0; round < 10; ++round) {
        run_segments(mixed_statements);
        ASSERT_TRUE(is_alive_);
        EXPECT_EQ(look(session_state), before);
    }
}

TEST_F(SessionTest, TheOracleNoticesARoleThatIsSetForTheSession) {
    SegmentPolicy policy;
    policy.role_in_session = true;
    open(policy);
    const std::string before = look(session_state);
    run_segments(mixed_statements);
    EXPECT_NE(look(session_state), before);
}

TEST_F(SessionTest, TheOracleNoticesATransactionThatStaysOpen) {
    SegmentPolicy policy;
    policy.begin = true;
    open(policy);
    run_segments({"SELECT 1"});
    EXPECT_FALSE(is_alive_);
}

}  // namespace
}  // namespace fluxgate::pg::test
