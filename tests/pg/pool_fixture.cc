#include "tests/pg/pool_fixture.h"

namespace fluxgate::pg::test {

void prepare_database(PostgresCluster& cluster) {
    cluster.execute(R"(
        CREATE ROLE anon NOLOGIN; CREATE ROLE authenticated NOLOGIN;
        CREATE ROLE service_role NOLOGIN BYPASSRLS;
        CREATE ROLE fg_user LOGIN NOINHERIT IN ROLE anon, authenticated;
        CREATE ROLE fg_service LOGIN NOINHERIT IN ROLE service_role;
        CREATE ROLE fg_auth LOGIN;
        CREATE SCHEMA app;
        GRANT USAGE ON SCHEMA app TO anon, authenticated, service_role;
        CREATE TABLE app.notes (
            id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            owner text NOT NULL,
            body text NOT NULL CHECK (body <> 'forbidden'),
            UNIQUE (owner, body));
        ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON app.notes TO authenticated USING (
            owner = (SELECT current_setting('request.jwt.claims', true)::json->>'sub'));
        GRANT SELECT, INSERT, UPDATE, DELETE ON app.notes TO authenticated, service_role;
        INSERT INTO app.notes (owner, body) SELECT owner, owner || ' ' || n
            FROM unnest(ARRAY['alice', 'bob']) owner, generate_series(1, 3) n;
        CREATE TABLE app.checked (
            id int PRIMARY KEY,
            next int REFERENCES app.checked DEFERRABLE INITIALLY DEFERRED);
        GRANT SELECT, INSERT, UPDATE, DELETE ON app.checked TO authenticated, service_role;
    )");
}

Options options_for(const PostgresCluster& cluster) {
    Options options;
    options.host = "127.0.0.1";
    options.port = cluster.port();
    options.database = "postgres";
    options.user_login.user = "fg_user";
    options.service_login.user = "fg_service";
    options.auth_login.user = "fg_auth";
    return options;
}

namespace {

PostgresCluster& prepared_cluster() {
    PostgresCluster& cluster = PostgresCluster::shared();
    static const bool once = (prepare_database(cluster), true);
    (void)once;
    return cluster;
}

}  // namespace

PoolTest::PoolTest()
    : cluster(prepared_cluster()),
      loop(std::move(*loop::Loop::create(loop::Loop::Options()))),
      blocking(loop::BlockingPool::Options()) {
    make_pool(options_for(cluster));
}

PoolTest::~PoolTest() {
    close_pool();
}

void PoolTest::make_pool(const Options& options) {
    close_pool();
    pool = std::make_unique<Pool>(loop.get(), &blocking, options);
}

void PoolTest::close_pool() {
    if (pool == nullptr) return;
    loop::Scope scope(loop.get());
    const auto deadline = loop::Deadline::after(loop->clock_now(), std::chrono::seconds(10));
    scope.spawn("close", pool->close(deadline));
    run_until(*loop, [&] { return scope.empty(); });
    pool.reset();
}

std::unique_ptr<PendingCall> PoolTest::run(Role role, const std::string& claims,
                                           const std::string& sql, Access access, Pace pace) {
    auto pending = call();
    pending->as(role, claims).sql(sql);
    pending->query.access = access;
    pending->query.pace = pace;
    pending->start();
    wait_for(*pending);
    return pending;
}

std::string PoolTest::claims_of(const std::string& user) {
    return R"({"role":"authenticated","sub":")" + user + R"("})";
}

}  // namespace fluxgate::pg::test
