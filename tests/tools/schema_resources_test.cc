#include "tools/schema_resources.h"

#include <gtest/gtest.h>

#include <array>

#include "rpc/resource_registry.h"
#include "tests/tools/schema_fixture.h"

namespace fluxgate::tools::test {
namespace {

class SchemaResourcesTest : public SchemaTest {
protected:
    SchemaResourcesTest() {
        registry.add(std::make_unique<SchemaTables>(nullptr, &schemas));
        registry.add(std::make_unique<SchemaTable>(nullptr, &schemas));
    }
    // The text of the contents; "not found" if there is none.
    std::string read(std::string_view uri) {
        const rpc::ResourceRegistry::Found found = registry.find(uri, &json.arena());
        if (found.resource == nullptr) return "no resource";
        rpc::ReadCall call;
        prepare(call);
        call.uri = uri;
        call.variables = found.variables;
        const rpc::ReadOutcome outcome = finish(found.resource->read(&call));
        if (!outcome) return outcome.error().message;
        hint = outcome->hint;
        if (!outcome->found) return "not found";
        const rpc::Json* contents = json.parse(flatten(outcome->contents));
        if (contents == nullptr) return "not JSON";
        EXPECT_EQ(contents->find("uri")->text, uri);
        EXPECT_EQ(contents->find("mimeType")->text, "application/json");
        const std::string text(contents->find("text")->text);
        EXPECT_NE(json.parse(text), nullptr) << text;
        return text;
    }
    std::string listed() {
        rpc::CallContext call;
        prepare(call);
        const rpc::ListOutcome outcome = finish(details()->list(&call));
        std::string text;
        for (const rpc::ListedResource& one : *outcome)
            text += one.uri.substr(schema_uri.size() + 1) + " ";
        return text;
    }
    rpc::Resource* details() { return registry.find_template(table_uri_template); }

    static constexpr std::string_view schema_uri = "fluxbase://schema/tables";
    static constexpr std::string_view table_uri_template =
        "fluxbase://schema/tables/{schema}/{table}";
    rpc::ResourceRegistry registry{{}};
    std::string hint;  // of the last read
};

TEST_F(SchemaResourcesTest, AColumnWithoutAGrantIsNamedNowhere) {
    pg::CatalogBuilder builder;
    add_types(builder);
    pg::Table target = make_table("public", "target", {{"id", 20}, {"secret", 20}});
    target.columns[1].selectable_by = 0b100;  // service_role alone
    builder.add_table(std::move(target));
    pg::Table table =
        make_table("public", "t", {{"id", 20}, {"secret", 25}, {"shown", 25}, {"made", 25}});
    table.columns[3].is_generated = true;
    table.columns[3].default_expression = "upper(secret)";
    table.columns[1].selectable_by = 0b100;
    table.primary_key = {"id", "secret"};
    const auto key = [](const char* name, const char* own, const char* of_target) {
        return pg::ForeignKey{.name = name,
                              .columns = {own},
                              .target_schema = "public",
                              .target_table = "target",
                              .target_columns = {of_target}};
    };
    table.foreign_keys = {key("fk_own", "secret", "id"), key("fk_target", "id", "secret"),
                          key("fk_shown", "shown", "id")};
    table.indexes = {
        {.name = "of_id", .is_unique = true, .columns = {"id"}, .definition = ""},
        {.name = "of_secret", .is_unique = false, .columns = {"id", "secret"}, .definition = ""},
        {.name = "of_text", .is_unique = false, .columns = {"lower(secret)"}, .definition = ""}};
    builder.add_table(std::move(table));
    schemas.now = builder.build(1);

    const std::string uri = "fluxbase://schema/tables/public/t";
    const std::string seen = read(uri);
    for (const char* part :
         {"\"shown\"", "\"made\"", "\"fk_shown\"", "\"of_id\"", "\"primary_key\": [\n"})
        EXPECT_NE(seen.find(part), std::string::npos) << part << seen;
    for (const char* part : {"secret", "fk_own", "fk_target", "of_secret", "of_text"})
        EXPECT_EQ(seen.find(part), std::string::npos) << part << seen;
    EXPECT_EQ(read("fluxbase://schema/tables").find("secret"), std::string::npos);

    who.role = http::Role::service_role;
    const std::string all = read(uri);
    for (const char* part : {"fk_own", "fk_target", "of_secret", "of_text", "upper(secret)"})
        EXPECT_NE(all.find(part), std::string::npos) << part << all;
}

TEST_F(SchemaResourcesTest, ATableThatIsNotThereIsAnsweredWithTheNearest) {
    EXPECT_EQ(read("fluxbase://schema/tables/sales/ordesr"), "not found");
    EXPECT_EQ(hint, R"(; did you mean "fluxbase://schema/tables/sales/orders"?)");
    EXPECT_NE(read("fluxbase://schema/tables/sales/orders"), "not found");
    EXPECT_EQ(hint, "");
    EXPECT_EQ(read("fluxbase://schema/tables/sales/a%2Fb%20%22c%22"), "not found");
    EXPECT_EQ(hint, R"(; did you mean "fluxbase://schema/tables/sales/a%2Fb%20%22c%22%25"?)");
    EXPECT_EQ(read("fluxbase://schema/tables/zzzzzzzz/zzzzzzzz"), "not found");
    EXPECT_EQ(hint, "");
}

TEST_F(SchemaResourcesTest, WhereSingleTablesAreAllowedNoOthersAreProposed) {
    const auto hint_where = [this](std::vector<std::string> allowed) {
        SchemaTable table(nullptr, &schemas, allowed);
        const std::array<rpc::TemplateVariable, 2> variables = {
            rpc::TemplateVariable{"schema", "sales"}, rpc::TemplateVariable{"table", "ordesr"}};
        rpc::ReadCall call;
        prepare(call);
        call.uri = "fluxbase://schema/tables/sales/ordesr";
        call.variables = variables;
        const rpc::ReadOutcome outcome = finish(table.read(&call));
        EXPECT_FALSE(outcome->found);
        return outcome->hint;
    };
    EXPECT_EQ(hint_where({"fluxbase://schema/tables/sales/ordesr"}), "");
    EXPECT_EQ(hint_where({"fluxbase://schema/tables"}), "");
    EXPECT_NE(hint_where({std::string(table_uri_template)}), "");
    EXPECT_NE(hint_where({}), "");
}

TEST_F(SchemaResourcesTest, TheListHasBaseTablesWithColumnsAndKeys) {
    EXPECT_EQ(read(schema_uri), R"json({
  "public.users": {
    "columns": [
      {
        "default": "gen_random_uuid()",
        "name": "id",
        "nullable": false,
        "primary_key": true,
        "type": "uuid"
      },
      {
        "description": "of the day",
        "enum": [
          "ok"
        ],
        "name": "mood",
        "nullable": true,
        "type": "mood"
      }
    ],
    "description": "who \"buys\"\nhere",
    "name": "users",
    "primary_key": [
      "id"
    ],
    "schema": "public"
  },
  "sales.orders": {
    "columns": [
      {
        "identity": true,
        "name": "id",
        "nullable": true,
        "primary_key": true,
        "type": "bigint"
      },
      {
        "name": "buyer",
        "nullable": true,
        "type": "uuid"
      },
      {
        "name": "code",
        "nullable": true,
        "type": "character varying(10)"
      },
      {
        "generated": "(1 + 1)",
        "name": "sum",
        "nullable": true,
        "type": "integer"
      }
    ],
    "foreign_keys": [
      {
        "column": "buyer",
        "name": "to_user",
        "on_delete": "CASCADE",
        "on_update": "NO ACTION",
        "referenced_column": "id",
        "referenced_table": "public.users"
      }
    ],
    "name": "orders",
    "primary_key": [
      "id"
    ],
    "schema": "sales"
  }
})json");
}

TEST_F(SchemaResourcesTest, ATablesOwnResourceSaysMore) {
    const std::string orders = read("fluxbase://schema/tables/sales/orders");
    for (const char* part : {"\"max_length\": 10", "\"position\": 4", "\"row_security\": true",
                             "\"kind\": \"partitioned table\""}) {
        EXPECT_NE(orders.find(part), std::string::npos) << part << orders;
    }
    EXPECT_EQ(orders.find("to_auth"), std::string::npos);
    EXPECT_NE(read("fluxbase://schema/tables/public/users")
                  .find("\"indexes\": [\n    {\n      \"columns\": [\n        \"id\"\n      ],\n"
                        "      \"name\": \"users_pkey\",\n      \"unique\": true\n    }\n  ]"),
              std::string::npos);
    EXPECT_NE(read("fluxbase://schema/tables/sales/a%2Fb%20%22c%22%25").find("\"kind\": \"view\""),
              std::string::npos);
}

TEST_F(SchemaResourcesTest, WhatTheCallerMayNotReadIsNotFound) {
    for (const char* table : {"auth/users", "public/hidden", "pg_catalog/pg_class", "public/none",
                              "public/Users", "PUBLIC/users", "none/users", "public/us%2500"}) {
        EXPECT_EQ(read("fluxbase://schema/tables/" + std::string(table)), "not found") << table;
    }
    EXPECT_EQ(read("fluxbase://schema/tables/public"), "no resource");
    EXPECT_EQ(read("fluxbase://schema/tables/public/us%00"), "no resource");
    who.role = http::Role::service_role;
    EXPECT_NE(read("fluxbase://schema/tables/auth/users"), "not found");
    EXPECT_EQ(read("fluxbase://schema/tables/public/hidden"), "not found");
    EXPECT_EQ(hint.find("hidden"), std::string::npos) << hint;
}

TEST_F(SchemaResourcesTest, AServiceKeySeesInternalSchemasButNotTheSystemsUnasked) {
    pg::CatalogBuilder builder;
    for (const char* schema : {"auth", "pg_catalog", "information_schema"}) {
        pg::Table table = make_table(schema, "t", {});
        table.selectable_by = 0xF;
        builder.add_table(std::move(table));
    }
    schemas.now = builder.build(1);
    EXPECT_EQ(read(schema_uri), "{}");
    EXPECT_EQ(listed(), "");
    who.role = http::Role::service_role;
    EXPECT_EQ(listed(), "auth/t ");
    EXPECT_EQ(complete(*details(), "schema", ""), "auth ");
    EXPECT_EQ(read("fluxbase://schema/tables/pg_catalog/t").find("not found"), std::string::npos);
}

TEST_F(SchemaResourcesTest, AMissLooksOnceInAFreshCatalog) {
    EXPECT_EQ(read("fluxbase://schema/tables/public/fresh"), "not found");
    EXPECT_EQ(schemas.refreshes, 1);
    expect_news();
    EXPECT_NE(read("fluxbase://schema/tables/public/fresh"), "not found");
    EXPECT_EQ(schemas.refreshes, 2);
    EXPECT_NE(read("fluxbase://schema/tables/public/fresh"), "not found");
    EXPECT_EQ(schemas.refreshes, 2);
}

TEST_F(SchemaResourcesTest, ListsReadableTablesAndViewsByUri) {
    EXPECT_EQ(listed(), "public/users sales/a%2Fb%20%22c%22%25 sales/orders ");
    who.role = http::Role::anon;
    EXPECT_EQ(listed(), "public/users sales/a%2Fb%20%22c%22%25 sales/orders ");
}

TEST_F(SchemaResourcesTest, CompletesToWhatTheCallerMayRead) {
    rpc::Resource& table = *details();
    EXPECT_EQ(complete(table, "schema", ""), "public sales ");
    EXPECT_EQ(complete(table, "schema", "PU"), "public ");
    EXPECT_EQ(complete(table, "schema", "L"), "public sales ");
    EXPECT_EQ(complete(table, "schema", "auth"), "");
    EXPECT_EQ(complete(table, "table", ""), "a/b \"c\"% orders users ");
    EXPECT_EQ(complete(table, "table", "R"), "orders users ");
    EXPECT_EQ(complete(table, "table", "u"), "users ");
    EXPECT_EQ(complete(table, "table", "", R"({"schema":"sales"})"), "a/b \"c\"% orders ");
    EXPECT_EQ(complete(table, "table", "", R"({"schema":"auth"})"), "");
    EXPECT_EQ(complete(table, "table", "hid"), "");
    EXPECT_DEATH((void)complete(table, "nothing", ""), "");  // the dispatcher refuses it
}

}  // namespace
}  // namespace fluxgate::tools::test
