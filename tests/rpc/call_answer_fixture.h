// Calls of a tool that tells and asks the client while it runs.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/rpc/rpc_fixture.h"

namespace fluxgate::test {

inline rpc::ToolResult text_result(std::string_view text) {
    rpc::ToolResult result;
    rpc::append_escaped<rpc::Escape::once>(result.text, text);
    return result;
}

class CallAnswerFixture : public RpcFixture {
protected:
    // A call of `think` that asks for progress with this token.
    static std::string with_token(std::string_view token, std::string_view id = "1") {
        return method("tools/call",
                      R"({"name":"think","_meta":{"progressToken":)" + std::string(token) + "}}",
                      id);
    }
    static std::string cancelled(std::string_view id) {
        return R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" +
               std::string(id) + R"(,"reason":"enough"}})";
    }
    static std::string result_of(std::string_view text, std::string_view id = "1") {
        return R"({"jsonrpc":"2.0","id":)" + std::string(id) +
               R"(,"result":{"content":[{"type":"text","text":")" + std::string(text) +
               R"("}],"isError":false}})" + "\n";
    }
    // Without a session; with Accept for events.
    [[nodiscard]] Exchange post_streaming(std::string_view body) {
        Exchange exchange = request(body);
        accept_events(*exchange);
        send(*exchange);
        return exchange;
    }
    void progress_of(std::vector<double> values) {
        think_->script = [values](rpc::ToolCall* call) -> loop::Task<rpc::ToolOutcome> {
            for (const double value : values)
                co_await call->client->progress(value, 10, "");
            co_return text_result("done");
        };
    }
    void log_of_all_levels() {
        think_->script = [](rpc::ToolCall* call) -> loop::Task<rpc::ToolOutcome> {
            for (const rpc::LogLevel level :
                 {rpc::LogLevel::debug, rpc::LogLevel::info, rpc::LogLevel::error}) {
                co_await call->client->log(level, "pg", R"({"a":1})");
            }
            co_return text_result("done");
        };
    }
    // The tool asks once for `needs`, then answers with what it got.
    void ask_for(rpc::ClientCapability needs, std::string params) {
        think_->script = [needs, params](rpc::ToolCall* call) -> loop::Task<rpc::ToolOutcome> {
            if (call->inputs == nullptr) {
                rpc::ToolResult result;
                result.ask = std::make_unique<rpc::InputRequired>();
                result.ask->requests.push_back({.key = "k", .needs = needs, .params = params});
                result.ask->state = "seen";
                co_return result;
            }
            const rpc::Json* answer = call->inputs->find("k");
            const rpc::Json* member = answer == nullptr ? nullptr : answer->find("action");
            const std::string action =
                member == nullptr ? std::string("nothing") : std::string(member->text);
            co_return text_result(action + " " + std::string(call->state));
        };
    }
    // Of the one request on the stream that is the server's.
    [[nodiscard]] static std::string asked_id(const RecordingExchange& exchange) {
        const std::string text = told(exchange);
        const std::string mark = R"("id":"fluxgate-)";
        const size_t at = text.rfind(mark);
        EXPECT_NE(at, std::string::npos) << text;
        if (at == std::string::npos) return "";
        const size_t begin = at + 6;
        return text.substr(begin, text.find('"', begin) - begin);
    }
    static std::string answer(const std::string& id, std::string_view result) {
        return R"({"jsonrpc":"2.0","id":")" + id + R"(","result":)" + std::string(result) + "}";
    }
};

}  // namespace fluxgate::test
