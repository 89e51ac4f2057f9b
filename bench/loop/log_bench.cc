// What a line of the access log costs the loop that writes it. The bar is 200 ns.
#include "loop/log.h"

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "bench/loop/bench_check.h"
#include "loop/log_line.h"

namespace {

using namespace fluxgate::loop;

void write_access_line(uint64_t number) {
    log::info("request", {{"id", number},
                          {"peer", "192.168.100.17"},
                          {"method", "POST"},
                          {"path", "/mcp"},
                          {"tool", "query_table"},
                          {"subject", "8f7b6c1e-0d7f-4c57-9a3e-2f5f3e8d9c10"},
                          {"status", 200},
                          {"bytes", 1834},
                          {"us", 412}});
}

void BM_Log_Format(benchmark::State& state) {
    log::Timestamp timestamp;
    log::LineBuffer line;
    std::array<char, log::Timestamp::bytes> stamp;
    WallTime now{std::chrono::seconds(1'800'000'000)};
    for (auto _ : state) {
        now += std::chrono::microseconds(20);
        timestamp.write(now, stamp.data());
        line.format({stamp.data(), stamp.size()}, log::Level::info, "request", 0,
                    {{"peer", "192.168.100.17"}, {"path", "/mcp"}, {"status", 200}, {"us", 412}});
        benchmark::DoNotOptimize(line.line().data());
    }
    BENCH_CHECK(state, line.line().ends_with("path=/mcp status=200 us=412\n"));
}
BENCHMARK(BM_Log_Format);

// In bursts of 100 with pauses outside the time, as the writer thread shares the machine.
void BM_Log_AccessLine(benchmark::State& state) {
    const int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    log::set_fd(fd);
    const uint64_t dropped = log::dropped();
    uint64_t number = 0;
    for (auto _ : state) {
        write_access_line(number);
        if (++number % 100 == 0) {
            state.PauseTiming();
            log::flush();
            state.ResumeTiming();
        }
    }
    const bool complete = log::flush() && log::dropped() == dropped;
    log::set_fd(-1);
    close(fd);
    BENCH_CHECK(state, complete);
}
BENCHMARK(BM_Log_AccessLine);

void BM_Log_Disabled(benchmark::State& state) {
    BENCH_CHECK(state, !log::enabled(log::Level::error));
    uint64_t number = 0;
    for (auto _ : state) {
        write_access_line(++number);
    }
}
BENCHMARK(BM_Log_Disabled);

}  // namespace
