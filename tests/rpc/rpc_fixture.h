// The endpoint with a few fake tools, and one request at a time sent through it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rpc/streamable_http.h"
#include "rpc/streamable_http_get.h"
#include "tests/rpc/fake_tool.h"
#include "tests/support/recording_exchange.h"

namespace fluxgate::test {

class RpcFixture : public testing::Test {
protected:
    using Exchange = std::unique_ptr<RecordingExchange>;

    RpcFixture() {
        query_ = add("query_table", {"read:tables"});
        query_->string_argument = "table";
        insert_ = add("insert_record", {"write:tables"});
        remove_ = add("delete_record", {"write:tables"});
        think_ = add("think", {});
        rpc::Dispatcher::Options options;
        options.server.version = "1.2.3";
        options.instructions = "Ask for \"tables\".";
        sessions_.attach(loop_.get());
        dispatcher_ = std::make_unique<rpc::Dispatcher>(
            options,
            rpc::Catalogue{.tools = &tools_, .resources = &resources_, .prompts = &prompts_},
            &sessions_.signer, &sessions_.states);
        http_options_.resource_metadata_url = "https://h/.well-known/oauth-protected-resource";
        make_endpoint();
        auto principal = std::make_shared<http::Principal>();
        principal->all_scopes = true;
        everything_ = std::move(principal);
    }
    void make_endpoint() {
        endpoint_ =
            std::make_unique<rpc::StreamableHttp>(http_options_, dispatcher_.get(), &sessions_);
    }
    FakeTool* add(const char* name, std::vector<std::string> scopes) {
        auto tool = std::make_unique<FakeTool>(name, std::move(scopes));
        FakeTool* raw = tool.get();
        tools_.add(std::move(tool));
        return raw;
    }

    // A request with the usual fields, as the service key's owner; not sent yet.
    [[nodiscard]] Exchange request(std::string_view body, std::string_view version = {}) {
        auto exchange = std::make_unique<RecordingExchange>(loop_.get());
        exchange->set_body(body);
        exchange->add_field(http::Field::content_type, "Content-Type", "application/json");
        if (!version.empty()) {
            exchange->add_field(http::Field::mcp_protocol_version, "MCP-Protocol-Version", version);
        }
        exchange->set_principal(everything_);
        return exchange;
    }
    void send(RecordingExchange& exchange) {
        if (endpoint_->on_head(exchange) == http::Next::answered) return;
        endpoint_->on_request(exchange);
        loop_.get()->run_until_idle();
    }
    [[nodiscard]] Exchange post(std::string_view body, std::string_view version = {}) {
        Exchange exchange = request(body, version);
        send(*exchange);
        return exchange;
    }
    void expect_answer(std::string_view body, int status, std::string_view answer,
                       std::string_view version = {}) {
        const Exchange exchange = post(body, version);
        EXPECT_EQ(exchange->status(), status) << body.substr(0, 200);
        EXPECT_EQ(exchange->body(), answer) << body.substr(0, 200);
    }
    // ---- sessions, and the era without

    [[nodiscard]] static std::string method(std::string_view name, std::string_view params = "{}",
                                            std::string_view id = "1") {
        return R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":")" +
               std::string(name) + R"(","params":)" + std::string(params) + "}";
    }
    // The id of a new session of `principal`.
    [[nodiscard]] std::string open_session(std::string_view version,
                                           std::string_view capabilities = "{}",
                                           http::PrincipalPtr principal = nullptr) {
        const Exchange exchange =
            request(method("initialize", R"({"protocolVersion":")" + std::string(version) +
                                             R"(","capabilities":)" + std::string(capabilities) +
                                             R"(,"clientInfo":{"name":"t","version":"1"}})"));
        if (principal) exchange->set_principal(std::move(principal));
        send(*exchange);
        const std::string* id = exchange->header("Mcp-Session-Id");
        EXPECT_NE(id, nullptr) << exchange->body();
        return id == nullptr ? "" : *id;
    }
    static void in_session(RecordingExchange& exchange, std::string_view session) {
        exchange.add_field(http::Field::mcp_session_id, "Mcp-Session-Id", session);
    }
    static void accept_events(RecordingExchange& exchange) {
        exchange.add_field(http::Field::accept, "Accept", "application/json, text/event-stream");
    }
    [[nodiscard]] Exchange post_in(std::string_view session, std::string_view body) {
        Exchange exchange = request(body);
        in_session(*exchange, session);
        accept_events(*exchange);
        send(*exchange);
        return exchange;
    }
    // A request of 2026-07-28 with the head that its body asks for. `members`: of the params.
    [[nodiscard]] Exchange stateless_request(std::string_view name, std::string_view members = "",
                                             std::string_view id = "1",
                                             std::string_view capabilities = "{}",
                                             std::string_view meta = "") {
        std::string params = R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                             R"("io.modelcontextprotocol/clientCapabilities":)" +
                             std::string(capabilities) + std::string(meta) + "}";
        if (!members.empty()) params += "," + std::string(members);
        Exchange exchange = request(method(name, params + "}", id), "2026-07-28");
        exchange->add_field(http::Field::mcp_method, "Mcp-Method", name);
        return exchange;
    }
    static void name_header(RecordingExchange& exchange, std::string_view name) {
        exchange.add_field(http::Field::mcp_name, "Mcp-Name", name);
    }
    [[nodiscard]] Exchange get_request(std::string_view session) {
        auto exchange = std::make_unique<RecordingExchange>(loop_.get());
        exchange->edit_request().method = http::Method::get;
        exchange->set_principal(everything_);
        exchange->add_field(http::Field::accept, "Accept", "text/event-stream");
        if (!session.empty()) in_session(*exchange, session);
        return exchange;
    }
    void send_get(RecordingExchange& exchange) {
        get_.on_request(exchange);
        loop_.get()->run_until_idle();
    }
    [[nodiscard]] Exchange get(std::string_view session, std::string_view last_event_id = {}) {
        Exchange exchange = get_request(session);
        if (!last_event_id.empty()) {
            exchange->add_field(http::Field::last_event_id, "Last-Event-ID", last_event_id);
        }
        send_get(*exchange);
        return exchange;
    }
    [[nodiscard]] Exchange end_session(std::string_view session) {
        auto exchange = std::make_unique<RecordingExchange>(loop_.get());
        exchange->edit_request().method = http::Method::del;
        exchange->set_principal(everything_);
        if (!session.empty()) in_session(*exchange, session);
        delete_.on_request(*exchange);
        loop_.get()->run_until_idle();
        return exchange;
    }
    [[nodiscard]] static http::PrincipalPtr somebody(std::string_view subject,
                                                     std::vector<std::string> scopes = {}) {
        auto principal = std::make_shared<http::Principal>();
        principal->subject = subject;
        principal->scopes = std::move(scopes);
        return principal;
    }
    static void expect_contains(const std::string& text, std::string_view part) {
        EXPECT_NE(text.find(part), std::string::npos) << "no " << part << " in " << text;
    }

    // What came on a stream, event by event.
    struct Event {
        std::string name;
        std::string id;
        std::string data;
    };
    struct Events {
        std::vector<Event> all;           // without the ones that only prime
        std::vector<std::string> primes;  // their ids
        int comments = 0;
    };
    [[nodiscard]] static Events events(const RecordingExchange& exchange) {
        EXPECT_TRUE(exchange.is_stream()) << exchange.status() << exchange.body();
        Events found;
        std::string_view text;
        const std::string whole = exchange.body() + exchange.streamed();
        text = whole;
        while (!text.empty()) {
            const size_t end = text.find("\n\n");
            EXPECT_NE(end, std::string_view::npos) << "half an event: " << text;
            if (end == std::string_view::npos) break;
            read_event(text.substr(0, end + 1), found);
            text.remove_prefix(end + 2);
        }
        return found;
    }
    static void read_event(std::string_view frame, Events& found) {
        if (frame.starts_with(':')) {
            ++found.comments;
            return;
        }
        Event event;
        while (!frame.empty()) {
            const std::string_view line = frame.substr(0, frame.find('\n'));
            frame.remove_prefix(line.size() + 1);
            if (line.starts_with("event: ")) event.name = line.substr(7);
            if (line.starts_with("id: ")) event.id = line.substr(4);
            if (line.starts_with("data: ")) event.data += line.substr(6);
        }
        if (event.data.empty()) {
            found.primes.push_back(event.id);
        } else {
            found.all.push_back(std::move(event));
        }
    }
    // The data of all events, a line each.
    [[nodiscard]] static std::string told(const RecordingExchange& exchange) {
        std::string text;
        for (const Event& event : events(exchange).all)
            text += event.data + "\n";
        return text;
    }

    [[nodiscard]] static std::string call(std::string_view tool, std::string_view id = "1") {
        return R"({"jsonrpc":"2.0","id":)" + std::string(id) +
               R"(,"method":"tools/call","params":{"name":")" + std::string(tool) +
               R"(","arguments":{"table":"t"}}})";
    }

    rpc::ToolRegistry tools_{{}};
    rpc::ResourceRegistry resources_{{}};
    rpc::PromptRegistry prompts_;
    rpc::Sessions sessions_{{.key = "a key of at least 32 characters, for tests",
                             .timeout_s = 3600,
                             .mark = {'t', 'e', 's', 't'}},
                            1};
    TestLoop loop_;  // ends before the sessions, whose wakes it still runs
    FakeTool* query_ = nullptr;
    FakeTool* insert_ = nullptr;
    FakeTool* remove_ = nullptr;
    FakeTool* think_ = nullptr;
    std::unique_ptr<rpc::Dispatcher> dispatcher_;
    rpc::StreamableHttp::Options http_options_;
    std::unique_ptr<rpc::StreamableHttp> endpoint_;
    rpc::StreamableHttpGet get_{&sessions_};
    rpc::StreamableHttpDelete delete_{{.session_timeout_s = 3600}, &sessions_};
    http::PrincipalPtr everything_;
};

}  // namespace fluxgate::test
