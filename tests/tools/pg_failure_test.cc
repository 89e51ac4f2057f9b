#include "tools/pg_failure.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "tests/tools/fixture.h"

namespace fluxgate::tools {
namespace {

pg::Error error_of(std::string_view sqlstate) {
    pg::Error error;
    error.kind = pg::kind_of_sqlstate(sqlstate);
    std::memcpy(error.sqlstate.data(), sqlstate.data(), sqlstate.size());
    return error;
}

class PgFailure : public testing::Test {
protected:
    PgFailure() {
        statement_.table = catalog_->find_table("public", "notes");
        statement_.catalog = catalog_.get();
        statement_.sql = &sql_;
        statement_.timeout_ms = 250;
        sql_.append("SELECT * FROM \"public\".\"notes\" WHERE ");
        sql_.mark("like", statement_.table->find_column("n"));
        sql_.append("\"n\" LIKE ");
        sql_.append_parameter("abc", statement_.table->find_column("n"));
    }
    std::string text(const pg::Error& error) {
        const rpc::ToolOutcome outcome = outcome_of(error, statement_);
        if (!outcome) {
            return std::to_string(outcome.error().code) + " " + outcome.error().message + " " +
                   std::to_string(outcome.error().retry_after_s);
        }
        EXPECT_TRUE(outcome->is_error);
        return test::flatten(outcome->text);  // escaped: the inside of a JSON string
    }

    pg::CatalogPtr catalog_ = test::make_catalog();
    loop::Arena arena_;
    SqlText sql_{&arena_};
    FailedStatement statement_;
};

TEST_F(PgFailure, NamesTheColumnOfAValueThatDoesNotFit) {
    for (const char* state : {"22P02", "22003", "22008", "22007", "22021", "22025", "22P05"}) {
        pg::Error error = error_of(state);
        error.parameter = 1;
        EXPECT_EQ(text(error), R"(invalid value for column \"n\" (integer): \"abc\")") << state;
    }
}

TEST_F(PgFailure, DoesNotBlameAColumnThatPostgresqlDidNotName) {
    EXPECT_TRUE(text(error_of("22012")).starts_with("invalid value: "));
    pg::Error error = error_of("22P02");
    error.parameter = 99;
    EXPECT_TRUE(text(error).starts_with("invalid value: "));
}

TEST_F(PgFailure, NamesTheColumnAndTheOperator) {
    for (const char* state : {"42883", "42804"}) {
        pg::Error error = error_of(state);
        error.position = 43;
        EXPECT_EQ(text(error),
                  R"(operator not supported for column \"n\" (integer): like; it is for text)");
        error.position = 0;
        EXPECT_TRUE(text(error).starts_with("operator not supported for the column's type"));
    }
}

TEST_F(PgFailure, SaysWhatIsNotThereAnyMore) {
    EXPECT_TRUE(text(error_of("42703")).starts_with("unknown column in public.notes"));
    EXPECT_EQ(text(error_of("42P01")), "table not found: public.notes");
}

TEST_F(PgFailure, SaysPermissionDenied) {
    EXPECT_TRUE(text(error_of("42501")).starts_with("permission denied: "));
}

TEST_F(PgFailure, NamesConstraintsAndNothingElse) {
    pg::Error error = error_of("23505");
    error.constraint = "users_email_key";
    EXPECT_EQ(text(error), R"(conflict: unique constraint \"users_email_key\")");
    error = error_of("23503");
    error.constraint = "fk";
    EXPECT_EQ(text(error), R"(conflict: foreign key constraint \"fk\")");
    error = error_of("23514");
    error.constraint = "ck";
    EXPECT_EQ(text(error), R"(conflict: check constraint \"ck\")");
    error = error_of("23502");
    error.column = "name";
    EXPECT_EQ(text(error), R"(conflict: column \"name\" must not be null)");
}

TEST_F(PgFailure, SaysWhatToDoAboutTimeAndSize) {
    EXPECT_TRUE(text(error_of("57014")).starts_with("query timed out after 250 ms; "));
    EXPECT_EQ(text(error_of("54001")), "value too complex");
    EXPECT_EQ(text(error_of("40001")), "serialization failure, retry");
    pg::Error error;
    error.kind = pg::ErrorKind::too_large;
    EXPECT_TRUE(text(error).starts_with("result too large: over 16 MiB; "));
    error.kind = pg::ErrorKind::outcome_unknown;
    EXPECT_EQ(text(error), "outcome unknown: connection lost during commit");
}

TEST_F(PgFailure, AnAbsentDatabaseIs503WithRetryAfter) {
    for (const char* state : {"08006", "53300", "57P01", "57P03"}) {
        pg::Error error = error_of(state);
        error.retry_after_s = 4;
        EXPECT_EQ(text(error), "503 database unavailable 4") << state;
    }
    pg::Error error;
    error.kind = pg::ErrorKind::unavailable;
    EXPECT_EQ(text(error), "503 database unavailable 1");
    error.kind = pg::ErrorKind::busy;
    EXPECT_EQ(text(error),
              "503 server busy: all connections to the database that calls like this one may use "
              "are taken; try again after 1 s, or ask for less. If it lasts, the operator raises "
              "gateway.database.slow_lanes (or fast_lanes, write_lanes) 1");
    EXPECT_EQ(text(error_of("25006")), "503 database is read-only (failover in progress) 1");
}

TEST_F(PgFailure, OurOwnFaultsSayNothing) {
    EXPECT_EQ(text(error_of("42601")), "-32603 internal error 0");
}

TEST_F(PgFailure, OtherStatesAreNamedByTheirCodeAlone) {
    EXPECT_EQ(text(error_of("P0001")), "the database refused the query (SQLSTATE P0001)");
    pg::Error error;
    EXPECT_EQ(text(error), "the database refused the query (SQLSTATE unknown)");
}

TEST_F(PgFailure, WorksWithoutKnowingTheStatement) {
    statement_ = {};
    pg::Error error = error_of("22P02");
    error.parameter = 1;
    EXPECT_TRUE(text(error).starts_with("invalid value: "));
    EXPECT_TRUE(text(error_of("42883")).starts_with("operator not supported"));
    EXPECT_EQ(text(error_of("42P01")), "table not found: the table");
}

}  // namespace
}  // namespace fluxgate::tools
