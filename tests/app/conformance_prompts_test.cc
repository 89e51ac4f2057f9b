// The fixture prompts and resources, each by its content.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "app/conformance_fixtures.h"
#include "rpc/json_reader.h"
#include "tests/rpc/padded.h"

namespace fluxgate::app {
namespace {

class ConformancePrompts : public testing::Test {
protected:
    const rpc::Json* parse(const std::string& text) {
        if (text.empty()) return nullptr;
        const test::Padded padded(text);
        const auto read = reader_.read(padded.view(), arena_);
        EXPECT_TRUE(read.has_value()) << text;
        return read.value_or(nullptr);
    }
    static loop::Task<void> keep(rpc::Prompt* prompt, rpc::PromptCall* call,
                                 std::optional<rpc::PromptOutcome>* out) {
        rpc::PromptOutcome outcome = co_await prompt->get(call);
        out->emplace(std::move(outcome));
    }
    static loop::Task<void> keep(rpc::Resource* resource, rpc::ReadCall* call,
                                 std::optional<rpc::ReadOutcome>* out) {
        rpc::ReadOutcome outcome = co_await resource->read(call);
        out->emplace(std::move(outcome));
    }
    static loop::Task<void> keep(rpc::Prompt* prompt, rpc::CompletionCall* call,
                                 std::optional<rpc::CompletionOutcome>* out) {
        rpc::CompletionOutcome outcome = co_await prompt->complete(call);
        out->emplace(std::move(outcome));
    }

    rpc::PromptResult get(std::string_view name, const std::string& arguments,
                          const std::string& inputs = "", uint8_t capabilities = 15) {
        rpc::PromptCall call;
        call.arena = &arena_;
        call.arguments = parse(arguments);
        call.inputs = parse(inputs);
        call.capabilities = rpc::ClientCapabilities(capabilities);
        return std::move(**run<rpc::PromptOutcome>(find(name), &call));
    }
    std::string read(std::string_view uri, std::string_view asked_for, std::string_view id = {}) {
        for (const auto& resource : resources_) {
            if (resource->info().uri != uri) continue;
            const rpc::TemplateVariable variable{.name = "id", .value = id};
            rpc::ReadCall call;
            call.uri = asked_for;
            if (!id.empty()) call.variables = std::span(&variable, 1);
            return run<rpc::ReadOutcome>(resource.get(), &call)->value().contents.to_string();
        }
        return "none";
    }
    std::vector<std::string> complete(std::string_view name, std::string_view value) {
        rpc::CompletionCall call;
        call.argument = "arg1";
        call.value = value;
        return run<rpc::CompletionOutcome>(find(name), &call)->value();
    }

private:
    rpc::Prompt* find(std::string_view name) {
        for (const auto& prompt : prompts_) {
            if (prompt->info().name == name) return prompt.get();
        }
        ADD_FAILURE() << "no prompt " << name;
        std::abort();
    }
    // None of them suspends.
    template <class Outcome, class Subject, class Call>
    static std::optional<Outcome> run(Subject* subject, Call* call) {
        loop::Scope scope(nullptr);
        call->scope = &scope;
        std::optional<Outcome> outcome;
        scope.spawn("work", keep(subject, call, &outcome));
        EXPECT_TRUE(outcome && outcome->has_value());
        return outcome;
    }

    loop::Arena arena_;
    rpc::JsonReader reader_{64 * 1024};
    std::vector<std::unique_ptr<rpc::Prompt>> prompts_ = make_conformance_prompts();
    std::vector<std::unique_ptr<rpc::Resource>> resources_ = make_conformance_resources();
};

TEST_F(ConformancePrompts, HaveTheMessagesThatTheSuiteExpects) {
    EXPECT_EQ(
        get("test_simple_prompt", "").messages.to_string(),
        R"({"role":"user","content":{"type":"text","text":"This is a simple prompt for testing."}})");
    EXPECT_EQ(
        get("test_prompt_with_arguments", R"({"arg1":"hello","arg2":"\"world\""})")
            .messages.to_string(),
        R"({"role":"user","content":{"type":"text","text":"Prompt with arguments: arg1='hello', arg2='\"world\"'"}})");
    EXPECT_EQ(
        get("test_prompt_with_embedded_resource", R"({"resourceUri":"test://\"x"})")
            .messages.to_string(),
        R"({"role":"user","content":{"type":"resource","resource":{"uri":"test://\"x","mimeType":"text/plain","text":"Embedded resource content for testing."}}},)"
        R"({"role":"user","content":{"type":"text","text":"Please process the embedded resource above."}})");
    const std::string image = get("test_prompt_with_image", "").messages.to_string();
    EXPECT_TRUE(image.starts_with(R"({"role":"user","content":{"type":"image","data":"iVBOR)"));
    EXPECT_NE(parse("[" + image + "]"), nullptr);
}

TEST_F(ConformancePrompts, AskForAContextIfTheyCan) {
    const std::string name = "test_input_required_result_prompt";
    const rpc::PromptResult first = get(name, "");
    ASSERT_NE(first.ask, nullptr);
    EXPECT_EQ(first.ask->requests.at(0).key, "user_context");
    EXPECT_NE(get(name, "", R"({"user_context":7})").ask, nullptr);
    const rpc::PromptResult last =
        get(name, "", R"({"user_context":{"action":"accept","content":{"context":"c"}}})");
    EXPECT_EQ(last.ask, nullptr);
    EXPECT_TRUE(last.messages.to_string().contains("Use this context: c"));
    EXPECT_EQ(get(name, "", "", 0).ask, nullptr);
}

TEST_F(ConformancePrompts, CompleteByWhatWasTyped) {
    EXPECT_EQ(complete("test_prompt_with_arguments", "par"),
              (std::vector<std::string>{"paris", "park", "party"}));
    EXPECT_TRUE(complete("test_prompt_with_arguments", "x").empty());
    EXPECT_TRUE(complete("test_simple_prompt", "par").empty());
}

TEST_F(ConformancePrompts, AndResourcesHaveTheContentsThatTheSuiteExpects) {
    EXPECT_EQ(
        read("test://static-text", "test://static-text"),
        R"({"uri":"test://static-text","mimeType":"text/plain","text":"This is the content of the static text resource."})");
    EXPECT_TRUE(
        read("test://static-binary", "test://static-binary")
            .starts_with(R"({"uri":"test://static-binary","mimeType":"image/png","blob":"iVBOR)"));
    EXPECT_EQ(
        read("test://template/{id}/data", "test://template/1%222/data", "1\"2"),
        R"({"uri":"test://template/1%222/data","mimeType":"application/json","text":"{\"id\":\"1\\\"2\",\"templateTest\":true,\"data\":\"Data for ID: 1\\\"2\"}"})");
    EXPECT_TRUE(read("test://watched-resource", "test://watched-resource").contains("Watched"));
}

}  // namespace
}  // namespace fluxgate::app
