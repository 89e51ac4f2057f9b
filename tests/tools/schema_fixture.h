// What the tests of schema resources and prompts share: a catalog with keys, comments and tables to
// hide, a schema cache that does what a test tells it, and a way to run their coroutines.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop/loop.h"
#include "loop/scope.h"
#include "pg/schema_cache.h"
#include "rpc/prompt.h"
#include "rpc/protocol.h"
#include "rpc/resource.h"
#include "tests/tools/fixture.h"

namespace fluxgate::tools::test {

inline pg::Table odd_table() {
    pg::Table odd = make_table("sales", "a/b \"c\"%", {{"id", 20}});
    odd.kind = pg::Table::Kind::view;
    return odd;
}

// public.users <- sales.orders -> auth.users; what is not for all: auth, pg_catalog, hidden.
inline void add_shop(pg::CatalogBuilder& builder) {
    add_types(builder);
    pg::Type varying;
    varying.oid = 1043;
    varying.name = "character varying";
    builder.add_type(std::move(varying));
    pg::Type mood;
    mood.oid = mood_oid;
    mood.kind = pg::Type::Kind::enumeration;
    mood.name = "mood";
    mood.labels = {"ok"};
    builder.add_type(std::move(mood));
    pg::Table users = make_table("public", "users", {{"id", 2950}, {"mood", mood_oid}});
    users.primary_key = {"id"};
    users.comment = "who \"buys\"\nhere";
    users.columns[0].not_null = true;
    users.columns[0].has_default = true;
    users.columns[0].default_expression = "gen_random_uuid()";
    users.columns[1].comment = "of the day";
    users.indexes = {
        {.name = "users_pkey", .is_unique = true, .columns = {"id"}, .definition = ""}};
    builder.add_table(std::move(users));
    pg::Table orders =
        make_table("sales", "orders", {{"id", 20}, {"buyer", 2950}, {"code", 1043}, {"sum", 23}});
    orders.kind = pg::Table::Kind::partitioned;
    orders.row_security = true;
    orders.primary_key = {"id"};
    orders.columns[0].has_default = true;  // an identity
    orders.columns[2].modifier = 14;
    orders.columns[2].modified_type = "character varying(10)";
    orders.columns[3].is_generated = true;
    orders.columns[3].default_expression = "(1 + 1)";
    orders.foreign_keys = {{.name = "to_user",
                            .columns = {"buyer"},
                            .target_schema = "public",
                            .target_table = "users",
                            .target_columns = {"id"},
                            .on_delete = pg::ForeignKey::Action::cascade},
                           {.name = "to_auth",
                            .columns = {"buyer"},
                            .target_schema = "auth",
                            .target_table = "users",
                            .target_columns = {"id"}}};
    builder.add_table(std::move(orders));
    builder.add_table(odd_table());
    builder.add_table(make_table("auth", "users", {{"id", 2950}}));
    builder.add_table(make_table("pg_catalog", "pg_class", {{"oid", 23}}));
    pg::Table hidden = make_table("public", "hidden", {{"id", 20}});
    hidden.selectable_by = 0;
    builder.add_table(std::move(hidden));
}

class FakeSchemas final : public pg::SchemaCache {
public:
    pg::CatalogPtr now;
    pg::CatalogPtr next;  // what a refresh brings; null: nothing new
    int refreshes = 0;

    [[nodiscard]] pg::CatalogPtr current() const override { return now; }
    [[nodiscard]] loop::Task<pg::CatalogPtr> refresh(loop::Scope*) override {
        ++refreshes;
        if (next != nullptr) now = next;
        co_return now;
    }
};

class SchemaTest : public testing::Test {
protected:
    SchemaTest() {
        pg::CatalogBuilder builder;
        add_shop(builder);
        schemas.now = builder.build(1);
        who.role = http::Role::authenticated;
        who.scopes = {"read:tables"};
    }
    // A refresh brings public.fresh.
    void expect_news() {
        pg::CatalogBuilder builder;
        add_shop(builder);
        builder.add_table(make_table("public", "fresh", {{"body", 25}}));
        schemas.next = builder.build(2);
    }
    template <class Call>
    void prepare(Call& call) {
        call.scope = &scope;
        call.arena = &json.arena();
        call.principal = &who;
        call.protocol = &rpc::latest_legacy();
        call.protocol = &rpc::latest_legacy();
    }
    template <class Outcome>
    Outcome finish(loop::Task<Outcome> task) {
        struct Runner {
            static loop::Task<void> run(loop::Task<Outcome> task, std::optional<Outcome>* into) {
                Outcome got = co_await std::move(task);
                into->emplace(std::move(got));
            }
        };
        std::optional<Outcome> outcome;
        scope.spawn("work", Runner::run(std::move(task), &outcome));
        loop->run_until_idle();
        return std::move(*outcome);
    }
    template <class Completer>
    std::string complete(Completer& of, std::string_view argument, std::string_view value,
                         const char* settled = nullptr) {
        rpc::CompletionCall call;
        prepare(call);
        call.argument = argument;
        call.value = value;
        call.known = settled == nullptr ? nullptr : json.parse(settled);
        const rpc::CompletionOutcome outcome = finish(of.complete(&call));
        std::string text;
        for (const std::string& name : *outcome)
            text += name + " ";
        return text;
    }

    std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create(loop::Loop::Options()));
    loop::Scope scope{loop.get()};
    FakeSchemas schemas;
    http::Principal who;
    JsonArguments json;
};

}  // namespace fluxgate::tools::test
