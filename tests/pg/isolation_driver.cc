#include "tests/pg/isolation_driver.h"

#include <algorithm>
#include <cstdio>

namespace fluxgate::pg::test {
namespace {

std::string tenant_name(uint64_t number) {
    return "tenant" + std::to_string(number % tenants);
}

// `n` is where writes go; `body` starts with its owner, so that a row tells whose it is twice.
void make_table(PostgresCluster& cluster) {
    cluster.execute(
        "CREATE SCHEMA IF NOT EXISTS iso; GRANT USAGE ON SCHEMA iso TO authenticated;"
        "DROP TABLE IF EXISTS iso.items;"
        "CREATE TABLE iso.items (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " owner text NOT NULL, body text NOT NULL, n int NOT NULL DEFAULT 0 CHECK (n >= 0),"
        " UNIQUE (owner, body));"
        "INSERT INTO iso.items (owner, body) SELECT 'tenant' || t, 'tenant' || t || ' ' || r"
        " FROM generate_series(0, " +
        std::to_string(tenants - 1) +
        ") t,"
        " generate_series(1, " +
        std::to_string(rows_of_tenant) +
        ") r;"
        "CREATE INDEX ON iso.items (owner);"
        "ALTER TABLE iso.items ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY own ON iso.items TO authenticated USING ("
        " owner = (SELECT nullif(current_setting('request.jwt.claims', true), '')::json->>'sub'));"
        "GRANT SELECT, INSERT, UPDATE, DELETE ON iso.items TO authenticated; ANALYZE iso.items");
}

std::string claims_of(const std::string& tenant) {
    return R"({"role":"authenticated","sub":")" + tenant + R"("})";
}

// What a call may meet while connections are killed under it.
bool is_outage(ErrorKind kind) {
    return kind == ErrorKind::unavailable || kind == ErrorKind::outcome_unknown ||
           kind == ErrorKind::busy;
}

}  // namespace

std::string IsolationReport::text() const {
    char line[512];
    std::snprintf(line, sizeof(line),
                  "%llu foreign rows in %llu calls (%llu rows), %llu errors injected, %llu kills, "
                  "%llu outages; wrong identities %llu, unexpected errors %llu, unexpected "
                  "successes %llu, lost writes %llu, ghost writes %llu",
                  static_cast<unsigned long long>(foreign_rows),
                  static_cast<unsigned long long>(calls), static_cast<unsigned long long>(rows),
                  static_cast<unsigned long long>(errors_injected),
                  static_cast<unsigned long long>(kills), static_cast<unsigned long long>(outages),
                  static_cast<unsigned long long>(wrong_identities),
                  static_cast<unsigned long long>(unexpected_errors),
                  static_cast<unsigned long long>(unexpected_successes),
                  static_cast<unsigned long long>(lost_writes),
                  static_cast<unsigned long long>(ghost_writes));
    return line;
}

IsolationDriver::IsolationDriver(loop::Loop* loop, Pool* pool, PostgresCluster* cluster,
                                 const Plan& plan)
    : loop_(loop), pool_(pool), cluster_(cluster), plan_(plan), scope_(loop) {
    make_table(*cluster);
}

IsolationReport IsolationDriver::run() {
    for (int number = 0; number < plan_.workers; ++number) {
        workers_.push_back(std::make_unique<Worker>());
        workers_.back()->random.seed(plan_.seed * 1000 + static_cast<uint64_t>(number));
        workers_.back()->number = number;
        scope_.spawn("tenant", work(workers_.back().get()));
    }
    uint64_t next_kill = plan_.calls_per_kill;
    uint64_t calls_seen = 0;
    loop::Instant moved_at = loop_->clock_now();
    while (!scope_.empty()) {
        loop_->run_turn(std::chrono::milliseconds(10));
        if (plan_.calls_per_kill != 0 && report_.calls >= next_kill) {
            kill_somebody();
            next_kill += plan_.calls_per_kill;
        }
        if (report_.calls != calls_seen) moved_at = loop_->clock_now();
        calls_seen = report_.calls;
        if (loop_->clock_now() - moved_at < std::chrono::seconds(60)) continue;
        ++report_.unexpected_errors;  // it hangs
        scope_.cancel();
    }
    compare_with_table();
    return report_;
}

loop::Task<void> IsolationDriver::work(Worker* worker) {
    while (started_ < plan_.calls && !scope_.is_cancelled()) {
        ++started_;
        const std::string tenant = tenant_name(worker->random());
        const Job job = pick_job(*worker, tenant);
        co_await call(worker, &tenant, &job);
    }
}

loop::Task<void> IsolationDriver::call(Worker* worker, const std::string* tenant, const Job* job) {
    const std::string claims = claims_of(*tenant);
    std::vector<Parameter> parameters;
    for (const std::string& value : job->values) {
        Parameter parameter;
        parameter.bytes = value;
        parameters.push_back(parameter);
    }
    Identity identity;
    identity.role = Role::authenticated;
    identity.claims = claims;
    Query query;
    query.sql = job->sql;
    query.parameters = parameters;
    query.access = job->access;
    query.statement_timeout_ms = std::min(job->timeout_ms, plan_.timeout_ms);
    const auto got = co_await pool_->execute(&scope_, identity, query);
    ++report_.calls;
    judge(*worker, *tenant, *job, got);
}

IsolationDriver::Job IsolationDriver::pick_job(Worker& worker, const std::string& tenant) {
    Job job;
    const uint64_t dice = worker.random() % 1000;
    const std::string number = std::to_string(worker.random() % 50);
    if (dice < 400) {
        job.sql = "SELECT owner, body FROM iso.items WHERE id % 50 = $1::int";
        job.values = {number};
    } else if (dice < 500) {
        job.sql = "SELECT owner, body FROM iso.items ORDER BY id LIMIT 20";
    } else if (dice < 600) {
        job.sql = "SELECT current_user, current_setting('request.jwt.claims')";
        job.expect = Expect::identity;
    } else if (dice < 700) {
        return pick_failure(worker, tenant);
    } else if (dice < 800) {
        const std::string body = tenant + " new " + std::to_string(worker.number) + " " +
                                 std::to_string(++worker.inserts);
        job.sql = "INSERT INTO iso.items (owner, body) VALUES ($1, $2) RETURNING owner, body";
        job.values = {tenant, body};
        job.access = Access::write;
        job.inserts = tenant + "/" + body;
    } else if (dice < 880 && !worker.own_bodies.empty()) {
        const std::string own = worker.own_bodies.back();
        worker.own_bodies.pop_back();
        const size_t slash = own.find('/');
        // Its owner deletes it; whoever else is asked finds nothing.
        const bool is_owner = own.substr(0, slash) == tenant;
        job.sql = "DELETE FROM iso.items WHERE body = $1 RETURNING owner, body";
        job.values = {own.substr(slash + 1)};
        job.access = Access::write;
        job.expect = is_owner ? Expect::own_rows : Expect::no_rows;
        if (is_owner) job.deletes = own;
    } else if (dice < 950) {
        job.sql = "UPDATE iso.items SET n = n + 1 WHERE id % 50 = $1::int RETURNING owner, body";
        job.values = {number};
        job.access = Access::write;
    } else {
        job.sql = "UPDATE iso.items SET n = n + 1 WHERE owner = $1 RETURNING owner, body";
        job.values = {
            tenant_name(worker.random() % (tenants - 1) + 1 + std::stoull(tenant.substr(6)))};
        job.access = Access::write;
        job.expect = job.values[0] == tenant ? Expect::own_rows : Expect::no_rows;
    }
    return job;
}

IsolationDriver::Job IsolationDriver::pick_failure(Worker& worker,
                                                   const std::string& tenant) const {
    Job job;
    job.expect = Expect::failure;
    const uint64_t dice = worker.random() % 100;
    if (dice < 30) {
        job.sql = "SELECT owner, body, 1 / (n - n) FROM iso.items";
        job.failure = ErrorKind::invalid_value;
    } else if (dice < 55) {
        job.sql = "SELECT owner, body FROM iso.items WHERE id = $1::bigint";
        job.values = {"not a number"};
        job.failure = ErrorKind::invalid_value;
    } else if (dice < 57) {
        job.sql = "SELECT owner, pg_sleep(20)::text FROM iso.items LIMIT 1";
        job.failure = ErrorKind::timeout;
        job.timeout_ms = 5;
    } else if (dice < 75) {
        job.sql = "UPDATE iso.items SET n = -1 WHERE owner = $1";
        job.values = {tenant};
        job.access = Access::write;
        job.failure = ErrorKind::conflict;
    } else if (dice < 90) {
        job.sql = "INSERT INTO iso.items (owner, body) VALUES ($1, $2)";
        job.values = {tenant_name(std::stoull(tenant.substr(6)) + 1), "not mine"};
        job.access = Access::write;
        job.failure = ErrorKind::permission;
    } else {
        job.sql = "SELECT owner, body FROM iso.missing";
        job.failure = ErrorKind::unknown_object;
    }
    return job;
}

void IsolationDriver::judge(Worker& worker, const std::string& tenant, const Job& job,
                            const std::expected<Result, Error>& got) {
    if (!got) {
        judge_failure(job, got.error());
        if (!job.inserts.empty()) unknown_.insert(job.inserts);
        if (!job.deletes.empty()) unknown_.insert(job.deletes);
        return;
    }
    if (job.expect == Expect::failure) {
        ++report_.unexpected_successes;
        return;
    }
    judge_rows(tenant, job, *got);
    if (!job.inserts.empty()) {
        acknowledged_.insert(job.inserts);
        worker.own_bodies.push_back(job.inserts);
    }
    if (!job.deletes.empty()) {
        if (got->rows() != 1) ++report_.lost_writes;
        deleted_.insert(job.deletes);
    }
}

void IsolationDriver::judge_rows(const std::string& tenant, const Job& job, const Result& rows) {
    report_.rows += static_cast<uint64_t>(rows.rows());
    if (job.expect == Expect::no_rows && rows.rows() != 0) ++report_.foreign_rows;
    if (job.expect == Expect::identity) {
        const bool is_right = rows.rows() == 1 && rows.value(0, 0) == "authenticated" &&
                              rows.value(0, 1) == claims_of(tenant);
        if (!is_right) ++report_.wrong_identities;
        return;
    }
    for (int row = 0; row < rows.rows(); ++row) {
        const bool is_own = rows.value(row, 0) == tenant &&
                            rows.value(row, 1).value_or("").starts_with(tenant + " ");
        if (!is_own) ++report_.foreign_rows;
    }
}

void IsolationDriver::judge_failure(const Job& job, const Error& error) {
    if (is_outage(error.kind)) {
        ++report_.outages;
        return;
    }
    if (job.expect == Expect::failure && error.kind == job.failure)
        ++report_.errors_injected;
    else
        ++report_.unexpected_errors;
}

void IsolationDriver::kill_somebody() {
    ++report_.kills;
    cluster_->execute(
        "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity"
        " WHERE usename = 'fg_user' ORDER BY random() LIMIT 1) victim");
}

void IsolationDriver::compare_with_table() {
    const std::string all = cluster_->value_of(
        "SELECT string_agg(owner || '/' || body, ',') FROM iso.items WHERE body LIKE '% new %'");
    std::set<std::string> present;
    for (size_t at = 0; at < all.size();) {
        const size_t comma = std::min(all.find(',', at), all.size());
        present.insert(all.substr(at, comma - at));
        at = comma + 1;
    }
    for (const std::string& row : acknowledged_) {
        const bool may_be_gone = deleted_.contains(row) || unknown_.contains(row);
        if (!present.contains(row) && !may_be_gone) ++report_.lost_writes;
    }
    for (const std::string& row : present) {
        const bool may_be_there = acknowledged_.contains(row) || unknown_.contains(row);
        if (deleted_.contains(row) || !may_be_there) ++report_.ghost_writes;
    }
    // Nobody could have written for somebody else.
    const std::string foreign =
        cluster_->value_of("SELECT count(*) FROM iso.items WHERE body NOT LIKE owner || ' %'");
    report_.foreign_rows += std::stoull(foreign);
}

IsolationReport IsolationTest::drive(const IsolationDriver::Plan& plan,
                                     const SegmentPolicy& policy) {
    close_pool();
    Options options = options_for(cluster);
    options.fast_lanes = 6;
    options.fast_depth_max = 8;
    options.fast_timeout_ms = 2'000;  // a busy test machine must not look like a slow statement
    options.queue_wait_max_ms = plan.timeout_ms;
    options.statement_timeout_ms = plan.timeout_ms;
    pool = std::make_unique<Pool>(loop.get(), &blocking, options, policy);
    IsolationDriver driver(loop.get(), pool.get(), &cluster, plan);
    const IsolationReport report = driver.run();
    std::printf("%s\n", report.text().c_str());
    return report;
}

void IsolationTest::expect_clean(const IsolationReport& report) {
    EXPECT_EQ(report.foreign_rows, 0u);
    EXPECT_EQ(report.wrong_identities, 0u);
    EXPECT_EQ(report.unexpected_errors, 0u);
    EXPECT_EQ(report.unexpected_successes, 0u);
    EXPECT_EQ(report.lost_writes, 0u);
    EXPECT_EQ(report.ghost_writes, 0u);
    EXPECT_GT(report.errors_injected, report.calls / 20);
    EXPECT_GT(report.rows, report.calls);
    EXPECT_EQ(cluster.value_of("SELECT count(*) FROM pg_stat_activity WHERE usename = 'fg_user' "
                               "AND state LIKE 'idle in transaction%'"),
              "0");
}

}  // namespace fluxgate::pg::test
