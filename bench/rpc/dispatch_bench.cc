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
        sessions.attach(loop.get());
        dispatcher.emplace(Dispatcher::Options{},
                           Catalogue{.tools = &tools, .resources = &resources, .prompts = &prompts},
                           &sessions.signer, &sessions.states);
        endpoint.emplace(StreamableHttp::Options{}, &*dispatcher, &sessions);
        auto caller = std::make_shared<http::Principal>();
        caller->scopes = {"scope:0", "scope:1", "scope:2", "scope:3", "scope:4", "scope:5"};
        principal = std::move(caller);
    }
    test::TestLoop loop;
    ToolRegistry tools{{}};
    ResourceRegistry resources{{}};
    PromptRegistry prompts;
    Sessions sessions{{.key = "a key of at least 32 characters, for benchmarks"}, 1};
    std::optional<Dispatcher> dispatcher;
    std::optional<StreamableHttp> endpoint;
    http::PrincipalPtr principal;
};

enum class Era : uint8_t { sessionless, session, stateless };

void add_era(test::RecordingExchange& exchange, Era era, const std::string& session) {
    using http::Field;
    const bool is_stateless = era == Era::stateless;
    exchange.add_field(Field::mcp_protocol_version, "MCP-Protocol-Version",
                       is_stateless ? "2026-07-28" : "2025-06-18");
    if (is_stateless) exchange.add_field(Field::mcp_method, "Mcp-Method", "tools/list");
    if (era == Era::session) exchange.add_field(Field::mcp_session_id, "Mcp-Session-Id", session);
}

std::string make_session(Server& server) {
    const auto now = server.loop.get()->wall_now().time_since_epoch();
    return server.sessions.ids.make(
        {.protocol = &protocol_of(Revision::r2025_06_18),
         .capabilities = {},
         .principal = digest_of(server.principal.get()),
         .issued_s = std::chrono::duration_cast<std::chrono::seconds>(now).count(),
         .nonce = {}});
}

void run(benchmark::State& state, std::string_view body, bool is_sent, Era era = Era::sessionless) {
    Server server;
    const std::string session = make_session(server);
    uint64_t allocations = 0;
    for (auto _ : state) {
        test::RecordingExchange exchange(server.loop.get());
        exchange.set_body(body);
        exchange.add_field(http::Field::content_type, "Content-Type", "application/json");
        exchange.add_field(http::Field::accept, "Accept", "application/json, text/event-stream");
        add_era(exchange, era, session);
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
constexpr std::string_view stateless_list =
    R"({"jsonrpc":"2.0","id":17,"method":"tools/list","params":{"_meta":{)"
    R"("io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
    R"("io.modelcontextprotocol/clientCapabilities":{}}}})";
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
void BM_Dispatch_PingInASession(benchmark::State& state) {
    run(state, ping, true, Era::session);
}
void BM_Dispatch_StatelessToolsList(benchmark::State& state) {
    run(state, stateless_list, true, Era::stateless);
}
void BM_Dispatch_ToolsCall(benchmark::State& state) {
    run(state, call, true);
}

BENCHMARK(BM_Dispatch_Nothing);
BENCHMARK(BM_Dispatch_Ping);
BENCHMARK(BM_Dispatch_ToolsList);
BENCHMARK(BM_Dispatch_PingInASession);
BENCHMARK(BM_Dispatch_StatelessToolsList);
BENCHMARK(BM_Dispatch_ToolsCall);

}  // namespace
}  // namespace fluxgate::rpc
