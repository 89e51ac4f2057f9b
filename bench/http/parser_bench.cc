// The parser over typical requests, beside bare llhttp with empty callbacks over the same bytes.
#include <benchmark/benchmark.h>
#include <llhttp.h>

#include <string>
#include <string_view>

#include "http/parser.h"
#include "loop/check.h"

namespace fluxgate::http {
namespace {

constexpr std::string_view health = "GET /mcp/health HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
constexpr std::string_view call =
    "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: claude-code/2.0\r\n"
    "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
    "X-Client-Key: fb_1234567890abcdef1234567890abcdef\r\nMCP-Protocol-Version: 2025-06-18\r\n"
    "Content-Length: 40\r\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"ping\",\"id\":1}";

void run_parser(benchmark::State& state, std::string_view input) {
    const Limits limits;
    loop::Arena arena;
    Request request;
    BodyBudget bodies;
    Parser parser(limits, &bodies);
    for (auto _ : state) {
        parser.begin(arena, request);
        size_t used = 0;
        Parser::Progress progress{};
        while (used < input.size()) {
            progress = parser.feed(std::span(input).subspan(used));
            used += progress.consumed;
        }
        FLUX_CHECK(used == input.size() && progress.event != Parser::Event::refused);
        benchmark::DoNotOptimize(request);
        parser.end();
        arena.reset();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(input.size()));
}

void BM_HttpParser_Health(benchmark::State& state) {
    run_parser(state, health);
}
void BM_HttpParser_Call(benchmark::State& state) {
    run_parser(state, call);
}

void run_llhttp(benchmark::State& state, std::string_view input) {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    llhttp_t engine;
    llhttp_init(&engine, HTTP_REQUEST, &settings);
    for (auto _ : state) {
        FLUX_CHECK(llhttp_execute(&engine, input.data(), input.size()) == HPE_OK);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(input.size()));
}

void BM_BareLlhttp_Health(benchmark::State& state) {
    run_llhttp(state, health);
}
void BM_BareLlhttp_Call(benchmark::State& state) {
    run_llhttp(state, call);
}

BENCHMARK(BM_HttpParser_Health);
BENCHMARK(BM_HttpParser_Call);
BENCHMARK(BM_BareLlhttp_Health);
BENCHMARK(BM_BareLlhttp_Call);

}  // namespace
}  // namespace fluxgate::http
