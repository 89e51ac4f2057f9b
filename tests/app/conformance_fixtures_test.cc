// The fixture tools that answer by themselves, and that none is missing.
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "tests/app/conformance_fixture.h"

namespace fluxgate::app {
namespace {

using namespace std::chrono_literals;

using Names = std::set<std::string>;

using test::Round;
class ConformanceFixtures : public test::ConformanceFixture {};

TEST_F(ConformanceFixtures, AreTheToolsThatTheSuiteCalls) {
    Names names;
    for (const auto& tool : tools_) {
        EXPECT_TRUE(names.insert(tool->info().name).second) << tool->info().name << " twice";
        EXPECT_FALSE(tool->info().description.empty()) << tool->info().name;
        const rpc::Json* schema = parse(tool->info().input_schema);
        ASSERT_NE(schema, nullptr) << tool->info().name;
        ASSERT_NE(schema->find("type"), nullptr) << tool->info().name;
        EXPECT_EQ(schema->find("type")->text, "object") << tool->info().name;
    }
    EXPECT_EQ(names, (Names{
                         "json_schema_2020_12_tool",
                         "test_audio_content",
                         "test_elicitation",
                         "test_elicitation_sep1034_defaults",
                         "test_elicitation_sep1330_enums",
                         "test_embedded_resource",
                         "test_error_handling",
                         "test_image_content",
                         "test_input_required_result_capabilities",
                         "test_input_required_result_elicitation",
                         "test_input_required_result_list_roots",
                         "test_input_required_result_multi_round",
                         "test_input_required_result_multiple_inputs",
                         "test_input_required_result_request_state",
                         "test_input_required_result_sampling",
                         "test_input_required_result_tampered_state",
                         "test_logging_tool",
                         "test_missing_capability",
                         "test_multiple_content_types",
                         "test_reconnection",
                         "test_sampling",
                         "test_simple_text",
                         "test_streaming_elicitation",
                         "test_tool_with_logging",
                         "test_tool_with_progress",
                         "test_trigger_prompt_change",
                         "test_trigger_tool_change",
                         "test_x_mcp_header",
                     }));
}

TEST_F(ConformanceFixtures, ArePromptsAndResourcesToo) {
    Names prompts;
    for (const auto& prompt : make_conformance_prompts()) {
        prompts.insert(prompt->info().name);
        EXPECT_FALSE(prompt->info().description.empty()) << prompt->info().name;
    }
    EXPECT_EQ(prompts, (Names{"test_input_required_result_prompt", "test_prompt_with_arguments",
                              "test_prompt_with_embedded_resource", "test_prompt_with_image",
                              "test_simple_prompt"}));
    Names resources;
    for (const auto& resource : make_conformance_resources())
        resources.insert(resource->info().uri);
    EXPECT_EQ(resources, (Names{"test://static-binary", "test://static-text",
                                "test://template/{id}/data", "test://watched-resource"}));
}

TEST_F(ConformanceFixtures, AnswerOneKindOfContentEach) {
    EXPECT_EQ(text_of("test_simple_text", {}), "This is a simple text response for testing.");
    const std::string image = call("test_image_content").items.to_string();
    EXPECT_TRUE(image.starts_with(R"({"type":"image","data":"iVBORw0KGgo)")) << image;
    EXPECT_TRUE(image.ends_with(R"(","mimeType":"image/png"})")) << image;
    const std::string audio = call("test_audio_content").items.to_string();
    EXPECT_TRUE(audio.starts_with(R"({"type":"audio","data":"UklGR)")) << audio;
    EXPECT_TRUE(audio.ends_with(R"(","mimeType":"audio/wav"})")) << audio;
    EXPECT_EQ(
        call("test_embedded_resource").items.to_string(),
        R"({"type":"resource","resource":{"uri":"test://embedded-resource","mimeType":"text/plain","text":"This is an embedded resource content."}})");
    const rpc::Json* mixed =
        parse("[" + call("test_multiple_content_types").items.to_string() + "]");
    ASSERT_NE(mixed, nullptr);
    EXPECT_EQ(mixed->count, 3U);
}

TEST_F(ConformanceFixtures, FailWhereTheyShall) {
    const rpc::ToolResult result = call("test_error_handling");
    EXPECT_TRUE(result.is_error);
    EXPECT_EQ(result.text.to_string(), "This tool intentionally returns an error for testing");
}

TEST_F(ConformanceFixtures, TellTheClientHowTheyGoOn) {
    EXPECT_FALSE(call("test_tool_with_progress").is_error);
    EXPECT_EQ(link_.sent,
              (std::vector<std::string>{"progress 0/100", "progress 50/100", "progress 100/100"}));
    link_.sent.clear();
    EXPECT_FALSE(call("test_tool_with_logging").is_error);
    EXPECT_EQ(link_.sent, (std::vector<std::string>{R"(info "Tool execution started")",
                                                    R"(info "Tool processing data")",
                                                    R"(info "Tool execution completed")"}));
    link_.sent.clear();
    EXPECT_FALSE(call("test_reconnection").is_error);
    EXPECT_EQ(link_.sent, std::vector<std::string>{"hang up"});
}

TEST_F(ConformanceFixtures, ThatWaitEndWhenNobodyWaitsForThem) {
    for (const char* name :
         {"test_tool_with_progress", "test_tool_with_logging", "test_reconnection"}) {
        loop::Scope scope(loop_.get());
        rpc::ToolCall context;
        fill(context, scope, {});
        std::optional<rpc::ToolOutcome> outcome;
        scope.spawn("call", keep(find(name), &context, &outcome));
        EXPECT_FALSE(outcome.has_value()) << name;
        scope.cancel();
        loop_.advance(0ms);
        ASSERT_TRUE(outcome && outcome->has_value()) << name;
        EXPECT_TRUE((*outcome)->is_error) << name;
    }
}

TEST_F(ConformanceFixtures, AnnounceTheListThatTheyAreNamedAfter) {
    (void)call("test_trigger_tool_change");
    (void)call("test_trigger_prompt_change");
    EXPECT_EQ(announced_, (std::vector{ListKind::tools, ListKind::prompts}));
    for (const auto& tool : make_conformance_tools({})) {  // nobody to tell
        if (tool->info().name != "test_trigger_tool_change") continue;
        loop::Scope scope(loop_.get());
        rpc::ToolCall context;
        fill(context, scope, {});
        std::optional<rpc::ToolOutcome> outcome;
        scope.spawn("call", keep(tool.get(), &context, &outcome));
        EXPECT_TRUE(outcome.has_value());
    }
}

TEST_F(ConformanceFixtures, DeclareWhatTheyNeed) {
    const rpc::ClientCapabilities needs = find("test_missing_capability")->info().needs;
    EXPECT_TRUE(needs.has(rpc::ClientCapability::sampling));
    EXPECT_FALSE(needs.has(rpc::ClientCapability::elicitation_form));
    const std::string& schema = find("test_x_mcp_header")->info().input_schema;
    const rpc::Json* region = parse(schema)->find("properties")->find("region");
    EXPECT_EQ(region->find("x-mcp-header")->text, "Region");
    EXPECT_EQ(text_of("test_x_mcp_header", {}, R"({"region":"eu"})"), "region: eu");
    EXPECT_TRUE(call("test_x_mcp_header", R"({"region":1})", {}).is_error);
}

}  // namespace
}  // namespace fluxgate::app
