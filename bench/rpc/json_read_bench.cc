// JSON text -> nodes: the request of a tool call, and what is large.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "rpc/json_reader.h"

namespace fluxgate::rpc {
namespace {

const std::string query_call =
    R"({"jsonrpc":"2.0","id":17,"method":"tools/call","params":{"name":"query_table","arguments":{)"
    R"("table":"orders","select":"id,email,total,created_at","filter":{"is_active":"eq.true",)"
    R"("total":"gte.100.50"},"order":"created_at.desc","limit":10}}})";
const std::string ping = R"({"jsonrpc":"2.0","id":17,"method":"ping"})";

void read(benchmark::State& state, std::string text) {
    const size_t size = text.size();
    text.resize(size + 64);
    const std::string_view view(text.data(), size);
    JsonReader reader(64 << 20);
    loop::Arena arena;
    if (!reader.read(view, arena)) std::abort();
    for (auto _ : state) {
        arena.reset();
        benchmark::DoNotOptimize(reader.read(view, arena));
    }
    state.SetBytesProcessed(static_cast<int64_t>(size) * state.iterations());
}

void BM_JsonRead_Ping(benchmark::State& state) {
    read(state, ping);
}
void BM_JsonRead_QueryTable(benchmark::State& state) {
    read(state, query_call);
}
void BM_JsonRead_LongString(benchmark::State& state) {
    read(state, "[\"" + std::string(static_cast<size_t>(state.range(0)), 'x') + "\"]");
}
void BM_JsonRead_EscapedString(benchmark::State& state) {
    std::string text = "[\"";
    while (text.size() < static_cast<size_t>(state.range(0))) {
        text += "a line of text\\n";
    }
    read(state, text + "\"]");
}
void BM_JsonRead_Vector(benchmark::State& state) {  // an embedding of 1536 dimensions
    std::string text = "[0.0";
    for (int i = 1; i < 1536; ++i) {
        text += ",-0.0123" + std::to_string(i);
    }
    read(state, text + "]");
}
// The most members that pass, all of them to be compared for duplicates.
void BM_JsonRead_10000Members(benchmark::State& state) {
    std::string text = "{";
    for (size_t i = 0; i < json_members_max; ++i) {
        text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":0";
    }
    read(state, text + "}");
}

BENCHMARK(BM_JsonRead_Ping);
BENCHMARK(BM_JsonRead_QueryTable);
BENCHMARK(BM_JsonRead_LongString)->Arg(1000)->Arg(1'000'000);
BENCHMARK(BM_JsonRead_EscapedString)->Arg(10'000);
BENCHMARK(BM_JsonRead_Vector);
BENCHMARK(BM_JsonRead_10000Members);

}  // namespace
}  // namespace fluxgate::rpc
