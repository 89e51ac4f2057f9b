#include "app/conformance_parts.h"

#include <utility>

#include "rpc/json_writer.h"

namespace fluxgate::app::conformance {
namespace {

using Writer = rpc::JsonWriter<rpc::Escape::once>;

void write_flat(Writer& json, const rpc::Json& value) {
    using Kind = rpc::Json::Kind;
    switch (value.kind) {
        case Kind::string:
            json.string(value.text);
            return;
        case Kind::number:
            json.raw(value.text);
            return;
        case Kind::boolean:
            json.boolean(value.boolean);
            return;
        case Kind::array:
            json.raw('[');
            for (const rpc::Json* item = value.first; item != nullptr; item = item->next) {
                if (item != value.first) json.raw(',');
                json.string(item->text);
            }
            json.raw(']');
            return;
        case Kind::object:  // no form has one
        case Kind::null:
            json.null();
            return;
    }
}

const rpc::Json* find_object(const rpc::Json* object, std::string_view name) {
    const rpc::Json* member = object == nullptr ? nullptr : object->find(name);
    return member != nullptr && member->is_object() ? member : nullptr;
}

std::string json_string(std::string_view text) {
    loop::BlockChain out;
    Writer(out).string(text);
    return out.to_string();
}

}  // namespace

rpc::ToolInfo describe(std::string_view name, std::string_view description,
                       std::string_view input_schema) {
    rpc::ToolInfo info;
    info.name = name;
    info.description = description;
    info.input_schema = input_schema;
    info.read_only = true;
    info.destructive = false;
    return info;
}

FunctionTool::FunctionTool(std::string_view name, std::string_view description,
                           std::string_view input_schema, Body body)
    : info_(describe(name, description, input_schema)), body_(body) {
}

void add_tools(Tools& tools, std::span<const ToolRow> rows) {
    for (const ToolRow& row : rows) {
        tools.push_back(
            std::make_unique<FunctionTool>(row.name, row.description, row.input_schema, row.body));
    }
}

rpc::ToolResult text_result(std::string_view text) {
    rpc::ToolResult result;
    rpc::append_escaped<rpc::Escape::once>(result.text, text);
    return result;
}

rpc::InputRequest ask_form(std::string_view key, std::string_view message,
                           std::string_view schema) {
    std::string params = R"({"mode":"form","message":)" + json_string(message);
    params.append(R"(,"requestedSchema":)").append(schema).append("}");
    return {.key = std::string(key),
            .needs = rpc::ClientCapability::elicitation_form,
            .params = std::move(params)};
}

rpc::InputRequest ask_for_string(std::string_view key, std::string_view message,
                                 std::string_view member) {
    const std::string name = json_string(member);
    return ask_form(key, message,
                    R"({"type":"object","properties":{)" + name +
                        R"(:{"type":"string"}},"required":[)" + name + "]}");
}

rpc::InputRequest ask_model(std::string_view key, std::string_view prompt, int tokens_max) {
    return {.key = std::string(key),
            .needs = rpc::ClientCapability::sampling,
            .params = R"({"messages":[{"role":"user","content":{"type":"text","text":)" +
                      json_string(prompt) + R"(}}],"maxTokens":)" + std::to_string(tokens_max) +
                      "}"};
}

rpc::InputRequest ask_for_roots(std::string_view key) {
    return {.key = std::string(key), .needs = rpc::ClientCapability::roots, .params = "{}"};
}

std::vector<rpc::InputRequest> without_undeclared(std::vector<rpc::InputRequest> requests,
                                                  rpc::ClientCapabilities capabilities) {
    std::erase_if(requests, [capabilities](const rpc::InputRequest& request) {
        return !capabilities.has(request.needs);
    });
    return requests;
}

std::unique_ptr<rpc::InputRequired> ask(std::vector<rpc::InputRequest> requests,
                                        std::string_view state) {
    auto required = std::make_unique<rpc::InputRequired>();
    required->requests = std::move(requests);
    required->state = state;
    return required;
}

std::string_view capability_name(rpc::ClientCapability capability) {
    switch (capability) {
        case rpc::ClientCapability::roots:
            return "roots";
        case rpc::ClientCapability::sampling:
            return "sampling";
        case rpc::ClientCapability::elicitation_form:
        case rpc::ClientCapability::elicitation_url:
            return "elicitation";
    }
    return {};
}

std::string_view FormAnswer::string(std::string_view name) const {
    const rpc::Json* member =
        action == "accept" && content != nullptr ? content->find(name) : nullptr;
    return member != nullptr && member->is_string() ? member->text : std::string_view{};
}

std::optional<FormAnswer> form_answer(const rpc::Json* inputs, std::string_view key) {
    const rpc::Json* answer = find_object(inputs, key);
    const rpc::Json* action = answer == nullptr ? nullptr : answer->find("action");
    if (action == nullptr || !action->is_string()) return std::nullopt;
    const FormAnswer read{.action = action->text, .content = find_object(answer, "content")};
    if (read.action == "accept")
        return read.content == nullptr ? std::nullopt : std::optional(read);
    if (read.action != "decline" && read.action != "cancel") return std::nullopt;
    return read;
}

std::optional<std::string_view> model_answer(const rpc::Json* inputs, std::string_view key) {
    const rpc::Json* answer = find_object(inputs, key);
    const rpc::Json* content = answer == nullptr ? nullptr : answer->find("content");
    // One item, or from 2025-11-25 on an array of them.
    if (content != nullptr && content->is_array()) content = content->first;
    const rpc::Json* text = content == nullptr ? nullptr : content->find("text");
    return text != nullptr && text->is_string() ? std::optional(text->text) : std::nullopt;
}

const rpc::Json* roots_answer(const rpc::Json* inputs, std::string_view key) {
    const rpc::Json* answer = find_object(inputs, key);
    const rpc::Json* roots = answer == nullptr ? nullptr : answer->find("roots");
    return roots != nullptr && roots->is_array() ? roots : nullptr;
}

std::string describe_answer(const FormAnswer& answer) {
    loop::BlockChain out;
    Writer json(out);
    json.raw("action=");
    json.raw(answer.action);
    json.raw(", content={");
    const rpc::Json* first = answer.content == nullptr ? nullptr : answer.content->first;
    for (const rpc::Json* member = first; member != nullptr; member = member->next) {
        if (member != first) json.raw(',');
        json.key(member->key);
        write_flat(json, *member);
    }
    json.raw('}');
    return out.to_string();
}

}  // namespace fluxgate::app::conformance
