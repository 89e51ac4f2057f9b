// The fixture tools that ask the client something and are called again with the answers, in either
// era (rpc/client_request.h). A tool begins by looking at what is answered already.
#include <array>
#include <string>
#include <utility>

#include "app/conformance_parts.h"
#include "rpc/arguments.h"

namespace fluxgate::app::conformance {
namespace {

constexpr std::string_view arguments_with_prompt =
    R"json({"type":"object","properties":{"prompt":{"type":"string","description":"What the client's model is asked."}},"required":["prompt"],"additionalProperties":false})json";
constexpr std::string_view arguments_with_message =
    R"json({"type":"object","properties":{"message":{"type":"string","description":"What the person is shown."}},"required":["message"],"additionalProperties":false})json";

constexpr std::string_view contact_form =
    R"json({"type":"object","properties":{"username":{"type":"string","description":"User's response"},"email":{"type":"string","description":"User's email address"}},"required":["username","email"]})json";

constexpr std::string_view form_with_defaults =
    R"json({"type":"object","properties":{)json"
    R"json("name":{"type":"string","description":"User name","default":"John Doe"},)json"
    R"json("age":{"type":"integer","description":"User age","default":30},)json"
    R"json("score":{"type":"number","description":"User score","default":95.5},)json"
    R"json("status":{"type":"string","description":"User status","enum":["active","inactive","pending"],"default":"active"},)json"
    R"json("verified":{"type":"boolean","description":"Verification status","default":true}}})json";

constexpr std::string_view form_with_enums =
    R"json({"type":"object","properties":{)json"
    R"json("untitledSingle":{"type":"string","enum":["option1","option2","option3"]},)json"
    R"json("titledSingle":{"type":"string","oneOf":[{"const":"value1","title":"First Option"},{"const":"value2","title":"Second Option"},{"const":"value3","title":"Third Option"}]},)json"
    R"json("legacyEnum":{"type":"string","enum":["opt1","opt2","opt3"],"enumNames":["Option One","Option Two","Option Three"]},)json"
    R"json("untitledMulti":{"type":"array","items":{"type":"string","enum":["option1","option2","option3"]}},)json"
    R"json("titledMulti":{"type":"array","items":{"anyOf":[{"const":"value1","title":"First Choice"},{"const":"value2","title":"Second Choice"},{"const":"value3","title":"Third Choice"}]}}}})json";

constexpr std::string_view form_to_confirm =
    R"json({"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]})json";

// Asks, unless the client has not declared what it would take.
rpc::ToolResult ask_or_refuse(const rpc::ToolCall& call, rpc::InputRequest request,
                              std::string_view state = {}) {
    if (!call.capabilities.has(request.needs)) {
        return rpc::tool_error("The client did not declare the capability '" +
                               std::string(capability_name(request.needs)) + "'.");
    }
    rpc::ToolResult result;
    std::vector<rpc::InputRequest> requests;
    requests.push_back(std::move(request));
    result.ask = ask(std::move(requests), state);
    return result;
}

rpc::ToolResult greet(std::string_view name) {
    if (name.empty()) return text_result("Hello, whoever you are!");
    return text_result("Hello, " + std::string(name) + "!");
}

std::string say_roots(const rpc::Json& roots) {
    std::string text = "Roots:";
    for (const rpc::Json* root = roots.first; root != nullptr; root = root->next) {
        const rpc::Json* uri = root->find("uri");
        if (uri != nullptr && uri->is_string()) text.append(" ").append(uri->text);
    }
    return text;
}

// ---- one question ----

loop::Task<rpc::ToolOutcome> sampling(rpc::ToolCall* call) {
    rpc::Arguments arguments(call->arguments, call->arena);
    const std::string_view prompt = arguments.required_string("prompt");
    if (!arguments.error().empty()) co_return rpc::tool_error(arguments.error());
    const auto answer = model_answer(call->inputs, "answer");
    if (!answer) co_return ask_or_refuse(*call, ask_model("answer", prompt, 100));
    co_return text_result("LLM response: " + std::string(*answer));
}

loop::Task<rpc::ToolOutcome> elicitation(rpc::ToolCall* call) {
    rpc::Arguments arguments(call->arguments, call->arena);
    const std::string_view message = arguments.required_string("message");
    if (!arguments.error().empty()) co_return rpc::tool_error(arguments.error());
    const auto answer = form_answer(call->inputs, "contact");
    if (!answer) co_return ask_or_refuse(*call, ask_form("contact", message, contact_form));
    co_return text_result("User response: " + describe_answer(*answer));
}

rpc::ToolResult fill_in(const rpc::ToolCall& call, std::string_view message,
                        std::string_view form) {
    const auto answer = form_answer(call.inputs, "form");
    if (!answer) return ask_or_refuse(call, ask_form("form", message, form));
    return text_result("Elicitation completed: " + describe_answer(*answer));
}

loop::Task<rpc::ToolOutcome> elicitation_with_defaults(rpc::ToolCall* call) {
    co_return fill_in(*call, "Please review the form and its defaults.", form_with_defaults);
}

loop::Task<rpc::ToolOutcome> elicitation_with_enums(rpc::ToolCall* call) {
    co_return fill_in(*call, "Please choose.", form_with_enums);
}

loop::Task<rpc::ToolOutcome> ask_name(rpc::ToolCall* call) {
    const auto answer = form_answer(call->inputs, "user_name");
    if (!answer) {
        co_return ask_or_refuse(*call, ask_for_string("user_name", "What is your name?", "name"));
    }
    co_return greet(answer->string("name"));
}

loop::Task<rpc::ToolOutcome> ask_capital(rpc::ToolCall* call) {
    const auto answer = model_answer(call->inputs, "capital_question");
    if (!answer) {
        co_return ask_or_refuse(
            *call, ask_model("capital_question", "What is the capital of France?", 100));
    }
    co_return text_result("The client's model says: " + std::string(*answer));
}

loop::Task<rpc::ToolOutcome> list_roots(rpc::ToolCall* call) {
    const rpc::Json* roots = roots_answer(call->inputs, "client_roots");
    if (roots == nullptr) co_return ask_or_refuse(*call, ask_for_roots("client_roots"));
    co_return text_result(say_roots(*roots));
}

// ---- state ----

constexpr std::string_view confirm_state = "confirm";

// Of the two tools that differ in what the suite does with their state.
loop::Task<rpc::ToolOutcome> confirm(rpc::ToolCall* call) {
    const auto answer = form_answer(call->inputs, "confirm");
    if (!answer || call->state != confirm_state) {
        co_return ask_or_refuse(*call, ask_form("confirm", "Please confirm", form_to_confirm),
                                confirm_state);
    }
    co_return text_result("state-ok, " + describe_answer(*answer));
}

// What is known of the person travels in the state: an answer comes once.
loop::Task<rpc::ToolOutcome> two_steps(rpc::ToolCall* call) {
    constexpr std::string_view first_state = "step1";
    constexpr std::string_view second_state = "step2:";  // and the name
    std::string name;
    if (call->state.starts_with(second_state)) {
        name = call->state.substr(second_state.size());
        const auto colour = form_answer(call->inputs, "step2");
        if (colour) {
            co_return text_result("Hello, " + name + "! Your favorite color is " +
                                  std::string(colour->string("color")) + ".");
        }
    } else {
        const auto step = form_answer(call->inputs, "step1");
        if (!step || call->state != first_state) {
            co_return ask_or_refuse(
                *call, ask_for_string("step1", "Step 1: What is your name?", "name"), first_state);
        }
        name = step->string("name");
    }
    co_return ask_or_refuse(
        *call, ask_for_string("step2", "Step 2: What is your favorite color?", "color"),
        std::string(second_state) + name);
}

// ---- several questions at once ----

std::vector<rpc::InputRequest> three_questions() {
    std::vector<rpc::InputRequest> requests;
    requests.push_back(ask_for_string("user_name", "What is your name?", "name"));
    requests.push_back(ask_model("greeting", "Generate a greeting", 50));
    requests.push_back(ask_for_roots("client_roots"));
    return requests;
}

bool is_answered(const rpc::Json* inputs, const rpc::InputRequest& request) {
    switch (request.needs) {
        case rpc::ClientCapability::roots:
            return roots_answer(inputs, request.key) != nullptr;
        case rpc::ClientCapability::sampling:
            return model_answer(inputs, request.key).has_value();
        case rpc::ClientCapability::elicitation_form:
        case rpc::ClientCapability::elicitation_url:
            return form_answer(inputs, request.key).has_value();
    }
    return false;
}

// What the client can be asked of the three. All of them are asked again while one is missing: only
// the answers of the last round are certain to be there.
rpc::ToolResult ask_three(const rpc::ToolCall& call, std::string_view state) {
    std::vector<rpc::InputRequest> requests =
        without_undeclared(three_questions(), call.capabilities);
    size_t missing = 0;
    for (const rpc::InputRequest& request : requests)
        missing += is_answered(call.inputs, request) ? 0 : 1;
    if (requests.empty()) return text_result("The client can not be asked anything.");
    if (missing == 0) {
        return text_result("Answered: " + std::to_string(requests.size()) + " questions.");
    }
    rpc::ToolResult result;
    result.ask = ask(std::move(requests), state);
    return result;
}

loop::Task<rpc::ToolOutcome> three_at_once(rpc::ToolCall* call) {
    co_return ask_three(*call, "three");
}

loop::Task<rpc::ToolOutcome> what_is_declared(rpc::ToolCall* call) {
    co_return ask_three(*call, {});
}

constexpr auto rows = std::to_array<ToolRow>({
    {"test_elicitation", "Lets the person fill in a form.", elicitation, arguments_with_message},
    {"test_elicitation_sep1034_defaults", "A form with defaults.", elicitation_with_defaults},
    {"test_elicitation_sep1330_enums", "A form with every kind of choice.", elicitation_with_enums},
    {"test_input_required_result_capabilities", "Asks what the client can be asked.",
     what_is_declared},
    {"test_input_required_result_elicitation", "Asks for a name.", ask_name},
    {"test_input_required_result_list_roots", "Asks for the client's roots.", list_roots},
    {"test_input_required_result_multi_round", "Asks twice.", two_steps},
    {"test_input_required_result_multiple_inputs", "Asks three things at once.", three_at_once},
    {"test_input_required_result_request_state", "Has a state go round.", confirm},
    {"test_input_required_result_sampling", "Asks the client's model.", ask_capital},
    {"test_input_required_result_tampered_state", "Has a state that nobody may change.", confirm},
    {"test_sampling", "Lets the client's model write something.", sampling, arguments_with_prompt},
    {"test_streaming_elicitation", "Asks for a name, on a stream that carries no requests.",
     ask_name},
});

}  // namespace

void add_asking_tools(Tools& tools) {
    add_tools(tools, rows);
}

}  // namespace fluxgate::app::conformance
