// The endpoint with a few fake tools, and one request at a time sent through it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "rpc/streamable_http.h"
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
        options.version = "1.2.3";
        options.instructions = "Ask for \"tables\".";
        dispatcher_ = std::make_unique<rpc::Dispatcher>(options, tools_);
        http_options_.resource_metadata_url = "https://h/.well-known/oauth-protected-resource";
        make_endpoint();
        auto principal = std::make_shared<http::Principal>();
        principal->all_scopes = true;
        everything_ = std::move(principal);
    }
    void make_endpoint() {
        endpoint_ = std::make_unique<rpc::StreamableHttp>(http_options_, dispatcher_.get());
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
    [[nodiscard]] static std::string call(std::string_view tool, std::string_view id = "1") {
        return R"({"jsonrpc":"2.0","id":)" + std::string(id) +
               R"(,"method":"tools/call","params":{"name":")" + std::string(tool) +
               R"(","arguments":{"table":"t"}}})";
    }

    TestLoop loop_;
    rpc::ToolRegistry tools_{{}};
    FakeTool* query_ = nullptr;
    FakeTool* insert_ = nullptr;
    FakeTool* remove_ = nullptr;
    FakeTool* think_ = nullptr;
    std::unique_ptr<rpc::Dispatcher> dispatcher_;
    rpc::StreamableHttp::Options http_options_;
    std::unique_ptr<rpc::StreamableHttp> endpoint_;
    http::PrincipalPtr everything_;
};

}  // namespace fluxgate::test
