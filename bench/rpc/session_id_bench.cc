// What a session costs each of its requests: the id, and whose it is.
#include "rpc/session_id.h"

#include <benchmark/benchmark.h>

#include <string>

#include "bench/loop/bench_check.h"
#include "tests/support/alloc_counter.h"

namespace fluxgate::rpc {
namespace {

constexpr int64_t now_s = 1'795'000'000;

struct Sessions {
    Sessions() {
        principal.subject = "5f0c2d7e-8a53-4a3e-9f0e-2b1d6c7a8e90";
        principal.key_id = "c1f4b1de-52d5-4f5e-b0f3-8f1ad5a4f0aa";
        session.protocol = &latest_legacy();
        session.principal = digest_of(&principal);
        session.issued_s = now_s - 60;
    }
    Signer signer{"the key of all the instances, 32"};
    SessionIds ids{&signer, {}};
    http::Principal principal;
    Session session;
};

void read(benchmark::State& state, const Sessions& sessions, const std::string& id) {
    const test::AllocationSpan span;
    for (auto _ : state) {
        benchmark::DoNotOptimize(sessions.ids.read(id, now_s));
    }
    state.counters["allocs"] = benchmark::Counter(static_cast<double>(span.allocations()),
                                                  benchmark::Counter::kAvgIterations);
}

void BM_SessionId_Read(benchmark::State& state) {
    const Sessions sessions;
    const std::string id = sessions.ids.make(sessions.session);
    const auto session = sessions.ids.read(id, now_s);
    BENCH_CHECK(state, session && session->principal == sessions.session.principal);
    read(state, sessions, id);
}
BENCHMARK(BM_SessionId_Read);

// One that somebody has changed: no dearer than a good one.
void BM_SessionId_ReadForged(benchmark::State& state) {
    const Sessions sessions;
    std::string id = sessions.ids.make(sessions.session);
    id[10] = id[10] == 'A' ? 'B' : 'A';
    BENCH_CHECK(state, !sessions.ids.read(id, now_s));
    read(state, sessions, id);
}
BENCHMARK(BM_SessionId_ReadForged);

void BM_SessionId_Make(benchmark::State& state) {
    const Sessions sessions;
    BENCH_CHECK(state, sessions.ids.read(sessions.ids.make(sessions.session), now_s).has_value());
    for (auto _ : state) {
        benchmark::DoNotOptimize(sessions.ids.make(sessions.session));
    }
}
BENCHMARK(BM_SessionId_Make);

void BM_SessionId_DigestOfPrincipal(benchmark::State& state) {
    const Sessions sessions;
    BENCH_CHECK(state, digest_of(&sessions.principal) != digest_of(nullptr));
    for (auto _ : state) {
        benchmark::DoNotOptimize(digest_of(&sessions.principal));
    }
}
BENCHMARK(BM_SessionId_DigestOfPrincipal);

}  // namespace
}  // namespace fluxgate::rpc
