// A whole connection without a kernel: bytes in, answer out, on a stream that takes everything at
// once. Counters: allocations per request (must be 0 where the benchmark says so).
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <string_view>

#include "http/access_log.h"
#include "http/connection.h"
#include "http/health.h"
#include "http/router.h"
#include "loop/check.h"
#include "loop/loop.h"
#include "tests/support/alloc_counter.h"

namespace fluxgate::http {
namespace {

constexpr std::string_view health = "GET /mcp/health HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
constexpr std::string_view ping =
    "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: claude-code/2.0\r\n"
    "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
    "X-Client-Key: fb_1234567890abcdef1234567890abcdef\r\nMCP-Protocol-Version: 2025-06-18\r\n"
    "Content-Length: 40\r\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"ping\",\"id\":1}";

// Takes each send at once; the driver completes it.
class NullStream final : public loop::Stream {
public:
    Sink* sink = nullptr;
    size_t sent = 0;
    bool sending = false;
    bool closed = false;

    void set_sink(Sink& to) override { sink = &to; }
    void start_receiving() override {}
    void stop_receiving() override {}
    void send(std::span<const iovec> parts) override {
        sent = 0;
        for (const iovec& part : parts) {
            sent += part.iov_len;
        }
        sending = true;
    }
    void shutdown_send() override {}
    void close(CloseMode /*mode*/) override { closed = true; }

    size_t deliver(std::string_view bytes) {
        sink->stream_received(std::span(bytes));
        size_t total = 0;
        while (sending) {
            sending = false;
            total += sent;
            sink->stream_sent(sent);
        }
        return total;
    }
};

class PingHandler final : public Handler {
public:
    void on_request(Exchange& exchange) override {
        Response response;
        response.body.append(R"({"jsonrpc":"2.0","id":1,"result":{}})");
        exchange.respond(std::move(response));
    }
};

struct Bench final : ConnectionOwner {
    std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create({}));
    Limits limits;
    HealthHandler health_handler{HealthHandler::Kind::health};
    PingHandler ping_handler;
    Router router;
    ConnectionContext context{.loop = *loop, .limits = limits, .router = router};
    NullStream* stream = nullptr;

    Bench() {
        limits.requests_per_connection_max = UINT32_MAX;
        router.add({"/mcp", Method::post, &ping_handler, {}, SIZE_MAX, "mcp"});
        router.add({"/mcp/health", Method::get, &health_handler, {}, 0, "health"});
        auto made = std::make_unique<NullStream>();
        stream = made.get();
        (new Connection(context, *this, {.stream = std::move(made), .peer = {}, .number = 1}))
            ->start();
    }
    ~Bench() {
        stream->sink->stream_ended({loop::ErrorCode::reset, 0, "bench"});
        stream->sink->stream_closed();
        loop->run_until_idle();
        FLUX_CHECK(stream == nullptr);
    }
    void connection_closed(Connection& connection) override {
        delete &connection;
        stream = nullptr;
    }
};

void run(benchmark::State& state, Bench& bench, std::string_view request, size_t pipelined) {
    std::string input;
    for (size_t i = 0; i < pipelined; ++i) {
        input += request;
    }
    for (int i = 0; i < 100; ++i) {
        FLUX_CHECK(bench.stream->deliver(input) > pipelined * 100);  // warm, and it answers
    }
    // Outside the timed loop, as the library allocates in it.
    constexpr size_t counted = 1000;
    const test::AllocationSpan span;
    for (size_t i = 0; i < counted; ++i) {
        bench.stream->deliver(input);
    }
    const uint64_t allocations = span.allocations();
    for (auto _ : state) {
        benchmark::DoNotOptimize(bench.stream->deliver(input));
    }
    const auto requests = static_cast<double>(state.iterations()) * static_cast<double>(pipelined);
    state.SetItemsProcessed(static_cast<int64_t>(requests));
    state.counters["allocs/request"] =
        static_cast<double>(allocations) / static_cast<double>(counted * pipelined);
    if (test::alloc_counter_works() && allocations != 0) {
        state.SkipWithError("a warm request allocates");
    }
}

void BM_HttpConnection_Health(benchmark::State& state) {
    Bench bench;
    run(state, bench, health, static_cast<size_t>(state.range(0)));
}
void BM_HttpConnection_Ping(benchmark::State& state) {
    Bench bench;
    run(state, bench, ping, static_cast<size_t>(state.range(0)));
}
void BM_HttpConnection_HealthWithAccessLog(benchmark::State& state) {
    Bench bench;
    AccessLog log(*bench.loop,
                  [](std::string_view line) { benchmark::DoNotOptimize(line.data()); });
    bench.context.observer = &log;
    run(state, bench, health, static_cast<size_t>(state.range(0)));
    bench.context.observer = nullptr;
}

BENCHMARK(BM_HttpConnection_Health)->Arg(1)->Arg(16);
BENCHMARK(BM_HttpConnection_Ping)->Arg(1)->Arg(16);
BENCHMARK(BM_HttpConnection_HealthWithAccessLog)->Arg(1);

}  // namespace
}  // namespace fluxgate::http

BENCHMARK_MAIN();
