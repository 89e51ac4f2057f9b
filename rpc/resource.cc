#include "rpc/resource.h"

namespace fluxgate::rpc {

namespace {

std::string_view string_member(const Json* object, std::string_view name) {
    const Json* member = object == nullptr ? nullptr : object->find(name);
    return member != nullptr && member->is_string() ? member->text : std::string_view{};
}

}  // namespace

std::string_view ReadCall::variable(std::string_view name) const {
    for (const TemplateVariable& one : variables) {
        if (one.name == name) return one.value;
    }
    return {};
}

std::string_view CompletionCall::settled(std::string_view name) const {
    return string_member(known, name);
}

loop::Task<ListOutcome> Resource::list(CallContext*) {
    co_return ListOutcome{};
}

loop::Task<CompletionOutcome> Resource::complete(CompletionCall*) {
    co_return CompletionOutcome{};
}

}  // namespace fluxgate::rpc
