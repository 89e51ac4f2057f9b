// The schema resources on a real PostgreSQL's catalog.
#include <gtest/gtest.h>

#include "rpc/resource_registry.h"
#include "tests/tools/query_table_fixture.h"
#include "tests/tools/schema_fixture.h"
#include "tools/schema_resources.h"

namespace fluxgate::tools::test {
namespace {

class SchemaResourcesPg : public QueryTableTest {
protected:
    // The text of a table's resource for alice; "not found", or a failure's code and message.
    std::string read(std::string_view uri, pg::SchemaCache* from) {
        loop->run_turn(std::chrono::milliseconds(2));
        rpc::ResourceRegistry registry({});
        registry.add(std::make_unique<SchemaTables>(pool.get(), from));
        registry.add(std::make_unique<SchemaTable>(pool.get(), from));
        JsonArguments json;
        loop::Scope scope(loop.get());
        const rpc::ResourceRegistry::Found found = registry.find(uri, &json.arena());
        const http::Principal alice = principal("alice");
        rpc::ReadCall call;
        call.scope = &scope;
        call.arena = &json.arena();
        call.principal = &alice;
        call.protocol = &rpc::latest_legacy();
        call.uri = uri;
        call.variables = found.variables;
        std::optional<rpc::ReadOutcome> outcome;
        struct Runner {
            static loop::Task<void> run(rpc::Resource* resource, rpc::ReadCall* call,
                                        std::optional<rpc::ReadOutcome>* into) {
                rpc::ReadOutcome got = co_await resource->read(call);
                into->emplace(std::move(got));
            }
        };
        scope.spawn("read", Runner::run(found.resource, &call, &outcome));
        run_until([&scope] { return scope.empty(); });
        if (!outcome->has_value()) {
            EXPECT_GE(outcome->error().retry_after_s, 1);
            return std::to_string(outcome->error().code) + " " + outcome->error().message;
        }
        if (!(*outcome)->found) return "not found";
        const rpc::Json* contents = json.parse(flatten((*outcome)->contents));
        return contents == nullptr ? "not JSON" : std::string(contents->find("text")->text);
    }
    std::string read(std::string_view uri) { return read(uri, schemas.get()); }
};

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST_F(SchemaResourcesPg, ShowWhatTheDatabaseHasAndTheRoleMayRead) {
    EXPECT_EQ(read("fluxbase://schema/tables/public/kids"), "not found");
    cluster.execute(
        "CREATE TYPE state AS ENUM ('open', 'shut');"
        "CREATE TABLE kids (id int PRIMARY KEY, note bigint REFERENCES notes ON DELETE SET NULL "
        "ON UPDATE CASCADE, state state DEFAULT 'open', code varchar(7), name text);"
        "CREATE INDEX by_name ON kids (lower(name), code) INCLUDE (id);"
        "COMMENT ON COLUMN kids.code IS 'of the school'");
    const std::string kids = read("fluxbase://schema/tables/public/kids");  // news
    for (const char* part :
         {"\"on_delete\": \"SET NULL\"", "\"on_update\": \"CASCADE\"",
          "\"referenced_table\": \"public.notes\"",
          "\"enum\": [\n        \"open\",\n        \"shut\"\n      ]", "\"max_length\": 7",
          "\"columns\": [\n        \"lower(name)\",\n        \"code\"\n      ]",
          "\"description\": \"of the school\"",
          "\"name\": \"kids_pkey\",\n      \"unique\": true"}) {
        EXPECT_TRUE(has(kids, part)) << part << kids;
    }
    const std::string all = read("fluxbase://schema/tables");
    EXPECT_TRUE(has(all, "\"public.kids\": {\n    \"columns\": [")) << all;
    for (const char* hidden : {"private_things", "auth.users", "pg_catalog", "broken"})
        EXPECT_FALSE(has(all, hidden)) << hidden;
    EXPECT_TRUE(has(read("fluxbase://schema/tables/public/broken"), "\"kind\": \"view\""));
    EXPECT_EQ(read("fluxbase://schema/tables/public/private_things"), "not found");
    EXPECT_EQ(read("fluxbase://schema/tables/auth/users"), "not found");
}

TEST_F(SchemaResourcesPg, ShowTypesWithTheirModifiers) {
    cluster.execute(
        "CREATE TABLE modified (a numeric(10,2), b char(3), c varchar(7), d timestamptz(3), "
        "e bit(4), f varchar(5)[], g interval second(2), h numeric)");
    const std::string text = read("fluxbase://schema/tables/public/modified");
    for (const char* type :
         {"numeric(10,2)", "character(3)", "character varying(7)", "timestamp(3) with time zone",
          "bit(4)", "character varying(5)[]", "interval second(2)", "numeric"}) {
        EXPECT_TRUE(has(text, "\"type\": \"" + std::string(type) + "\"")) << type << text;
    }
}

TEST_F(SchemaResourcesPg, LeaveOutColumnsWithoutAGrant) {
    cluster.execute(
        "CREATE TABLE partly (id int, shown text, kept text);"
        "REVOKE ALL ON partly FROM PUBLIC, anon, authenticated;"
        "GRANT SELECT (id, shown) ON partly TO authenticated");
    const std::string text = read("fluxbase://schema/tables/public/partly");
    EXPECT_TRUE(has(text, "\"shown\"")) << text;
    EXPECT_FALSE(has(text, "kept")) << text;
}

TEST_F(SchemaResourcesPg, WithoutACatalogTheDatabaseIsUnavailable) {
    FakeSchemas none;
    EXPECT_EQ(read("fluxbase://schema/tables", &none), "503 database unavailable");
    EXPECT_EQ(read("fluxbase://schema/tables/public/notes", &none), "503 database unavailable");
    EXPECT_EQ(none.refreshes, 2);
}

}  // namespace
}  // namespace fluxgate::tools::test
