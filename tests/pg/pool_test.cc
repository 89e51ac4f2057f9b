// The pool against a real PostgreSQL: identities, commit order, statement reuse, refusals.
#include "pg/pool.h"

#include <sys/resource.h>

#include "tests/pg/pool_fixture.h"

namespace fluxgate::pg::test {
namespace {

const char* const count_notes = "SELECT count(*) FROM app.notes";

size_t resident_peak_kb() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<size_t>(usage.ru_maxrss);
}

TEST_F(PoolTest, EachCallerSeesOwnRows) {
    EXPECT_EQ(run(Role::authenticated, claims_of("alice"), count_notes)->first_value(), "3");
    EXPECT_EQ(run(Role::authenticated, claims_of("nobody"), count_notes)->first_value(), "0");
    EXPECT_EQ(run(Role::service_role, "{}", count_notes)->first_value(), "6");
}

TEST_F(PoolTest, EachRoleRunsAsItself) {
    const char* const who = "SELECT current_user || ' ' || session_user";
    EXPECT_EQ(run(Role::anon, "{}", who)->first_value(), "anon fg_user");
    EXPECT_EQ(run(Role::authenticated, "{}", who)->first_value(), "authenticated fg_user");
    EXPECT_EQ(run(Role::service_role, "{}", who)->first_value(), "service_role fg_service");
    EXPECT_EQ(run(Role::gateway, "{}", who)->first_value(), "fg_auth fg_auth");
}

TEST_F(PoolTest, ResetRoleLeadsBackToTheLanesRole) {
    auto reset = run(Role::authenticated, "{}", "RESET ROLE");
    EXPECT_TRUE(reset->outcome->has_value());
    EXPECT_EQ(run(Role::authenticated, "{}", "SELECT current_user")->first_value(),
              "authenticated");
}

TEST_F(PoolTest, OnePlanServesManyIdentities) {
    for (int round = 0; round < 10;
         ++round) {  // past the fifth execution, where a plan turns generic
        EXPECT_EQ(run(Role::authenticated, claims_of("alice"), count_notes)->first_value(), "3");
        EXPECT_EQ(run(Role::authenticated, claims_of("bob"), count_notes)->first_value(), "3");
        EXPECT_EQ(run(Role::authenticated, claims_of("eve"), count_notes)->first_value(), "0");
        EXPECT_EQ(run(Role::service_role, "{}", count_notes)->first_value(), "6");
    }
}

TEST_F(PoolTest, ValuesComeInTheFormatsThatWeChose) {
    EXPECT_EQ(run(Role::anon, "{}", "SELECT '2024-02-29 12:00:00+02'::timestamptz")->first_value(),
              "2024-02-29 10:00:00+00");
    EXPECT_EQ(run(Role::anon, "{}", "SELECT '\\x00ff'::bytea")->first_value(), "\\x00ff");
    EXPECT_EQ(run(Role::anon, "{}", "SELECT '1 day 2 hours'::interval")->first_value(), "P1DT2H");
    EXPECT_EQ(run(Role::anon, "{}", "SELECT 0.1::float8 + 0.2::float8")->first_value(),
              "0.30000000000000004");
    EXPECT_EQ(run(Role::anon, "{}", "SHOW client_encoding")->first_value(), "UTF8");
}

TEST_F(PoolTest, ParametersArriveAsTheyAre) {
    auto pending = call();
    pending->as(Role::anon).sql("SELECT $1::text || '|' || $2::int || '|' || coalesce($3, 'null')");
    pending->with("gr\xC3\xBC\xC3\x9F'e").with("42").with("");
    pending->start();
    wait_for(*pending);
    EXPECT_EQ(pending->first_value(), "gr\xC3\xBC\xC3\x9F'e|42|");
}

TEST_F(PoolTest, MoreParametersThanFitTheStackArriveInOrder) {
    auto pending = call();
    std::string sql = "SELECT concat_ws(','";
    for (int at = 1; at <= 99; ++at) {
        sql += ", $" + std::to_string(at) + "::text";
        pending->with(std::to_string(at));
    }
    pending->as(Role::anon).sql(sql + ")").start();
    wait_for(*pending);
    EXPECT_TRUE(pending->first_value().starts_with("1,2,3,"));
    EXPECT_TRUE(pending->first_value().ends_with(",98,99"));
}

TEST_F(PoolTest, SteadyStateParsesNothingAndSyncsOnceACall) {
    for (int warm = 0; warm < 64; ++warm)
        run(Role::authenticated, claims_of("alice"), count_notes);
    const PoolStats before = pool->stats();
    for (int at = 0; at < 1000; ++at) {
        auto got = run(Role::authenticated, claims_of("bob"), count_notes);
        ASSERT_EQ(got->first_value(), "3");
    }
    const PoolStats after = pool->stats();
    EXPECT_EQ(after.segments - before.segments, 1000u);
    EXPECT_EQ(after.syncs - before.syncs, 1000u);
    EXPECT_LE(after.parses - before.parses, 9u);
}

TEST_F(PoolTest, DeferredConstraintFailsTheCallAndLeavesNoRow) {
    auto pending = run(Role::service_role, "{}",
                       "INSERT INTO app.checked VALUES (1, 99) RETURNING id", Access::write);
    ASSERT_FALSE(pending->outcome->has_value());
    EXPECT_EQ(pending->kind(), ErrorKind::conflict);
    EXPECT_EQ(pending->outcome->error().constraint, "checked_next_fkey");
    EXPECT_EQ(run(Role::service_role, "{}", "SELECT count(*) FROM app.checked")->first_value(),
              "0");
}

TEST_F(PoolTest, OneCallsErrorDoesNotTouchItsNeighbours) {
    run(Role::authenticated, "{}", "SELECT 1");  // connected
    std::vector<std::unique_ptr<PendingCall>> calls;
    for (int at = 0; at < 24; ++at) {
        calls.push_back(call());
        calls.back()->as(Role::authenticated, claims_of("alice"));
        calls.back()->sql(at % 3 == 1 ? "SELECT 1/0" : count_notes).start();
    }
    for (int at = 0; at < 24; ++at) {
        wait_for(*calls[static_cast<size_t>(at)]);
        const PendingCall& got = *calls[static_cast<size_t>(at)];
        if (at % 3 == 1)
            EXPECT_EQ(got.kind(), ErrorKind::invalid_value);
        else
            EXPECT_EQ(got.first_value(), "3");
    }
}

TEST_F(PoolTest, AStatementThatDoesNotParseFailsForAllWhoSentItAtOnce) {
    run(Role::authenticated, "{}", "SELECT 1");
    std::vector<std::unique_ptr<PendingCall>> calls;
    for (int at = 0; at < 12; ++at) {
        calls.push_back(call());
        calls.back()->as(Role::authenticated).sql("SELECT * FROM app.missing").start();
    }
    for (const auto& pending : calls) {
        wait_for(*pending);
        EXPECT_EQ(pending->kind(), ErrorKind::unknown_object);
    }
    EXPECT_EQ(pool->stats().reconnects, 0u);
}

TEST_F(PoolTest, ErrorsCarryWhatACallerMayKnow) {
    auto unique =
        run(Role::service_role, "{}",
            "INSERT INTO app.notes (owner, body) VALUES ('alice', 'alice 1')", Access::write);
    EXPECT_EQ(unique->kind(), ErrorKind::conflict);
    EXPECT_EQ(unique->outcome->error().constraint, "notes_owner_body_key");
    auto check =
        run(Role::service_role, "{}",
            "INSERT INTO app.notes (owner, body) VALUES ('alice', 'forbidden')", Access::write);
    EXPECT_EQ(check->outcome->error().constraint, "notes_body_check");
    auto missing = run(Role::service_role, "{}", "INSERT INTO app.notes (owner) VALUES ('alice')",
                       Access::write);
    EXPECT_EQ(missing->outcome->error().column, "body");
    auto policy =
        run(Role::authenticated, claims_of("alice"),
            "INSERT INTO app.notes (owner, body) VALUES ('bob', 'not mine')", Access::write);
    EXPECT_EQ(policy->kind(), ErrorKind::permission);
    EXPECT_EQ(run(Role::anon, "{}", count_notes)->kind(), ErrorKind::permission);
}

TEST_F(PoolTest, AValueThatDoesNotFitIsNamedByItsNumber) {
    auto pending = call();
    pending->as(Role::anon)
        .sql("SELECT $1::text, $2::int")
        .with("fine")
        .with("not a number")
        .start();
    wait_for(*pending);
    EXPECT_EQ(pending->kind(), ErrorKind::invalid_value);
    EXPECT_EQ(pending->outcome->error().parameter, 2);
    EXPECT_EQ(pending->outcome->error().state(), "22P02");
}

TEST_F(PoolTest, NulInAParameterIsRefusedBeforeLibpq) {
    const uint64_t segments = pool->stats().segments;
    auto pending = call();
    pending->as(Role::anon).sql("SELECT $1::text || $2::text").with("a");
    pending->with(std::string("b\0c", 3)).start();
    wait_for(*pending);
    EXPECT_EQ(pending->kind(), ErrorKind::invalid_value);
    EXPECT_EQ(pending->outcome->error().parameter, 2);
    EXPECT_EQ(pool->stats().segments, segments);
}

TEST_F(PoolTest, NulInTheClaimsIsRefused) {
    auto pending = run(Role::anon, std::string("{}\0", 3), "SELECT 1");
    EXPECT_EQ(pending->kind(), ErrorKind::invalid_value);
}

TEST_F(PoolTest, EmptyClaimsAreABug) {
    EXPECT_EQ(run(Role::anon, "", "SELECT 1")->kind(), ErrorKind::bug);
}

TEST_F(PoolTest, ClaimsThatAreNotJsonFailClosed) {
    auto pending = run(Role::authenticated, "not json", "SELECT body FROM app.notes");
    EXPECT_EQ(pending->kind(), ErrorKind::invalid_value);
}

TEST_F(PoolTest, AResultOverItsBudgetIsRefused) {
    auto pending = call();
    pending->as(Role::anon).sql("SELECT repeat('x', 1000) FROM generate_series(1, 1000)");
    pending->query.result_bytes_max = 100'000;
    pending->start();
    wait_for(*pending);
    EXPECT_EQ(pending->kind(), ErrorKind::too_large);
    EXPECT_EQ(run(Role::anon, "{}", "SELECT 1")->first_value(), "1");
}

TEST_F(PoolTest, ARunawayResultDoesNotFillOurMemory) {
    const size_t before = resident_peak_kb();
    auto pending = call();
    pending->as(Role::anon).sql("SELECT repeat('x', 100000) FROM generate_series(1, 100000)");
    pending->query.pace = Pace::slow;
    pending->query.result_bytes_max = 1'000'000;
    pending->start();
    wait_for(*pending);
    EXPECT_EQ(pending->kind(), ErrorKind::too_large);
    EXPECT_LT(resident_peak_kb() - before, 32u * 1024);  // of the 10 GB
    EXPECT_EQ(run(Role::anon, "{}", "SELECT 1", Access::read, Pace::slow)->first_value(), "1");
}

TEST_F(PoolTest, AConnectionThatSawAHugeResultIsRetired) {
    auto pending = run(Role::anon, "{}", "SELECT repeat('x', 12000000)", Access::read, Pace::slow);
    EXPECT_EQ(pending->first_value().size(), 12'000'000u);
    run_until(*loop, [&] { return pool->stats().reconnects == 1; });
}

TEST_F(PoolTest, CopyIsNotGuessedAt) {
    auto pending =
        run(Role::service_role, "{}", "COPY app.notes TO STDOUT", Access::read, Pace::slow);
    EXPECT_FALSE(pending->outcome->has_value());
    EXPECT_EQ(run(Role::service_role, "{}", count_notes)->first_value(), "6");
}

TEST_F(PoolTest, BeginInsideAStatementBreaksTheConnectionAndNobodyElse) {
    auto begin = run(Role::authenticated, "{}", "BEGIN");
    (void)begin;
    auto after = run(Role::authenticated, claims_of("alice"), count_notes);
    EXPECT_EQ(after->first_value(), "3");
    run_until(*loop, [&] { return pool->stats().reconnects >= 1; });
}

TEST_F(PoolTest, AChangedTableIsReadWithItsNewColumns) {
    cluster.execute(
        "DROP TABLE IF EXISTS app.moving; CREATE TABLE app.moving (a int);"
        "GRANT SELECT ON app.moving TO authenticated; INSERT INTO app.moving VALUES (1)");
    for (int round = 0; round < 20; ++round)
        ASSERT_EQ(run(Role::authenticated, "{}", "SELECT * FROM app.moving")->first_value(), "1");
    cluster.execute("ALTER TABLE app.moving ADD b int");
    std::vector<std::unique_ptr<PendingCall>> calls;
    for (int at = 0; at < 16; ++at) {
        calls.push_back(call());
        calls.back()->as(Role::authenticated).sql("SELECT * FROM app.moving").start();
    }
    for (const auto& pending : calls) {
        wait_for(*pending);
        ASSERT_TRUE(pending->outcome->has_value()) << to_string(pending->kind());
        EXPECT_EQ(pending->outcome->value().columns(), 2);
    }
}

TEST_F(PoolTest, StatementsOverTheLimitAreEvictedAndParsedAgain) {
    Options options = options_for(cluster);
    options.statements_max = 4;
    options.fast_lanes = 1;
    make_pool(options);
    for (int round = 0; round < 3; ++round) {
        for (int at = 0; at < 12; ++at) {
            auto got = run(Role::authenticated, "{}", "SELECT " + std::to_string(at));
            EXPECT_EQ(got->first_value(), std::to_string(at));
        }
    }
    auto left = run(Role::authenticated, "{}",
                    "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'fg_%'");
    EXPECT_LE(std::stoi(left->first_value()), 5);
}

TEST_F(PoolTest, SomebodyElsesDeallocateIsSurvived) {
    Options options = options_for(cluster);
    options.fast_lanes = 1;
    make_pool(options);
    run(Role::authenticated, claims_of("alice"), count_notes);
    run(Role::authenticated, "{}", "DEALLOCATE ALL");
    EXPECT_EQ(run(Role::authenticated, claims_of("alice"), count_notes)->first_value(), "3");
}

TEST_F(PoolTest, BehindAPoolerTheRoleIsInTheSegment) {
    Options options = options_for(cluster);
    options.pooler = true;
    make_pool(options);
    EXPECT_EQ(run(Role::authenticated, claims_of("alice"), count_notes)->first_value(), "3");
    EXPECT_EQ(run(Role::anon, "{}", "SELECT current_user")->first_value(), "anon");
    EXPECT_EQ(run(Role::gateway, "{}", "SELECT current_user")->first_value(), "fg_auth");
    auto when = run(Role::gateway, "{}", "SELECT '2024-02-29 12:00:00+02'::timestamptz");
    EXPECT_EQ(when->first_value(), "2024-02-29 10:00:00+00");
    auto name = run(Role::anon, "{}", "SELECT name FROM pg_prepared_statements LIMIT 1");
    EXPECT_TRUE(name->first_value().ends_with("_anon"));
}

TEST_F(PoolTest, ARoleWithoutALoginIsUnavailable) {
    Options options = options_for(cluster);
    options.service_login.user.clear();
    make_pool(options);
    EXPECT_EQ(run(Role::service_role, "{}", "SELECT 1")->kind(), ErrorKind::unavailable);
}

}  // namespace
}  // namespace fluxgate::pg::test
