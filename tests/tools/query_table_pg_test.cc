// query_table from arguments to rows, on a real PostgreSQL.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "rpc/protocol.h"
#include "tests/tools/query_table_fixture.h"

namespace fluxgate::tools::test {
namespace {

using QueryTablePg = QueryTableTest;

// Cases of the shared data that this server answers otherwise, and why. Keyed by the argument that
// is new.
bool is_disputed(std::string_view line, std::string_view& expect) {
    // A limit of 0 or over 1000: docs/architecture.md decides for an error and for the clamp.
    if (line.find("\"limit\": 0}") != std::string_view::npos) {
        expect = "error";
        return true;
    }
    if (line.find("\"limit\": 1001}") != std::string_view::npos) {
        expect = "rows";
        return true;
    }
    // `select` has aliases and a closed set of aggregates here.
    if (line.find("\"select\": \"count(*)\"") != std::string_view::npos ||
        line.find("\"select\": \"body as x\"") != std::string_view::npos) {
        expect = "rows";
        return true;
    }
    return false;
}

TEST_F(QueryTablePg, MeetsTheSharedFilterCases) {
    std::ifstream file(std::string(FLUXGATE_TEST_DATA) + "/pg-filter/cases.jsonl");
    ASSERT_TRUE(file);
    int cases = 0;
    int disputed = 0;
    int of_later_tools = 0;
    for (std::string line; std::getline(file, line);) {
        ++cases;
        JsonArguments json;
        const rpc::Json* test = json.parse(line);
        ASSERT_NE(test, nullptr) << line;
        if (test->find("tool")->text != "query_table") {
            ++of_later_tools;
            continue;
        }
        // The arguments as they stand in the line, up to the next member.
        const size_t start = line.find("\"arguments\": ") + 13;
        const std::string arguments = line.substr(start, line.rfind(", \"expect\"") - start);
        std::string_view expect = test->find("expect")->text;
        disputed += is_disputed(arguments, expect) ? 1 : 0;
        const Answer answer = call(arguments);
        EXPECT_EQ(answer.failure, 0) << arguments.substr(0, 200);
        EXPECT_EQ(answer.is_error, expect == "error") << arguments.substr(0, 200) << answer.text;
        if (expect == "none") {
            EXPECT_EQ(answer.text, "[]") << arguments;
        } else if (expect == "rows") {
            EXPECT_TRUE(answer.text.starts_with("[{")) << arguments << answer.text;
        }
        EXPECT_EQ(answer.text.find("secret of bob"), std::string::npos) << arguments;
    }
    EXPECT_EQ(cases, 78);
    EXPECT_EQ(of_later_tools, 13);
    EXPECT_EQ(disputed, 4);
}

TEST_F(QueryTablePg, AnswersRowsTwice) {
    const Answer answer = call(R"({"table":"notes","select":"id,body,ok","order":"id","limit":2})");
    EXPECT_FALSE(answer.is_error);
    EXPECT_EQ(answer.text, R"([{"id":1,"body":"first","ok":true},{"id":2,"body":"","ok":false}])");
    EXPECT_EQ(answer.structured,
              R"({"rows":[{"id":1,"body":"first","ok":true},{"id":2,"body":"","ok":false}]})");
    const Answer old = call(R"({"table":"notes","filter":{"n":"gt.99"}})", principal("alice"),
                            rpc::find_protocol("2025-03-26"));
    EXPECT_EQ(old.text, "[]");
    EXPECT_EQ(old.structured, "");
    EXPECT_TRUE(call("").is_error);  // no arguments at all
}

TEST_F(QueryTablePg, ShowsEachCallerItsOwnRows) {
    const std::string all = R"~({"table":"notes","select":"count(*)"})~";
    EXPECT_EQ(call(all).text, R"([{"count":4}])");
    EXPECT_EQ(call(all, principal("bob")).text, R"([{"count":1}])");
    EXPECT_EQ(call(all, principal("mallory")).text, R"([{"count":0}])");
    EXPECT_EQ(call(all, service_key()).text, R"([{"count":5}])");
    EXPECT_TRUE(call(all, anon()).text.starts_with("permission denied"));
    EXPECT_TRUE(call(R"({"table":"private_things"})").text.starts_with("permission denied"));
    EXPECT_EQ(call(R"({"table":"auth.users"})", service_key()).text, R"([{"id":1}])");
    EXPECT_TRUE(call(R"({"table":"auth.users"})").text.starts_with("table not found: auth.users"));
    EXPECT_FALSE(
        call(R"({"table":"information_schema.tables","limit":1})", service_key()).is_error);
}

TEST_F(QueryTablePg, ShowsTheColumnsThatAreGranted) {
    cluster.execute(
        "CREATE TABLE graded (id int, kept text, shown text);"
        "REVOKE ALL ON graded FROM PUBLIC, anon, authenticated;"
        "GRANT SELECT (id, shown) ON graded TO authenticated; INSERT INTO graded VALUES (1, 'a', "
        "'b')");
    EXPECT_EQ(call(R"({"table":"graded"})").text, R"([{"id":1,"shown":"b"}])");
    EXPECT_EQ(call(R"~({"table":"graded","select":"count(*)"})~").text, R"([{"count":1}])");
    const Answer hidden = call(R"({"table":"graded","select":"kept"})");
    EXPECT_EQ(hidden.text, R"(unknown column "kept" in public.graded; columns: id, shown)");
    EXPECT_EQ(hidden.sqlstate, "");
    // A grant is news as a column is.
    cluster.execute("GRANT SELECT (kept) ON graded TO authenticated");
    EXPECT_EQ(call(R"({"table":"graded","select":"kept"})").text, R"([{"kept":"a"}])");
    EXPECT_EQ(call(R"({"table":"graded"})", anon()).text,
              call(R"({"table":"graded","select":"no_such"})", anon()).text);
}

TEST_F(QueryTablePg, GroupsSortsAndPages) {
    const auto text = [this](const std::string& arguments) { return call(arguments).text; };
    EXPECT_EQ(
        text(
            R"~({"table":"notes","select":"ok,count(*),total:sum(n)","order":"count.desc,ok.desc.nullslast"})~"),
        R"([{"ok":true,"count":2,"total":1},{"ok":false,"count":1,"total":2},)"
        R"({"ok":null,"count":1,"total":3}])");
    EXPECT_EQ(
        text(R"~({"table":"notes","select":"min(n),max(n),avg(n),d:count(distinct owner)"})~"),
        R"([{"min":1,"max":3,"avg":2.0000000000000000,"d":1}])");
    EXPECT_EQ(text(R"({"table":"notes","select":"k:id","order":"k.desc","limit":2,"offset":1})"),
              R"([{"k":3},{"k":2}])");
    EXPECT_EQ(text(R"({"table":"notes","select":"id","order":"n.asc.nullsfirst","limit":1})"),
              R"([{"id":4}])");
    EXPECT_EQ(
        text(
            R"({"table":"notes","select":"id","order":"id","filter":{"or":[{"n":"eq.1"},{"n":"is.null"}],"ok":"is.true"}})"),
        R"([{"id":1},{"id":4}])");
    EXPECT_EQ(
        text(R"({"table":"notes","select":"id","order":"id","filter":{"n":["gte.2","lt.3"]}})"),
        R"([{"id":2}])");
}

TEST_F(QueryTablePg, SaysWhatIsWrongWithoutSayingTooMuch) {
    const auto error = [this](const std::string& arguments) {
        const Answer answer = call(arguments);
        EXPECT_TRUE(answer.is_error) << arguments << answer.text;
        for (const char* leak :
             {"SELECT", "WHERE", "$1", "syntax", "HINT", "pg_catalog", "ERROR"}) {
            EXPECT_EQ(answer.text.find(leak), std::string::npos) << answer.text;
        }
        return answer.text;
    };
    EXPECT_EQ(error(R"({"table":"notes","filter":{"ok":"is.true","n":"eq.abc"}})"),
              R"(invalid value for column "n" (integer): "abc")");
    EXPECT_EQ(error(R"~({"table":"notes","filter":{"n":"in.(1,abc)"}})~"),
              R"(invalid value for column "n" (integer): "{\"1\",\"abc\"}")");
    EXPECT_EQ(error(R"({"table":"notes","filter":{"body":"eq.x","n":"like.1%"}})"),
              R"(operator not supported for column "n" (integer): like; it is for text)");
    EXPECT_EQ(
        error(R"~({"table":"notes","select":"sum(body)"})~"),
        R"(operator not supported for column "body" (text): sum; it is for numbers and intervals)");
    EXPECT_TRUE(error(R"({"table":"broken"})").starts_with("invalid value: a value in the query"));
    EXPECT_EQ(error(R"({"table":"notes","select":"id,bodi"})").substr(0, 61),
              R"(unknown column "bodi" in public.notes; did you mean "body"? c)");
    const Answer slow = call(R"({"table":"slow"})");
    EXPECT_TRUE(slow.text.starts_with("query timed out after 2000 ms")) << slow.text;
    EXPECT_EQ(slow.sqlstate, "57014");
}

TEST_F(QueryTablePg, LearnsOfNewTablesAndColumnsAtTheFirstMiss) {
    EXPECT_TRUE(call(R"({"table":"fresh"})").is_error);
    cluster.execute("CREATE TABLE fresh (a int); INSERT INTO fresh VALUES (1)");
    EXPECT_EQ(call(R"({"table":"fresh"})").text, R"([{"a":1}])");
    cluster.execute("ALTER TABLE fresh ADD b text DEFAULT 'x'");
    EXPECT_EQ(call(R"({"table":"fresh","select":"b"})").text, R"([{"b":"x"}])");
    EXPECT_EQ(call(R"({"table":"fresh"})").text, R"([{"a":1,"b":"x"}])");
    // And the other way round: PostgreSQL knows that it is gone, the cache does not yet.
    cluster.execute("ALTER TABLE fresh DROP b");
    EXPECT_TRUE(call(R"({"table":"fresh","select":"b"})").text.starts_with("unknown column \"b\""));
    cluster.execute("DROP TABLE fresh");
    EXPECT_TRUE(call(R"({"table":"fresh"})").text.starts_with("table not found: public.fresh"));
}

TEST_F(QueryTablePg, RefusesAResultOverItsBudget) {
    cluster.execute(
        "CREATE TABLE wide AS SELECT repeat('\"', 20000) AS x FROM generate_series(1, 900)");
    EXPECT_TRUE(
        call(R"({"table":"wide","limit":1000})").text.starts_with("result too large: over 16"));
    cluster.execute(
        "CREATE TABLE wider AS SELECT repeat('x', 20000) AS x FROM generate_series(1, 900)");
    EXPECT_TRUE(call(R"({"table":"wider","limit":1000})").is_error);
    const Answer some = call(R"({"table":"wider","limit":300})");
    EXPECT_FALSE(some.is_error) << some.text.substr(0, 200);
    EXPECT_GT(some.text.size(), 6'000'000u);
}

TEST_F(QueryTablePg, AnAbsentDatabaseIs503AndComesBack) {
    EXPECT_FALSE(call(R"({"table":"notes"})").is_error);
    cluster.stop_immediately();
    const Answer away = call(R"({"table":"notes"})");
    EXPECT_EQ(away.failure, 503);
    EXPECT_GE(away.retry_after_s, 1);
    EXPECT_TRUE(away.text == "database unavailable" || away.text.starts_with("server busy: "))
        << away.text;
    cluster.start();
    Answer back;
    const loop::Instant give_up = loop->clock_now() + std::chrono::seconds(10);
    do {
        loop->run_turn(std::chrono::milliseconds(50));
        back = call(R"({"table":"notes"})");
    } while (back.failure == 503 && loop->clock_now() < give_up);
    EXPECT_FALSE(back.is_error) << back.text;
    EXPECT_EQ(back.failure, 0) << back.text;
}

}  // namespace
}  // namespace fluxgate::tools::test
