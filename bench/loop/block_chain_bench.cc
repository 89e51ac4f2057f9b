// The memory of one answer: its chain of blocks, its arena.
#include "loop/block_chain.h"

#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <utility>

#include "bench/loop/bench_check.h"
#include "loop/arena.h"
#include "loop/block_pool.h"

namespace {

using namespace fluxgate::loop;

void report_mallocs(benchmark::State& state, size_t before) {
    state.counters["mallocs/op"] =
        benchmark::Counter(static_cast<double>(block_pool::mallocs() - before) /
                           static_cast<double>(state.iterations()));
}

// Body in pieces, then the head, then the iovec: as http/response does it.
void BM_BlockChain_Answer(benchmark::State& state) {
    const auto bytes = static_cast<size_t>(state.range(0));
    const std::string piece(64, 'x');
    const std::string head(180, 'h');
    size_t sent = 0;
    size_t answers = 0;
    const size_t mallocs = block_pool::mallocs();
    for (auto _ : state) {
        BlockChain chain;
        for (size_t written = 0; written < bytes; written += piece.size()) {
            chain.append(piece);
        }
        chain.prepend(head);
        std::array<iovec, 64> parts;
        const size_t count = chain.fill_iovec(parts);
        for (size_t i = 0; i < count; ++i) {
            sent += parts[i].iov_len;
        }
        ++answers;
    }
    BENCH_CHECK(state, sent == answers * (head.size() + (bytes + 63) / 64 * 64));
    state.SetBytesProcessed(static_cast<int64_t>(sent));
    report_mallocs(state, mallocs);
}
BENCHMARK(BM_BlockChain_Answer)->Arg(256)->Arg(4096)->Arg(256 * 1024);

// The competitor: one std::string for body and head.
void BM_BlockChain_StringAnswer(benchmark::State& state) {
    const auto bytes = static_cast<size_t>(state.range(0));
    const std::string piece(64, 'x');
    const std::string head(180, 'h');
    size_t sent = 0;
    for (auto _ : state) {
        std::string body;
        for (size_t written = 0; written < bytes; written += piece.size()) {
            body.append(piece);
        }
        std::string answer = head;
        answer += body;
        benchmark::DoNotOptimize(answer.data());
        sent += answer.size();
    }
    state.SetBytesProcessed(static_cast<int64_t>(sent));
}
BENCHMARK(BM_BlockChain_StringAnswer)->Arg(256)->Arg(4096)->Arg(256 * 1024);

void BM_BlockChain_ReserveCommit(benchmark::State& state) {
    size_t total = 0;
    size_t rounds = 0;
    for (auto _ : state) {
        BlockChain chain;
        for (int i = 0; i < 100; ++i) {
            char* room = chain.reserve(24);
            room[0] = 'x';
            benchmark::DoNotOptimize(room);
            chain.commit(12);
        }
        total += chain.size();
        ++rounds;
    }
    BENCH_CHECK(state, total == rounds * 1200);
    state.SetItemsProcessed(static_cast<int64_t>(rounds) * 100);
}
BENCHMARK(BM_BlockChain_ReserveCommit);

// A query's arena: SQL text, twenty small objects, freed together.
void BM_Arena_Request(benchmark::State& state) {
    Arena arena;
    const std::string text(200, 's');
    BENCH_CHECK(state, arena.copy(text) == text);
    const size_t mallocs = block_pool::mallocs();
    for (auto _ : state) {
        arena.reset();
        benchmark::DoNotOptimize(arena.copy(text).data());
        for (int i = 0; i < 20; ++i) {
            benchmark::DoNotOptimize(arena.allocate(40, 8));
        }
    }
    report_mallocs(state, mallocs);
}
BENCHMARK(BM_Arena_Request);

}  // namespace
