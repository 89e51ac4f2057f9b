// A tool that does what a test tells it, and a core's worth of what a call needs around it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "loop/loop.h"
#include "loop/sleep.h"
#include "rpc/arguments.h"
#include "rpc/json_writer.h"
#include "rpc/tool.h"
#include "tests/support/manual_clock.h"

namespace fluxgate::test {

class FakeTool final : public rpc::Tool {
public:
    explicit FakeTool(std::string name, std::vector<std::string> scopes = {}) {
        info_.name = std::move(name);
        info_.title = "Title of " + info_.name;
        info_.description = "Does \"" + info_.name + "\".";
        info_.input_schema = R"({"type":"object"})";
        info_.scopes = std::move(scopes);
    }

    // ---- how it behaves ----
    std::string text = "[]";                  // the content item, unescaped
    std::string structured;                   // empty: none
    std::optional<rpc::CallFailure> failure;  // instead of a result
    loop::Duration sleep{0};                  // before anything else
    // All of it is up to this; it outlives the call.
    std::function<loop::Task<rpc::ToolOutcome>(rpc::ToolCall*)> script;
    std::string_view string_argument;  // wanted, and refused with U+0000 in it

    // ---- what it saw ----
    int calls = 0;
    int cancelled = 0;
    bool had_arguments = false;
    const rpc::Protocol* protocol = nullptr;
    loop::Deadline deadline;

    [[nodiscard]] rpc::ToolInfo& edit_info() { return info_; }
    [[nodiscard]] const rpc::ToolInfo& info() const override { return info_; }
    [[nodiscard]] loop::Task<rpc::ToolOutcome> call(rpc::ToolCall* call) override {
        ++calls;
        had_arguments = call->arguments != nullptr;
        protocol = call->protocol;
        deadline = call->scope->deadline();
        if (script) {
            loop::Task<rpc::ToolOutcome> scripted = script(call);
            co_return co_await std::move(scripted);
        }
        call->notes = {.sqlstate = "00000", .queue_us = 3, .db_us = 4};
        if (!string_argument.empty()) {
            rpc::Arguments arguments(call->arguments, call->arena);
            (void)arguments.required_string(string_argument);
            const rpc::Json* filter = arguments.optional_object("filter");
            if (filter != nullptr) {
                for (const rpc::Json* item = filter->first; item != nullptr; item = item->next) {
                    rpc::Arguments members(filter, call->arena);
                    (void)members.optional_string(item->key);
                    if (!members.error().empty()) co_return rpc::tool_error(members.error());
                }
            }
            if (!arguments.error().empty()) co_return rpc::tool_error(arguments.error());
        }
        if (sleep.count() > 0) {
            const loop::Result<void> slept = co_await loop::sleep_for(*call->scope, sleep);
            if (!slept) {
                ++cancelled;
                co_return rpc::tool_error("cut short");
            }
        }
        if (failure) co_return std::unexpected(*failure);
        rpc::ToolResult result;
        rpc::append_escaped<rpc::Escape::once>(result.text, text);
        result.structured.append(structured);
        co_return result;
    }

private:
    rpc::ToolInfo info_;
};

// A real loop on a clock that the test moves.
class TestLoop {
public:
    TestLoop()
        : loop_(
              *loop::Loop::create({.clock = &clock_, .entropy = nullptr, .ring = {}, .core = 0})) {}
    [[nodiscard]] loop::Loop* get() { return loop_.get(); }
    void advance(loop::Duration by) {
        clock_.advance(by);
        loop_->run_until_idle();
    }

private:
    ManualClock clock_;
    std::unique_ptr<loop::Loop> loop_;
};

}  // namespace fluxgate::test
