// From a body to its answer, without a connection: reader, envelope, dispatcher, and a tool that is
// ready at once. BM_Dispatch_Nothing is what the harness around it costs; take it off.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "loop/loop.h"
#include "rpc/streamable_http.h"
#include "tests/rpc/fake_tool.h"
#include "tests/support/alloc_counter.h"
#include "tests/support/recording_exchange.h"

namespace fluxgate::rpc {
namespace {

struct Server {
    Server() {
        for (int i = 0; i < 12; ++i) {
            auto tool = std::make_unique<test::FakeTool>(
                "tool_" + std::to_string(i),
                std::vector<std::string>{"scope:" + std::to_string(i / 2)});
            tool->edit_info().description = std::string(200, 'd');
            tool->edit_info().input_schema =
                R"({"type":"object","properties":{"x":{"type":"string","description":")" +
                std::string(400, 'p') + "\"}}}";
            tool->text = std::string(1500, 'r');
            tools.add(std::move(tool));
        }
        dispatcher.emplace(Dispatcher::Options{}, tools);
        endpoint.emplace(StreamableHttp::Options{}, &*dispatcher);
        auto caller = std::make_shared<http::Principal>();
        caller->scopes = {"scope:0", "scope:1", "scope:2", "scope:3", "scope:4", "scope:5"};
        principal = std::move(caller);
    }
    test::TestLoop loop;
    ToolRegistry tools{{}};
    std::optional<Dispatcher> dispatcher;
    std::optional<StreamableHttp> endpoint;
    http::PrincipalPtr principal;
};

void run(benchmark::State& state, std::string_view body, bool is_sent) {
    Server server;
    uint64_t allocations = 0;
    for (auto _ : state) {
        test::RecordingExchange exchange(server.loop.get());
        exchange.set_body(body);
        exchange.add_field(http::Field::content_type, "Content-Type", "application/json");
        exchange.add_field(http::Field::accept, "Accept", "application/json, text/event-stream");
        exchange.add_field(http::Field::mcp_protocol_version, "MCP-Protocol-Version", "2025-06-18");
        exchange.set_principal(server.principal);
        if (!is_sent) continue;
        const test::AllocationSpan span;
        if (server.endpoint->on_head(exchange) != http::Next::proceed) std::abort();
        server.endpoint->on_request(exchange);
        allocations = span.allocations();
        if (exchange.status() != 200) std::abort();
    }
    state.counters["allocs"] = static_cast<double>(allocations);
}

constexpr std::string_view ping = R"({"jsonrpc":"2.0","id":17,"method":"ping"})";
constexpr std::string_view list = R"({"jsonrpc":"2.0","id":17,"method":"tools/list","params":{}})";
constexpr std::string_view call =
    R"({"jsonrpc":"2.0","id":17,"method":"tools/call","params":{"name":"tool_3","arguments":{)"
    R"("table":"orders","select":"id,email","filter":{"is_active":"eq.true"},"limit":10}}})";

void BM_Dispatch_Nothing(benchmark::State& state) {
    run(state, ping, false);
}
void BM_Dispatch_Ping(benchmark::State& state) {
    run(state, ping, true);
}
void BM_Dispatch_ToolsList(benchmark::State& state) {
    run(state, list, true);
}
void BM_Dispatch_ToolsCall(benchmark::State& state) {
    run(state, call, true);
}

BENCHMARK(BM_Dispatch_Nothing);
BENCHMARK(BM_Dispatch_Ping);
BENCHMARK(BM_Dispatch_ToolsList);
BENCHMARK(BM_Dispatch_ToolsCall);

}  // namespace
}  // namespace fluxgate::rpc
