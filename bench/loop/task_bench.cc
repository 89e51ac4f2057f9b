// What a coroutine costs: a call that does not suspend, one that does, a spawn, a frame.
#include "loop/task.h"

#include <benchmark/benchmark.h>

#include <coroutine>
#include <utility>

#include "bench/loop/bench_check.h"
#include "loop/frame_arena.h"
#include "loop/scope.h"

namespace {

using namespace fluxgate::loop;

struct Gate {
    std::coroutine_handle<> waiter;
    struct Awaiter {
        Gate* gate;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle) const noexcept { gate->waiter = handle; }
        void await_resume() const noexcept {}
    };
    Awaiter wait() { return {this}; }
    void open() { std::exchange(waiter, nullptr).resume(); }
};

// Not inlined: the caller must not see that the frame could be elided.
[[gnu::noinline]] Task<int> immediate(int value) {
    co_return value;
}
[[gnu::noinline]] Task<int> suspending(Gate* gate, int value) {
    co_await gate->wait();
    co_return value;
}
[[gnu::noinline]] Task<int> nested(Gate* gate, int depth) {
    if (depth == 0) {
        const int value = co_await suspending(gate, 1);
        co_return value;
    }
    const int value = co_await nested(gate, depth - 1);
    co_return value + 1;
}

void report_frames(benchmark::State& state, size_t mallocs_before) {
    state.counters["mallocs/op"] =
        benchmark::Counter(static_cast<double>(frame_arena::mallocs() - mallocs_before) /
                           static_cast<double>(state.iterations()));
    if (frame_arena::live() != 0) state.SkipWithError("a leaked frame");
}

void BM_Task_AwaitWithoutSuspension(benchmark::State& state) {
    const auto parent = [](benchmark::State* timed) -> Task<int64_t> {
        int64_t total = 0;
        for (auto _ : *timed) {
            const int value = co_await immediate(1);
            total += value;
        }
        co_return total;
    };
    const size_t mallocs = frame_arena::mallocs();
    {
        Task<int64_t> task = parent(&state);
        BENCH_CHECK(state, task.start());
        BENCH_CHECK(state, task.take() == static_cast<int64_t>(state.iterations()));
    }
    report_frames(state, mallocs);
}
BENCHMARK(BM_Task_AwaitWithoutSuspension);

void BM_Task_SuspendAndResume(benchmark::State& state) {
    const int depth = static_cast<int>(state.range(0));
    Gate gate;
    int64_t total = 0;
    const size_t mallocs = frame_arena::mallocs();
    for (auto _ : state) {
        Task<int> task = nested(&gate, depth);
        task.start();
        gate.open();
        total += task.take();
    }
    BENCH_CHECK(state, total == static_cast<int64_t>(state.iterations()) * (depth + 1));
    report_frames(state, mallocs);
}
BENCHMARK(BM_Task_SuspendAndResume)->Arg(0)->Arg(1)->Arg(4);

void BM_Scope_SpawnAndFinish(benchmark::State& state) {
    Gate gate;
    Scope scope(nullptr);
    uint64_t done = 0;
    const auto work = [](Gate* target, uint64_t* count) -> Task<void> {
        co_await target->wait();
        ++*count;
    };
    const size_t mallocs = frame_arena::mallocs();
    for (auto _ : state) {
        scope.spawn("work", work(&gate, &done));
        gate.open();
    }
    BENCH_CHECK(state, scope.empty() && done == static_cast<uint64_t>(state.iterations()));
    report_frames(state, mallocs);
}
BENCHMARK(BM_Scope_SpawnAndFinish);

void BM_FrameArena_AllocateRelease(benchmark::State& state) {
    const auto bytes = static_cast<size_t>(state.range(0));
    void* first = frame_arena::allocate(bytes);
    frame_arena::release(first, bytes);
    for (auto _ : state) {
        void* frame = frame_arena::allocate(bytes);
        benchmark::DoNotOptimize(frame);
        frame_arena::release(frame, bytes);
    }
}
BENCHMARK(BM_FrameArena_AllocateRelease)->Arg(256)->Arg(9000);

}  // namespace
