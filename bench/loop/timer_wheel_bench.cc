// What a request pays for its deadline, and what a loop pays each turn for timers that do not fire.
#include "loop/timer_wheel.h"

#include <benchmark/benchmark.h>

#include <deque>
#include <map>
#include <random>

#include "bench/loop/bench_check.h"

namespace {

using namespace fluxgate::loop;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr Instant begin{std::chrono::hours(1)};

struct CountingTimer : Timer {
    explicit CountingTimer(uint64_t* target)
        : Timer([](Timer& timer) { ++*static_cast<CountingTimer&>(timer).count; }), count(target) {}
    uint64_t* count;
};

// Timers of idle connections, which the benchmarks below work beside.
struct Crowd {
    Crowd(TimerWheel& wheel, size_t size) {
        std::mt19937_64 random(1);
        for (size_t i = 0; i < size; ++i) {
            CountingTimer& timer = timers.emplace_back(&fired);
            wheel.start(timer, begin + seconds(60) + milliseconds(random() % 60'000));
        }
    }
    uint64_t fired = 0;
    std::deque<CountingTimer> timers;
};

void BM_TimerWheel_StartStop(benchmark::State& state) {
    TimerWheel wheel(begin);
    const Crowd crowd(wheel, static_cast<size_t>(state.range(0)));
    uint64_t fired = 0;
    CountingTimer timer(&fired);
    wheel.start(timer, begin + milliseconds(8));
    BENCH_CHECK(state, wheel.advance(begin + milliseconds(8)) == 1 && fired == 1);
    Instant now = begin + milliseconds(8);
    for (auto _ : state) {
        wheel.start(timer, now + seconds(30));
        timer.stop();
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_TimerWheel_StartStop)->Arg(0)->Arg(10'000);

// The competitor: what a timer in a multimap costs.
void BM_TimerWheel_MultimapStartStop(benchmark::State& state) {
    std::multimap<Instant, int> timers;
    std::mt19937_64 random(1);
    for (int64_t i = 0; i < state.range(0); ++i) {
        timers.emplace(begin + seconds(60) + milliseconds(random() % 60'000), 0);
    }
    for (auto _ : state) {
        const auto at = timers.emplace(begin + seconds(30), 0);
        timers.erase(at);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_TimerWheel_MultimapStartStop)->Arg(0)->Arg(10'000);

// One busy turn: 20 us pass, nothing fires, and the loop asks how long it may sleep.
void BM_TimerWheel_QuietTurn(benchmark::State& state) {
    TimerWheel wheel(begin);
    Crowd crowd(wheel, static_cast<size_t>(state.range(0)));
    Instant now = begin;
    Instant started = begin;
    uint64_t fired = 0;
    for (auto _ : state) {
        now += nanoseconds(20'000);
        if (now > started + seconds(59)) {  // the crowd is about to fire: start it again
            state.PauseTiming();
            int64_t number = 0;
            for (CountingTimer& timer : crowd.timers) {
                wheel.start(timer, now + seconds(60) + milliseconds(number++ * 6));
            }
            started = now;
            state.ResumeTiming();
        }
        fired += wheel.advance(now);
        benchmark::DoNotOptimize(wheel.next_expiry());
    }
    BENCH_CHECK(state, fired == 0 && crowd.fired == 0);
}
BENCHMARK(BM_TimerWheel_QuietTurn)->Arg(1)->Arg(10'000);

void BM_TimerWheel_Fire(benchmark::State& state) {
    TimerWheel wheel(begin);
    uint64_t fired = 0;
    std::deque<CountingTimer> timers;
    for (int i = 0; i < 1000; ++i) {
        timers.emplace_back(&fired);
    }
    Instant now = begin;
    uint64_t expected = 0;
    for (auto _ : state) {
        for (CountingTimer& timer : timers) {
            wheel.start(timer, now + milliseconds(20));
        }
        now += milliseconds(40);
        wheel.advance(now);
        expected += timers.size();
    }
    BENCH_CHECK(state, fired == expected);
    state.SetItemsProcessed(static_cast<int64_t>(fired));
}
BENCHMARK(BM_TimerWheel_Fire);

}  // namespace
