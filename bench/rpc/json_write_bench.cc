// Escaping at both levels, and rows the way a tool writes them against building a document and
// escaping it.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "rpc/json_writer.h"

namespace fluxgate::rpc {
namespace {

std::string filled(std::string_view unit, size_t size) {
    std::string text;
    while (text.size() < size) {
        text += unit;
    }
    text.resize(size);
    return text;
}

template <Escape level>
void escape(benchmark::State& state, const std::string& text) {
    for (auto _ : state) {
        loop::BlockChain out;
        append_escaped<level>(out, text);
        benchmark::DoNotOptimize(out.size());
    }
    state.SetBytesProcessed(static_cast<int64_t>(text.size()) * state.iterations());
}

template <Escape level>
void BM_Escape_Clean(benchmark::State& state) {
    escape<level>(state, filled("Plain text without anything special in it. ",
                                static_cast<size_t>(state.range(0))));
}
template <Escape level>
void BM_Escape_Prose(benchmark::State& state) {  // a line break or quote every 40 bytes
    escape<level>(state, filled("He said \"well\", and went on to say it.\n", 100'000));
}
template <Escape level>
void BM_Escape_JsonText(benchmark::State& state) {  // a jsonb column
    escape<level>(state, filled(R"({"name":"x","tags":["a","b"],"n":12},)", 100'000));
}
template <Escape level>
void BM_Escape_Cyrillic(benchmark::State& state) {
    escape<level>(state,
                  filled("\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82 ", 100'000 / 13 * 13));
}
template <Escape level>
void BM_Escape_Binary(benchmark::State& state) {  // ill-formed all the way
    escape<level>(state, filled("\xFF\x80 a", 100'000));
}

struct Row {
    std::string_view id, name, email, total, created;
};
constexpr Row row = {"123456", "Ada Lovelace", "ada.lovelace@example.com", "1234.50",
                     "2026-11-22T13:37:00+00:00"};

template <Escape level>
void write_rows(JsonWriter<level>& json, int64_t rows) {
    json.raw('[');
    for (int64_t i = 0; i < rows; ++i) {
        json.raw(i == 0 ? "{" : ",{");
        json.key("id");
        json.raw(row.id);
        json.raw(',');
        json.key("name");
        json.string(row.name);
        json.raw(',');
        json.key("email");
        json.string(row.email);
        json.raw(',');
        json.key("total");
        json.raw(row.total);
        json.raw(',');
        json.key("created_at");
        json.string(row.created);
        json.raw('}');
    }
    json.raw(']');
}

void BM_Rows_OnePass(benchmark::State& state) {
    size_t bytes = 0;
    for (auto _ : state) {
        loop::BlockChain out;
        JsonWriter<Escape::twice> json(out);
        write_rows(json, state.range(0));
        bytes = out.size();
        benchmark::DoNotOptimize(bytes);
    }
    state.SetBytesProcessed(static_cast<int64_t>(bytes) * state.iterations());
}

void BM_Rows_BuildThenEscape(benchmark::State& state) {
    size_t bytes = 0;
    for (auto _ : state) {
        loop::BlockChain inner;
        JsonWriter<Escape::once> json(inner);
        write_rows(json, state.range(0));
        loop::BlockChain out;
        inner.for_each(
            [&out](std::string_view piece) { append_escaped<Escape::once>(out, piece); });
        bytes = out.size();
        benchmark::DoNotOptimize(bytes);
    }
    state.SetBytesProcessed(static_cast<int64_t>(bytes) * state.iterations());
    // Both ways must give the same bytes.
    loop::BlockChain once;
    JsonWriter<Escape::twice> direct(once);
    write_rows(direct, state.range(0));
    if (once.size() != bytes) std::abort();
}

BENCHMARK(BM_Escape_Clean<Escape::once>)->Arg(8)->Arg(24)->Arg(100)->Arg(100'000);
BENCHMARK(BM_Escape_Clean<Escape::twice>)->Arg(100'000);
BENCHMARK(BM_Escape_Prose<Escape::once>);
BENCHMARK(BM_Escape_Prose<Escape::twice>);
BENCHMARK(BM_Escape_JsonText<Escape::once>);
BENCHMARK(BM_Escape_JsonText<Escape::twice>);
BENCHMARK(BM_Escape_Cyrillic<Escape::once>);
BENCHMARK(BM_Escape_Binary<Escape::once>);
BENCHMARK(BM_Rows_OnePass)->Arg(10)->Arg(1000);
BENCHMARK(BM_Rows_BuildThenEscape)->Arg(10)->Arg(1000);

}  // namespace
}  // namespace fluxgate::rpc
