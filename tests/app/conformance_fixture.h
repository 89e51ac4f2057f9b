// What the tests of the conformance fixtures share: one round of a call, as the dispatcher would
// make it, and what the client would have been told meanwhile.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/conformance_fixtures.h"
#include "rpc/json_reader.h"
#include "tests/rpc/fake_tool.h"
#include "tests/rpc/padded.h"

namespace fluxgate::app::test {

using fluxgate::test::Padded;
using fluxgate::test::TestLoop;

using namespace std::chrono_literals;

// What a client would have been sent while the call ran, one line each.
class RecordingLink final : public rpc::ClientLink {
public:
    loop::Task<void> progress(double progress, double total, std::string_view) override {
        add("progress " + std::to_string(static_cast<int>(progress)) + "/" +
            std::to_string(static_cast<int>(total)));
        co_return;
    }
    loop::Task<void> log(rpc::LogLevel level, std::string_view, std::string_view data) override {
        add(std::string(rpc::to_string(level)) + " " + std::string(data));
        co_return;
    }
    loop::Task<void> hang_up() override {
        add("hang up");
        co_return;
    }

    std::vector<std::string> sent;

private:
    void add(std::string line) { sent.push_back(std::move(line)); }
};

inline constexpr uint8_t everything = 15;

struct Round {
    std::string inputs = {};  // JSON; empty: none
    std::string state = {};
    uint8_t capabilities = everything;
};

class ConformanceFixture : public testing::Test {
protected:
    template <class Call>
    void fill(Call& call, loop::Scope& scope, const Round& round) {
        call.scope = &scope;
        call.arena = &arena_;
        call.protocol = &rpc::stateless_protocol();
        call.client = &link_;
        call.capabilities = rpc::ClientCapabilities(round.capabilities);
        call.inputs = parse(round.inputs);
        call.state = round.state;
    }
    const rpc::Json* parse(const std::string& text) {
        if (text.empty()) return nullptr;
        const Padded padded(text);
        const auto read = reader_.read(padded.view(), arena_);
        EXPECT_TRUE(read.has_value()) << text;
        return read.value_or(nullptr);
    }
    rpc::Tool* find(std::string_view name) {
        for (const auto& tool : tools_) {
            if (tool->info().name == name) return tool.get();
        }
        ADD_FAILURE() << "no tool " << name;
        std::abort();
    }

    static loop::Task<void> keep(rpc::Tool* tool, rpc::ToolCall* call,
                                 std::optional<rpc::ToolOutcome>* out) {
        rpc::ToolOutcome outcome = co_await tool->call(call);
        out->emplace(std::move(outcome));
    }
    // One round of a call; time passes for those that wait.
    rpc::ToolResult call(std::string_view name, const std::string& arguments, const Round& round) {
        loop::Scope scope(loop_.get());
        rpc::ToolCall context;
        fill(context, scope, round);
        context.arguments = parse(arguments);
        std::optional<rpc::ToolOutcome> outcome;
        scope.spawn("call", keep(find(name), &context, &outcome));
        for (int i = 0; i < 10 && !outcome; ++i)
            loop_.advance(50ms);
        EXPECT_TRUE(outcome && outcome->has_value()) << name;
        if (!outcome || !outcome->has_value()) return {};
        return std::move(**outcome);
    }
    rpc::ToolResult call(std::string_view name) { return call(name, "", Round{}); }
    std::string text_of(std::string_view name, const Round& round,
                        const std::string& arguments = "") {
        const rpc::ToolResult result = call(name, arguments, round);
        EXPECT_EQ(result.ask, nullptr) << name;
        return result.text.to_string();
    }
    // The keys of what a round asks for, and its state.
    std::string asked(std::string_view name, const Round& round = {},
                      const std::string& arguments = "") {
        const rpc::ToolResult result = call(name, arguments, round);
        EXPECT_NE(result.ask, nullptr) << name << ": " << result.text.to_string();
        return result.ask == nullptr ? "" : describe(*result.ask);
    }
    static std::string describe(const rpc::InputRequired& ask) {
        std::string line;
        for (const rpc::InputRequest& one : ask.requests)
            line += one.key + "=" + std::string(rpc::method_of(one.needs)) + " ";
        return line + "[" + ask.state + "]";
    }

    TestLoop loop_;
    loop::Arena arena_;
    rpc::JsonReader reader_{64 * 1024};
    RecordingLink link_;
    std::vector<ListKind> announced_;
    std::vector<std::unique_ptr<rpc::Tool>> tools_ =
        make_conformance_tools([this](ListKind list) { announced_.push_back(list); });
};

}  // namespace fluxgate::app::test
