// Rows of 8 columns to JSON at both levels, against memcpy of the same bytes (bar: at least 0.15 of
// it).
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "bench/loop/bench_check.h"
#include "tests/tools/fixture.h"
#include "tools/row_json.h"

namespace fluxgate::tools {
namespace {

using rpc::Escape;

pg::Result make_rows(int64_t count) {
    std::vector<std::vector<test::Cell>> rows;
    for (int64_t i = 0; i < count; ++i) {
        rows.push_back(
            {std::to_string(100'000 + i), "Ada Lovelace " + std::to_string(i),
             "ada.lovelace@example.com", "1234.50", "t", "2026-11-22 13:37:00.123456+00",
             "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
             i % 4 == 0 ? test::Cell() : test::Cell("a note that goes on for a little while")});
    }
    return test::make_result({{"id", 20},
                              {"name", 25},
                              {"email", 25},
                              {"total", 1700},
                              {"is_active", 16},
                              {"created_at", 1184},
                              {"key", 2950},
                              {"note", 25}},
                             rows);
}

template <Escape level>
void BM_RowJson(benchmark::State& state) {
    const pg::CatalogPtr catalog = test::make_catalog();
    const pg::Result result = make_rows(state.range(0));
    test::JsonArguments json;
    BENCH_CHECK(state, json.parse(test::render<Escape::once>(*catalog, result)) != nullptr);
    size_t bytes = 0;
    loop::Arena arena;
    for (auto _ : state) {
        arena.reset();
        loop::BlockChain out;
        const RowPlan plan = make_row_plan(*catalog, result, {}, &arena);
        BENCH_CHECK(state, append_rows<level>(plan, result, 0, result.rows(), 1u << 30, out));
        bytes = out.size();
    }
    state.SetBytesProcessed(static_cast<int64_t>(bytes) * state.iterations());
    state.counters["ns_per_row"] = benchmark::Counter(
        static_cast<double>(state.range(0)) * 1e-9,
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// The same bytes from one place into fresh blocks, and from one place to another.
void BM_RowJson_CopyToBlocks(benchmark::State& state) {
    const pg::CatalogPtr catalog = test::make_catalog();
    const std::string bytes = test::render<Escape::twice>(*catalog, make_rows(state.range(0)));
    for (auto _ : state) {
        loop::BlockChain out;
        out.append(bytes);
        benchmark::DoNotOptimize(out.size());
    }
    state.SetBytesProcessed(static_cast<int64_t>(bytes.size()) * state.iterations());
}

void BM_RowJson_Memcpy(benchmark::State& state) {
    const pg::CatalogPtr catalog = test::make_catalog();
    const std::string bytes = test::render<Escape::twice>(*catalog, make_rows(state.range(0)));
    std::string target(bytes.size(), '\0');
    for (auto _ : state) {
        std::memcpy(target.data(), bytes.data(), bytes.size());
        benchmark::DoNotOptimize(target.data());
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(static_cast<int64_t>(bytes.size()) * state.iterations());
}

BENCHMARK(BM_RowJson<Escape::once>)->Arg(10)->Arg(1000);
BENCHMARK(BM_RowJson<Escape::twice>)->Arg(10)->Arg(1000);
BENCHMARK(BM_RowJson_CopyToBlocks)->Arg(10)->Arg(1000);
BENCHMARK(BM_RowJson_Memcpy)->Arg(10)->Arg(1000);

}  // namespace
}  // namespace fluxgate::tools
