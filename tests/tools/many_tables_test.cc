// A database of 5,000 tables with ten columns each: whoever goes over all of them lets other tasks
// of the loop run meanwhile.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "loop/turn_break.h"
#include "pg/catalog_diff.h"
#include "rpc/list_page.h"
#include "rpc/resource_registry.h"
#include "tests/tools/schema_fixture.h"
#include "tools/prompts.h"
#include "tools/schema_resources.h"

namespace fluxgate::tools::test {
namespace {

constexpr size_t tables_count = 5'000;

pg::CatalogPtr make_large_catalog(uint64_t version) {
    pg::CatalogBuilder builder;
    add_types(builder);
    for (size_t i = 0; i < tables_count; ++i) {
        pg::Table table =
            make_table("schema_" + std::to_string(i % 10), "table_" + std::to_string(i), {});
        for (size_t j = 0; j < 10; ++j) {
            pg::Column column;
            column.name = "column_" + std::to_string(j);
            column.type = j == 0 ? 20 : 25;
            table.columns.push_back(std::move(column));
        }
        table.foreign_keys = {{.name = "to_self",
                               .columns = {"column_0"},
                               .target_schema = table.schema,
                               .target_table = table.name,
                               .target_columns = {"column_0"}}};
        table.indexes = {
            {.name = "key", .is_unique = true, .columns = {"column_0"}, .definition = ""}};
        builder.add_table(std::move(table));
    }
    return builder.build(version);
}

class ManyTables : public SchemaTest {
protected:
    ManyTables() {
        schemas.now = make_large_catalog(1);
        registry.add(std::make_unique<SchemaTables>(nullptr, &schemas));
        registry.add(std::make_unique<SchemaTable>(nullptr, &schemas));
    }
    // The turns that another task has had while `task` ran.
    template <class Outcome>
    size_t turns_beside(loop::Task<Outcome> task, Outcome* into = nullptr) {
        bool is_done = false;
        size_t turns = 0;
        struct Runner {
            static loop::Task<void> work(loop::Task<Outcome> task, bool* is_done, Outcome* into) {
                Outcome got = co_await std::move(task);
                if (into != nullptr) *into = std::move(got);
                *is_done = true;
            }
            static loop::Task<void> watch(loop::Loop* loop, const bool* is_done, size_t* turns) {
                for (; !*is_done; ++*turns)
                    co_await loop::TurnBreak(*loop);
            }
        };
        scope.spawn("work", Runner::work(std::move(task), &is_done, into));
        scope.spawn("watch", Runner::watch(loop.get(), &is_done, &turns));
        loop->run_until_idle();
        return turns;
    }
    size_t turns_of_completion(auto& of, std::string_view argument, const char* settled = nullptr) {
        rpc::CompletionCall call;
        prepare(call);
        call.argument = argument;
        call.known = settled == nullptr ? nullptr : json.parse(settled);
        rpc::CompletionOutcome outcome;
        const size_t turns = turns_beside(of.complete(&call), &outcome);
        EXPECT_FALSE(outcome->empty());
        EXPECT_TRUE(std::ranges::is_sorted(
            outcome->begin(), outcome->begin() + static_cast<std::ptrdiff_t>(
                                                     std::min<size_t>(outcome->size(), 100))));
        return turns;
    }
    size_t turns_of_prompt(rpc::Prompt& prompt) {
        rpc::PromptCall call;
        prepare(call);
        rpc::PromptOutcome outcome;
        const size_t turns = turns_beside(prompt.get(&call), &outcome);
        EXPECT_TRUE(outcome.has_value());
        return turns;
    }
    rpc::ResourceRegistry registry{{}};
};

TEST_F(ManyTables, AreCompletedInSeveralTurns) {
    rpc::Resource& table = *registry.find_template("fluxbase://schema/tables/{schema}/{table}");
    EXPECT_GE(turns_of_completion(table, "table"), 2U);
    const auto policy = make_write_rls_policy(nullptr, &schemas);
    EXPECT_GE(turns_of_completion(*policy, "table"), 2U);
    EXPECT_GE(turns_of_completion(*policy, "owner_column"), 25U);
}

TEST_F(ManyTables, AreLookedThroughInSeveralTurnsForOneSchemaToo) {
    rpc::Resource& table = *registry.find_template("fluxbase://schema/tables/{schema}/{table}");
    const size_t turns = turns_of_completion(table, "table", nullptr);
    EXPECT_EQ(turns_of_completion(table, "table", R"({"schema":"schema_9"})"), turns);
}

TEST_F(ManyTables, AreNotLookedThroughForTheColumnsOfOne) {
    const auto policy = make_write_rls_policy(nullptr, &schemas);
    EXPECT_LE(turns_of_completion(*policy, "owner_column", R"({"table":"schema_9.table_9"})"), 1U);
}

TEST_F(ManyTables, AreListedInSeveralTurns) {
    rpc::CallContext call;
    prepare(call);
    loop::BlockChain page;
    std::expected<std::string, rpc::CallFailure> last;
    EXPECT_GE(turns_beside(rpc::write_resources_page(&call, &registry, "", &page), &last), 25U);
    // schema_0 has table_0, table_10, table_100, …: the fixed resource and 99 of them.
    EXPECT_EQ(*last, "fluxbase://schema/tables/schema_0/table_1870");
}

TEST_F(ManyTables, AreReadInSeveralTurns) {
    rpc::ReadCall call;
    prepare(call);
    call.uri = "fluxbase://schema/tables";
    rpc::Resource& all = *registry.find(call.uri, &json.arena()).resource;
    EXPECT_GE(turns_beside(all.read(&call)), 10U);
}

TEST_F(ManyTables, AreLookedThroughForAPromptInSeveralTurns) {
    EXPECT_GE(turns_of_prompt(*make_answer_from_knowledge_base(nullptr, &schemas)), 25U);
    EXPECT_GE(turns_of_prompt(*make_find_slow_queries(nullptr, &schemas)), 25U);
}

TEST_F(ManyTables, AreComparedInSeveralTurns) {
    const pg::CatalogPtr now = make_large_catalog(2);
    std::vector<pg::TableName> changed = {{"a", "b"}};
    EXPECT_GE(turns_beside(pg::changed_tables(loop.get(), schemas.now.get(), now.get()), &changed),
              25U);
    EXPECT_TRUE(changed.empty());
}

TEST_F(ManyTables, ThatCameWentOrLookDifferentAreTheOnesThatChanged) {
    const auto catalog_of = [](uint64_t version, std::initializer_list<const char*> names) {
        pg::CatalogBuilder builder;
        add_types(builder);
        for (const char* name : names) {
            pg::Table table = make_table("s", name, {{"id", 20}});
            if (version == 2 && table.name == "other") table.columns[0].selectable_by = 1;
            builder.add_table(std::move(table));
        }
        return builder.build(version);
    };
    const pg::CatalogPtr before = catalog_of(1, {"gone", "other", "same"});
    const pg::CatalogPtr now = catalog_of(2, {"came", "other", "same"});
    const auto changed = finish(pg::changed_tables(loop.get(), before.get(), now.get()));
    EXPECT_EQ(changed, (std::vector<pg::TableName>{{"s", "came"}, {"s", "gone"}, {"s", "other"}}));
}

}  // namespace
}  // namespace fluxgate::tools::test
