// The fixture prompts.
#include <utility>

#include "app/conformance_fixtures.h"
#include "app/conformance_parts.h"
#include "rpc/content.h"

namespace fluxgate::app {
namespace conformance {
namespace {

class FunctionPrompt : public rpc::Prompt {
public:
    using Body = loop::Task<rpc::PromptOutcome> (*)(rpc::PromptCall* call);
    FunctionPrompt(rpc::PromptInfo info, Body body) : info_(std::move(info)), body_(body) {}

    [[nodiscard]] const rpc::PromptInfo& info() const override { return info_; }
    [[nodiscard]] loop::Task<rpc::PromptOutcome> get(rpc::PromptCall* call) override {
        return body_(call);
    }

private:
    rpc::PromptInfo info_;
    Body body_;
};

// Its arguments can be completed.
class PromptWithArguments final : public FunctionPrompt {
public:
    using FunctionPrompt::FunctionPrompt;
    [[nodiscard]] loop::Task<rpc::CompletionOutcome> complete(rpc::CompletionCall* call) override {
        std::vector<std::string> values;
        for (const std::string_view known : {"paris", "park", "party", "testValue1"}) {
            if (known.starts_with(call->value)) values.emplace_back(known);
        }
        co_return values;
    }
};

void add_message(rpc::PromptResult& result, loop::BlockChain item) {
    if (!result.messages.empty()) result.messages.append(',');
    rpc::append_message(result.messages, rpc::Role::user, std::move(item));
}

void add_text(rpc::PromptResult& result, std::string_view text) {
    loop::BlockChain item;
    rpc::append_text_item(item, text);
    add_message(result, std::move(item));
}

loop::Task<rpc::PromptOutcome> simple(rpc::PromptCall*) {
    rpc::PromptResult result;
    add_text(result, "This is a simple prompt for testing.");
    co_return result;
}

loop::Task<rpc::PromptOutcome> with_arguments(rpc::PromptCall* call) {
    rpc::PromptResult result;
    std::string text = "Prompt with arguments: arg1='";
    text.append(call->argument("arg1")).append("', arg2='");
    text.append(call->argument("arg2")).append("'");
    add_text(result, text);
    co_return result;
}

loop::Task<rpc::PromptOutcome> with_embedded_resource(rpc::PromptCall* call) {
    rpc::PromptResult result;
    loop::BlockChain item;
    rpc::append_embedded_text(item, call->argument("resourceUri"), "text/plain",
                              "Embedded resource content for testing.");
    add_message(result, std::move(item));
    add_text(result, "Please process the embedded resource above.");
    co_return result;
}

loop::Task<rpc::PromptOutcome> with_image(rpc::PromptCall*) {
    rpc::PromptResult result;
    loop::BlockChain item;
    rpc::append_image_item(item, png_base64, "image/png");
    add_message(result, std::move(item));
    add_text(result, "Please analyze the image above.");
    co_return result;
}

loop::Task<rpc::PromptOutcome> asking(rpc::PromptCall* call) {
    rpc::PromptResult result;
    const auto answer = form_answer(call->inputs, "user_context");
    if (answer) {
        add_text(result, "Use this context: " + std::string(answer->string("context")));
        co_return result;
    }
    std::vector<rpc::InputRequest> requests;
    requests.push_back(
        ask_for_string("user_context", "What context should the prompt use?", "context"));
    requests = without_undeclared(std::move(requests), call->capabilities);
    if (requests.empty()) {
        add_text(result, "Use no context: the client can not be asked for one.");
    } else {
        result.ask = ask(std::move(requests));
    }
    co_return result;
}

rpc::PromptArgument required(std::string_view name, std::string_view description) {
    rpc::PromptArgument argument;
    argument.name = name;
    argument.description = description;
    argument.required = true;
    return argument;
}

rpc::PromptInfo named(std::string_view name, std::string_view description,
                      std::vector<rpc::PromptArgument> arguments = {}) {
    rpc::PromptInfo info;
    info.name = name;
    info.description = description;
    info.arguments = std::move(arguments);
    return info;
}

}  // namespace
}  // namespace conformance

std::vector<std::unique_ptr<rpc::Prompt>> make_conformance_prompts() {
    using namespace conformance;
    std::vector<std::unique_ptr<rpc::Prompt>> prompts;
    prompts.push_back(std::make_unique<FunctionPrompt>(
        named("test_input_required_result_prompt", "Asks for a context."), asking));
    prompts.push_back(std::make_unique<PromptWithArguments>(
        named("test_prompt_with_arguments", "One text with both arguments.",
              {required("arg1", "First test argument"), required("arg2", "Second test argument")}),
        with_arguments));
    prompts.push_back(std::make_unique<FunctionPrompt>(
        named("test_prompt_with_embedded_resource", "A resource, and a text about it.",
              {required("resourceUri", "URI of the resource to embed")}),
        with_embedded_resource));
    prompts.push_back(std::make_unique<FunctionPrompt>(
        named("test_prompt_with_image", "An image, and a text about it."), with_image));
    prompts.push_back(
        std::make_unique<FunctionPrompt>(named("test_simple_prompt", "One text."), simple));
    return prompts;
}

}  // namespace fluxgate::app
