// What goes over all tables of a large database, 5,000 of ten columns, in one turn. Whatever takes
// longer than a turn may (1 ms) is broken up, see tests/tools/many_tables_test.cc.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/loop/bench_check.h"
#include "tests/tools/fixture.h"
#include "tools/table_choice.h"
#include "tools/table_name.h"

namespace fluxgate::tools {
namespace {

constexpr size_t tables_count = 5'000;
constexpr http::Role role = http::Role::authenticated;

pg::CatalogPtr make_large_catalog(uint64_t version) {
    pg::CatalogBuilder builder;
    test::add_types(builder);
    for (size_t i = 0; i < tables_count; ++i) {
        pg::Table table =
            test::make_table("schema_" + std::to_string(i % 10), "some_table_" + std::to_string(i),
                             {{"id", 20},
                              {"owner", 25},
                              {"body", 25},
                              {"state", 25},
                              {"number", 23},
                              {"is_open", 16},
                              {"details", 3802},
                              {"created_at", 1184},
                              {"changed_at", 1184},
                              {"price", 1700}});
        table.comment = "what is kept here";
        builder.add_table(std::move(table));
    }
    return builder.build(version);
}

void BM_Catalog_ShownTables(benchmark::State& state) {
    const pg::CatalogPtr catalog = make_large_catalog(1);
    for (auto _ : state)
        BENCH_CHECK(state, shown_tables(*catalog, role).size() == tables_count);
}
BENCHMARK(BM_Catalog_ShownTables);

void BM_Catalog_TableNotFound(benchmark::State& state) {
    const pg::CatalogPtr catalog = make_large_catalog(1);
    for (auto _ : state)
        BENCH_CHECK(state, !find_table(*catalog, "schema_1.some_tabel", role).has_value());
}
BENCHMARK(BM_Catalog_TableNotFound);

}  // namespace
}  // namespace fluxgate::tools
