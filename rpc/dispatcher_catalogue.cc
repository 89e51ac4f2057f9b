// The methods about what is offered: tools, resources, prompts, completion. The order of checks is
// the seed's: is it allowed (the registries know nothing else), is it there, may the caller, run.
#include <algorithm>
#include <optional>
#include <utility>

#include "rpc/call_replies.h"
#include "rpc/cursor.h"
#include "rpc/dispatcher.h"
#include "rpc/list_page.h"
#include "rpc/name_hints.h"
#include "rpc/nearest.h"
#include "rpc/scopes.h"

namespace fluxgate::rpc {

namespace {

// Null: it is not there, or no string.
const Json* text_of(const Json* object, std::string_view member) {
    const Json* found = object == nullptr ? nullptr : object->find(member);
    return found != nullptr && found->is_string() ? found : nullptr;
}

bool is_argument(std::string_view name, const Job& job, const UriTemplate* uri_template) {
    if (uri_template != nullptr) return uri_template->has_variable(name);
    return std::ranges::any_of(job.prompt->info().arguments,
                               [name](const PromptArgument& one) { return one.name == name; });
}

std::vector<std::string_view> argument_names(const Job& job, const UriTemplate* uri_template) {
    if (uri_template != nullptr) return uri_template->variable_names();
    std::vector<std::string_view> names;
    for (const PromptArgument& argument : job.prompt->info().arguments)
        names.push_back(argument.name);
    return names;
}

std::string argument_hint(std::string_view wanted, std::span<const std::string_view> names) {
    if (names.empty()) return "; it has no arguments";
    const std::string near = did_you_mean(wanted, names);
    return near + (near.empty() ? "; arguments: " : " arguments: ") + list_names(names);
}

}  // namespace

bool Dispatcher::read_page(const Request& request, std::string_view& after, Answer& answer) const {
    const Json* params = request.message.params;
    const Json* cursor = params == nullptr ? nullptr : params->find("cursor");
    if (cursor == nullptr || cursor->is_null()) return true;
    const auto last = cursor->is_string()
                          ? read_cursor(signer_, request.message.method,
                                        digest_of(request.caller.principal), cursor->text)
                          : std::nullopt;
    if (!last) {
        answer.reply =
            invalid_params(request.message, *request.caller.protocol,
                           "Invalid params: unknown `cursor`; leave it out to begin again");
        return false;
    }
    after = request.arena.copy(*last);
    return true;
}

bool Dispatcher::take_arguments(const Request& request, Answer& answer) const {
    const Json* arguments = request.message.params->find("arguments");
    if (arguments == nullptr || arguments->is_null()) return true;
    if (!arguments->is_object()) {
        answer.reply = invalid_params(request.message, *request.caller.protocol,
                                      "Invalid params: `arguments` must be an object");
        return false;
    }
    answer.job.arguments = arguments;
    return true;
}

bool Dispatcher::may_use(std::span<const std::string> scopes, const Request& request,
                         Answer& answer) {
    if (has_scopes(request.caller.principal, scopes)) return true;
    answer.reply = forbidden(scopes, request.message, request.caller);
    return false;
}

template <class Registry>
auto Dispatcher::find_named(const Registry& registry, std::string_view unknown, Hint<Registry> hint,
                            const Request& request, Answer& answer) const
    -> decltype(registry.find({})) {
    const Json* name = string_param(request, "name", answer);
    if (name == nullptr) return nullptr;
    const auto found = registry.find(name->text);
    if (found == nullptr) {
        answer.reply =
            invalid_params(request.message, *request.caller.protocol, unknown, name->text,
                           hint(registry, request.caller.principal, name->text));
        return nullptr;
    }
    return may_use(found->info().scopes, request, answer) ? found : nullptr;
}

// One page, so no cursor was ever given out.
void Dispatcher::list_tools(const Request& request, Answer& answer) {
    std::string_view after;
    if (!read_page(request, after, answer)) return;
    open_result(answer.reply.body, request.message.id);
    answer.reply.body.append(list_.result(request.caller.principal, *request.caller.protocol));
    answer.reply.body.append('}');
}

void Dispatcher::call_tool(const Request& request, Answer& answer) {
    Tool* tool = find_named(*catalogue_.tools, "Unknown tool: ", tool_hint, request, answer);
    if (tool == nullptr) return;
    const ToolInfo& info = tool->info();
    const auto declared = request.caller.envelope.capabilities.bits();
    if (const auto missing = static_cast<uint8_t>(info.needs.bits() & ~declared); missing != 0) {
        answer.reply = missing_capability(ClientCapabilities(missing), request.message,
                                          *request.caller.protocol);
        return;
    }
    if (!take_arguments(request, answer)) return;
    answer.job.kind = Job::Kind::tool;
    answer.job.tool = tool;
    answer.job.name = info.name;
}

void Dispatcher::list_resources(const Request& request, Answer& answer) {
    if (!read_page(request, answer.job.after, answer)) return;
    answer.job.kind = Job::Kind::list_resources;
}

void Dispatcher::list_templates(const Request& request, Answer& answer) {
    std::string_view after;
    if (!read_page(request, after, answer)) return;
    const Caller& caller = request.caller;
    loop::BlockChain& body = answer.reply.body;
    results_.open_list(body, request.message.id, *caller.protocol, "resourceTemplates");
    const std::string last = write_templates_page({caller.principal, caller.protocol},
                                                  *catalogue_.resources, after, body);
    close_page(body, last, signer_, request.message.method, caller);
}

void Dispatcher::read_resource(const Request& request, Answer& answer) {
    const Json* uri = string_param(request, "uri", answer);
    if (uri == nullptr) return;
    const ResourceRegistry::Found found = catalogue_.resources->find(uri->text, &request.arena);
    if (found.resource == nullptr) {
        answer.reply = unknown_resource(request, uri->text);
        return;
    }
    if (!may_use(found.resource->info().scopes, request, answer)) return;
    answer.job.kind = Job::Kind::resource;
    answer.job.resource = found.resource;
    answer.job.variables = found.variables;
    answer.job.name = uri->text;
}

Reply Dispatcher::unknown_resource(const Request& request, std::string_view uri) const {
    return resource_not_found(uri, request.message, *request.caller.protocol,
                              resource_hint(*catalogue_.resources, request.caller.principal, uri));
}

void Dispatcher::list_prompts(const Request& request, Answer& answer) {
    std::string_view after;
    if (!read_page(request, after, answer)) return;
    const Caller& caller = request.caller;
    loop::BlockChain& body = answer.reply.body;
    results_.open_list(body, request.message.id, *caller.protocol, "prompts");
    const std::string last =
        write_prompts_page({caller.principal, caller.protocol}, *catalogue_.prompts, after, body);
    close_page(body, last, signer_, request.message.method, caller);
}

void Dispatcher::get_prompt(const Request& request, Answer& answer) {
    const Protocol& protocol = *request.caller.protocol;
    Prompt* prompt =
        find_named(*catalogue_.prompts, "Unknown prompt: ", prompt_hint, request, answer);
    if (prompt == nullptr) return;
    const PromptInfo& info = prompt->info();
    if (!take_arguments(request, answer)) return;
    const Json* given = answer.job.arguments;
    for (const Json* one = given == nullptr ? nullptr : given->first; one != nullptr;
         one = one->next) {
        if (one->is_string()) continue;
        answer.reply =
            invalid_params(request.message, protocol,
                           "Invalid params: a prompt's arguments are strings; not so: ", one->key);
        return;
    }
    for (const PromptArgument& argument : info.arguments) {
        const Json* value = given == nullptr ? nullptr : given->find(argument.name);
        if (!argument.required || (value != nullptr && !value->text.empty())) continue;
        answer.reply = invalid_params(request.message, protocol,
                                      "Invalid params: missing argument: ", argument.name);
        return;
    }
    answer.job.kind = Job::Kind::prompt;
    answer.job.prompt = prompt;
    answer.job.name = info.name;
}

bool Dispatcher::find_completed(const Request& request, const Json& ref, std::string_view type,
                                Answer& answer) const {
    const http::Principal* principal = request.caller.principal;
    const auto refuse = [&](std::string_view text, std::string_view wanted, std::string_view hint) {
        answer.reply =
            invalid_params(request.message, *request.caller.protocol, text, wanted, hint);
        return false;
    };
    if (const Json* name = text_of(&ref, "name"); type == "ref/prompt" && name != nullptr) {
        Prompt* prompt = answer.job.prompt = catalogue_.prompts->find(name->text);
        if (prompt != nullptr) return may_use(prompt->info().scopes, request, answer);
        return refuse("Unknown prompt: ", name->text,
                      prompt_hint(*catalogue_.prompts, principal, name->text));
    }
    if (const Json* uri = text_of(&ref, "uri"); type == "ref/resource" && uri != nullptr) {
        Resource* resource = answer.job.resource = catalogue_.resources->find_template(uri->text);
        if (resource != nullptr) return may_use(resource->info().scopes, request, answer);
        return refuse("Unknown resource template: ", uri->text,
                      template_hint(*catalogue_.resources, principal, uri->text));
    }
    return refuse(
        "Invalid params: `ref` must be {\"type\":\"ref/prompt\",\"name\":…} or "
        "{\"type\":\"ref/resource\",\"uri\":…}",
        {}, {});
}

bool Dispatcher::has_argument(const Request& request, std::string_view name, Answer& answer) const {
    const Job& job = answer.job;
    const UriTemplate* uri_template =
        job.resource == nullptr ? nullptr
                                : catalogue_.resources->find_uri_template(job.resource->info().uri);
    if (is_argument(name, job, uri_template)) return true;
    const std::vector<std::string_view> names = argument_names(job, uri_template);
    answer.reply =
        invalid_params(request.message, *request.caller.protocol,
                       "Invalid params: unknown argument: ", name, argument_hint(name, names));
    return false;
}

void Dispatcher::complete(const Request& request, Answer& answer) {
    const Protocol& protocol = *request.caller.protocol;
    const Json* params = request.message.params;
    const Json* ref = params == nullptr ? nullptr : params->find("ref");
    const Json* argument = params == nullptr ? nullptr : params->find("argument");
    const Json* type = text_of(ref, "type");
    const Json* name = text_of(argument, "name");
    const Json* value = text_of(argument, "value");
    if (type == nullptr || name == nullptr || value == nullptr) {
        answer.reply = invalid_params(request.message, protocol,
                                      "Invalid params: `ref.type`, `argument.name` and "
                                      "`argument.value` must be strings");
        return;
    }
    if (!find_completed(request, *ref, type->text, answer)) return;
    if (!has_argument(request, name->text, answer)) return;
    const Json* context = params->find("context");
    const Json* known = context == nullptr ? nullptr : context->find("arguments");
    answer.job.arguments = known != nullptr && known->is_object() ? known : nullptr;
    answer.job.argument = name->text;
    answer.job.value = value->text;
    answer.job.kind = Job::Kind::complete;
}

}  // namespace fluxgate::rpc
