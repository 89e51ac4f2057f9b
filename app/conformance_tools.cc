// The fixture tools that answer by themselves: one kind of content each, progress, log messages, a
// stream that ends early, a change of a list. Those that ask the client: conformance_questions.cc.
#include <array>
#include <chrono>
#include <utility>

#include "app/conformance_fixtures.h"
#include "app/conformance_parts.h"
#include "loop/sleep.h"
#include "rpc/arguments.h"
#include "rpc/content.h"

namespace fluxgate::app {
namespace conformance {
namespace {

constexpr loop::Duration step = std::chrono::milliseconds(50);  // between two notifications

constexpr std::string_view logger = "conformance";

// Every keyword of it must come out of tools/list again.
constexpr std::string_view schema_2020_12 =
    R"json({"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",)json"
    R"json("$defs":{"address":{"$anchor":"addressDef","type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"}}}},)json"
    R"json("properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},"contactMethod":{"type":"string","enum":["phone","email"]},"phone":{"type":"string"},"email":{"type":"string"}},)json"
    R"json("allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],)json"
    R"json("if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},"then":{"required":["phone"]},"else":{"required":["email"]},)json"
    R"json("additionalProperties":false})json";

constexpr std::string_view schema_with_header =
    R"json({"type":"object","properties":{"region":{"type":"string","description":"Also sent as Mcp-Param-Region.","x-mcp-header":"Region"}},"additionalProperties":false})json";

loop::Task<rpc::ToolOutcome> simple_text(rpc::ToolCall*) {
    co_return text_result("This is a simple text response for testing.");
}

loop::Task<rpc::ToolOutcome> image(rpc::ToolCall*) {
    rpc::ToolResult result;
    rpc::append_image_item(result.items, png_base64, "image/png");
    co_return result;
}

loop::Task<rpc::ToolOutcome> audio(rpc::ToolCall*) {
    rpc::ToolResult result;
    rpc::append_audio_item(result.items, wav_base64, "audio/wav");
    co_return result;
}

loop::Task<rpc::ToolOutcome> embedded_resource(rpc::ToolCall*) {
    rpc::ToolResult result;
    rpc::append_embedded_text(result.items, "test://embedded-resource", "text/plain",
                              "This is an embedded resource content.");
    co_return result;
}

loop::Task<rpc::ToolOutcome> several_types(rpc::ToolCall*) {
    rpc::ToolResult result;
    rpc::append_text_item(result.items, "Multiple content types test:");
    result.items.append(',');
    rpc::append_image_item(result.items, png_base64, "image/png");
    result.items.append(',');
    rpc::append_embedded_text(result.items, "test://mixed-content-resource", "application/json",
                              R"({"test":"data","value":123})");
    co_return result;
}

loop::Task<rpc::ToolOutcome> error(rpc::ToolCall*) {
    co_return rpc::tool_error("This tool intentionally returns an error for testing");
}

loop::Task<rpc::ToolOutcome> with_logging(rpc::ToolCall* call) {
    constexpr std::array<std::string_view, 3> messages = {R"("Tool execution started")",
                                                          R"("Tool processing data")",
                                                          R"("Tool execution completed")"};
    for (const std::string_view message : messages) {
        if (message != messages.front()) {
            const loop::Result<void> slept = co_await loop::sleep_for(*call->scope, step);
            if (!slept) co_return rpc::tool_error("cut short");
        }
        co_await call->client->log(rpc::LogLevel::info, logger, message);
    }
    co_return text_result("Three messages were logged.");
}

loop::Task<rpc::ToolOutcome> with_progress(rpc::ToolCall* call) {
    constexpr int total = 100;
    for (int done = 0; done <= total; done += 50) {
        if (done > 0) {
            const loop::Result<void> slept = co_await loop::sleep_for(*call->scope, step);
            if (!slept) co_return rpc::tool_error("cut short");
        }
        co_await call->client->progress(done, total, "");
    }
    co_return text_result("Progress was reported up to 100 of 100.");
}

// The stream that the answer was to come on ends; the answer waits for whoever comes back for it.
loop::Task<rpc::ToolOutcome> reconnection(rpc::ToolCall* call) {
    co_await call->client->hang_up();
    const loop::Result<void> slept = co_await loop::sleep_for(*call->scope, 2 * step);
    if (!slept) co_return rpc::tool_error("cut short");
    co_return text_result("The stream was closed before this was known.");
}

loop::Task<rpc::ToolOutcome> one_log_message(rpc::ToolCall* call) {
    co_await call->client->log(rpc::LogLevel::info, logger, R"("The tool was called.")");
    co_return text_result("One message was logged, for those who have set a level.");
}

// Only reached by a client that has declared sampling: ToolInfo::needs.
loop::Task<rpc::ToolOutcome> needs_sampling(rpc::ToolCall*) {
    co_return text_result("The client has declared sampling.");
}

loop::Task<rpc::ToolOutcome> valid_by_schema(rpc::ToolCall*) {
    co_return text_result("The schema is what counts.");
}

loop::Task<rpc::ToolOutcome> with_header(rpc::ToolCall* call) {
    rpc::Arguments arguments(call->arguments, call->arena);
    const std::string_view region = arguments.optional_string("region").value_or("none");
    if (!arguments.error().empty()) co_return rpc::tool_error(arguments.error());
    co_return text_result("region: " + std::string(region));
}

class ChangeTool final : public rpc::Tool {
public:
    ChangeTool(std::string_view name, std::string_view description, ListKind list,
               AnnounceChange announce)
        : info_(describe(name, description, no_arguments)),
          list_(list),
          announce_(std::move(announce)) {}

    [[nodiscard]] const rpc::ToolInfo& info() const override { return info_; }
    [[nodiscard]] loop::Task<rpc::ToolOutcome> call(rpc::ToolCall*) override {
        if (announce_) announce_(list_);
        co_return text_result("The change was announced.");
    }

private:
    rpc::ToolInfo info_;
    ListKind list_;
    AnnounceChange announce_;
};

constexpr auto rows = std::to_array<ToolRow>({
    {"json_schema_2020_12_tool", "Tool with JSON Schema 2020-12 features", valid_by_schema,
     schema_2020_12},
    {"test_audio_content", "Answers audio.", audio},
    {"test_embedded_resource", "Answers an embedded resource.", embedded_resource},
    {"test_error_handling", "Always fails.", error},
    {"test_image_content", "Answers an image.", image},
    {"test_logging_tool", "Logs one message.", one_log_message},
    {"test_multiple_content_types", "Answers text, an image and a resource.", several_types},
    {"test_reconnection", "Ends its stream in the middle of the call.", reconnection},
    {"test_simple_text", "Answers text.", simple_text},
    {"test_tool_with_logging", "Logs three messages as it goes.", with_logging},
    {"test_tool_with_progress", "Reports its progress three times.", with_progress},
    {"test_x_mcp_header", "Takes an argument that is repeated as a header field.", with_header,
     schema_with_header},
});

}  // namespace
}  // namespace conformance

std::vector<std::unique_ptr<rpc::Tool>> make_conformance_tools(AnnounceChange announce) {
    using namespace conformance;
    Tools tools;
    add_tools(tools, rows);
    auto needy = std::make_unique<FunctionTool>("test_missing_capability",
                                                "Is refused to clients without sampling.",
                                                no_arguments, needs_sampling);
    needy->edit_info().needs.add(rpc::ClientCapability::sampling);
    tools.push_back(std::move(needy));
    tools.push_back(std::make_unique<ChangeTool>(
        "test_trigger_tool_change", "Announces a change of the tools.", ListKind::tools, announce));
    tools.push_back(std::make_unique<ChangeTool>("test_trigger_prompt_change",
                                                 "Announces a change of the prompts.",
                                                 ListKind::prompts, std::move(announce)));
    add_asking_tools(tools);
    return tools;
}

}  // namespace fluxgate::app
