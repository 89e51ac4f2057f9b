// Arguments (parsed already) to SQL and parameters.
#include <benchmark/benchmark.h>

#include <string_view>

#include "bench/loop/bench_check.h"
#include "tests/tools/fixture.h"
#include "tools/table_query.h"

namespace fluxgate::tools {
namespace {

void build(benchmark::State& state, std::string_view text) {
    const pg::CatalogPtr catalog = test::make_catalog();
    test::JsonArguments json;
    const rpc::Json* arguments = json.parse(text);
    BENCH_CHECK(state, arguments != nullptr);
    loop::Arena arena;
    size_t parameters = 0;
    for (auto _ : state) {
        arena.reset();
        SqlText sql(&arena);
        const Checked<TableQuery> query =
            build_table_query(arguments, *catalog, http::Role::authenticated, sql);
        BENCH_CHECK(state, query.has_value());
        parameters = sql.parameters().size();
        benchmark::DoNotOptimize(sql.text().data());
    }
    state.counters["parameters"] = static_cast<double>(parameters);
}

void BM_Filter_TableAlone(benchmark::State& state) {
    build(state, R"({"table":"notes"})");
}

void BM_Filter_Typical(benchmark::State& state) {
    build(state, R"({"table":"notes","select":"id,owner,body,n","filter":{"ok":"eq.true"},)"
                 R"("order":"id.desc","limit":10})");
}

void BM_Filter_Rich(benchmark::State& state) {
    build(
        state,
        R"~({"table":"notes","select":"owner,count(*),total:sum(n)","filter":{"n":["gte.1","lt.99"],)~"
        R"~("or":[{"body":"ilike.%a%"},{"owner":"in.(a,b,\"c,d\")"}],"d":"is.not_null"},)~"
        R"~("order":"total.desc.nullslast,owner","limit":50,"offset":100})~");
}

BENCHMARK(BM_Filter_TableAlone);
BENCHMARK(BM_Filter_Typical);
BENCHMARK(BM_Filter_Rich);

}  // namespace
}  // namespace fluxgate::tools
