#include "tests/tools/query_table_fixture.h"

namespace fluxgate::tools::test {
namespace {

using fluxgate::test::PostgresCluster;

constexpr const char* ground = R"(
    CREATE ROLE anon NOLOGIN; CREATE ROLE authenticated NOLOGIN;
    CREATE ROLE service_role NOLOGIN BYPASSRLS;
    CREATE ROLE fg_user LOGIN NOINHERIT IN ROLE anon, authenticated;
    CREATE ROLE fg_service LOGIN NOINHERIT IN ROLE service_role;
    CREATE ROLE fg_auth LOGIN;
    CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner text, body text, n int,
        ok bool, j jsonb, u uuid, d date);
    INSERT INTO notes (owner, body, n, ok, j, u, d) VALUES
        ('alice', 'first', 1, true, '{"a": 1}', '11111111-1111-1111-1111-111111111111', '2024-01-01'),
        ('alice', '', 2, false, '{"a": [1, 2]}', NULL, '2024-06-01'),
        ('alice', 'third', 3, NULL, NULL, NULL, NULL),
        ('alice', NULL, NULL, true, NULL, NULL, NULL),
        ('bob', 'secret of bob', 1, true, NULL, NULL, NULL);
    ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON notes TO authenticated USING (
        owner = (SELECT current_setting('request.jwt.claims', true)::json->>'sub'));
    CREATE TABLE private_things (id int); CREATE SCHEMA auth; CREATE TABLE auth.users (id int);
    INSERT INTO auth.users VALUES (1);
    CREATE VIEW broken AS SELECT 1 / (n - n) AS x FROM generate_series(1, 2) n;
    CREATE VIEW slow AS SELECT pg_sleep(5)::text AS x;
    GRANT SELECT ON notes, broken, slow TO authenticated;
    GRANT USAGE ON SCHEMA auth TO authenticated, service_role;
    GRANT SELECT ON ALL TABLES IN SCHEMA auth TO authenticated, service_role;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO service_role;
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO authenticated;
)";

PostgresCluster& prepared_cluster() {
    PostgresCluster& cluster = PostgresCluster::shared();
    static const bool once = (cluster.execute(ground), true);
    (void)once;
    return cluster;
}

pg::Options options_for(const PostgresCluster& cluster) {
    pg::Options options;
    options.host = cluster.socket_directory();
    options.port = cluster.port();
    options.database = "postgres";
    options.user_login.user = "fg_user";
    options.service_login.user = "fg_service";
    options.auth_login.user = "fg_auth";
    options.connect_timeout_ms = 1'000;
    return options;
}

std::string inside_of_string(std::string_view escaped) {
    JsonArguments json;
    const rpc::Json* text = json.parse("\"" + std::string(escaped) + "\"");
    EXPECT_NE(text, nullptr) << escaped;
    return text == nullptr ? "" : std::string(text->text);
}

}  // namespace

QueryTableTest::QueryTableTest()
    : cluster(prepared_cluster()),
      loop(std::move(*loop::Loop::create(loop::Loop::Options()))),
      blocking(loop::BlockingPool::Options()),
      pool(std::make_unique<pg::Pool>(loop.get(), &blocking, options_for(cluster))),
      catalog(std::make_unique<pg::SharedCatalog>(
          loop.get(), pool.get(),
          pg::SchemaCacheOptions{.refresh_every = std::chrono::hours(1),
                                 .refresh_gap_min = std::chrono::milliseconds(1)})),
      schemas(catalog->make_view(loop.get())),
      tool(std::make_unique<QueryTable>(pool.get(), schemas.get(),
                                        QueryTable::Options{.statement_timeout_ms = 2'000})) {
    catalog->start();
    run_until([this] { return schemas->current() != nullptr; });
}

QueryTableTest::~QueryTableTest() {
    loop::Scope scope(loop.get());
    scope.spawn("close_catalog", catalog->close());
    run_until([&scope] { return scope.empty(); });
    const auto deadline = loop::Deadline::after(loop->clock_now(), std::chrono::seconds(5));
    scope.spawn("close_pool", pool->close(deadline));
    run_until([&scope] { return scope.empty(); });
    loop->run_until_idle();
    schemas.reset();
    catalog.reset();
    pool.reset();
}

http::Principal QueryTableTest::principal(const std::string& user) {
    http::Principal made;
    made.role = http::Role::authenticated;
    made.subject = user;
    made.claims = R"({"role":"authenticated","sub":")" + user + R"("})";
    return made;
}

http::Principal QueryTableTest::service_key() {
    http::Principal made;
    made.kind = http::PrincipalKind::service_key;
    made.role = http::Role::service_role;
    made.claims = R"({"role":"service_role","sub":""})";
    return made;
}

http::Principal QueryTableTest::anon() {
    http::Principal made;
    made.claims = R"({"role":"anon","sub":""})";
    return made;
}

Answer QueryTableTest::call(const std::string& arguments, const http::Principal& who,
                            const rpc::Protocol* protocol) {
    // What the test did meanwhile took time that the loop must see: a refresh is not repeated at
    // once.
    loop->run_turn(std::chrono::milliseconds(2));
    JsonArguments json;
    loop::Scope scope(loop.get());
    rpc::ToolCall tool_call;
    tool_call.scope = &scope;
    tool_call.arena = &json.arena();
    tool_call.principal = &who;
    tool_call.arguments = arguments.empty() ? nullptr : json.parse(arguments);
    tool_call.protocol = protocol == nullptr ? &rpc::latest_legacy() : protocol;
    EXPECT_TRUE(arguments.empty() || tool_call.arguments != nullptr) << arguments.substr(0, 100);
    std::optional<rpc::ToolOutcome> outcome;
    struct Runner {
        static loop::Task<void> run(QueryTable* tool, rpc::ToolCall* tool_call,
                                    std::optional<rpc::ToolOutcome>* outcome) {
            rpc::ToolOutcome got = co_await tool->call(tool_call);
            outcome->emplace(std::move(got));
        }
    };
    scope.spawn("call", Runner::run(tool.get(), &tool_call, &outcome));
    run_until([&scope] { return scope.empty(); });
    Answer answer;
    answer.sqlstate = tool_call.notes.sqlstate;
    if (!outcome->has_value()) {
        answer.failure = outcome->error().code;
        answer.text = outcome->error().message;
        answer.retry_after_s = outcome->error().retry_after_s;
        return answer;
    }
    const rpc::ToolResult& result = **outcome;
    answer.text = inside_of_string(flatten(result.text));
    answer.structured = flatten(result.structured);
    answer.is_error = result.is_error;
    return answer;
}

}  // namespace fluxgate::tools::test
