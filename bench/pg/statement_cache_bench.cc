// What pg/ spends on a call before libpq sees it: finding its prepared statement and its shape.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "loop/check.h"
#include "pg/error.h"
#include "pg/shape_table.h"
#include "pg/statement_cache.h"

namespace fluxgate::pg {
namespace {

const std::string sql =
    "SELECT \"id\", \"owner\", \"body\", \"created_at\" FROM \"app\".\"notes\" WHERE \"is_active\" "
    "= $1 "
    "AND \"created_at\" > $2 ORDER BY \"created_at\" DESC LIMIT $3";

void BM_StatementCache_Hit(benchmark::State& state) {
    StatementCache cache(256, "");
    const std::vector<Parameter> parameters(3);
    for (int at = 0; at < 255; ++at) {
        const std::string other = sql + std::to_string(at);
        cache.add(hash_of(other, parameters), other, parameters);
    }
    const Statement* wanted = cache.add(hash_of(sql, parameters), sql, parameters);
    FLUX_CHECK(cache.find(hash_of(sql, parameters), sql, parameters) == wanted);
    for (auto _ : state) {
        const uint64_t key = hash_of(sql, parameters);
        benchmark::DoNotOptimize(cache.find(key, sql, parameters));
    }
}
BENCHMARK(BM_StatementCache_Hit);

void BM_ShapeTable_Quick(benchmark::State& state) {
    ShapeTable shapes;
    const loop::Instant now{std::chrono::seconds(1)};
    for (uint64_t shape = 0; shape < 100; ++shape)
        shapes.timed_out(shape, now);
    FLUX_CHECK(shapes.is_slow(5) && !shapes.is_slow(500));
    for (auto _ : state) {
        benchmark::DoNotOptimize(shapes.is_slow(500));
        shapes.ran(500, std::chrono::microseconds(80), now);
    }
}
BENCHMARK(BM_ShapeTable_Quick);

void BM_SqlState(benchmark::State& state) {
    FLUX_CHECK(kind_of_sqlstate("57014") == ErrorKind::timeout);
    for (auto _ : state)
        benchmark::DoNotOptimize(kind_of_sqlstate("57014"));
}
BENCHMARK(BM_SqlState);

}  // namespace
}  // namespace fluxgate::pg
