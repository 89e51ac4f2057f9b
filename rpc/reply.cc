#include "rpc/reply.h"

#include <array>

namespace fluxgate::rpc {

namespace {

struct CapabilityName {
    ClientCapability capability;
    std::string_view declared;  // as a member of ClientCapabilities
    std::string_view name;
};
constexpr std::array<CapabilityName, 4> capability_names = {{
    {ClientCapability::roots, R"("roots":{})", "roots"},
    {ClientCapability::sampling, R"("sampling":{})", "sampling"},
    {ClientCapability::elicitation_form, R"("elicitation":{"form":{}})", "elicitation.form"},
    {ClientCapability::elicitation_url, R"("elicitation":{"url":{}})", "elicitation.url"},
}};

}  // namespace

Reply error_reply(uint16_t status, const RpcError& error, const Protocol& protocol) {
    Reply reply;
    reply.status = status;
    reply.is_error = true;
    write_error(reply.body, error, protocol);
    return reply;
}

Reply invalid_params(const RpcMessage& message, const Protocol& protocol, std::string_view text,
                     std::string_view subject, std::string_view hint) {
    return error_reply(200,
                       {.code = rpc_code::invalid_params,
                        .message = text,
                        .subject = subject,
                        .detail = {},
                        .hint = hint,
                        .id = message.id},
                       protocol);
}

Reply forbidden(std::span<const std::string> scopes, const RpcMessage& message,
                const Caller& caller) {
    std::string text = "insufficient scope:";
    for (const std::string& scope : scopes) {
        if (caller.principal != nullptr && caller.principal->has_scope(scope)) continue;
        text += ' ';
        text += scope;
    }
    Reply reply = error_reply(403,
                              {.code = rpc_code::forbidden,
                               .message = text,
                               .subject = {},
                               .detail = {},
                               .id = message.id},
                              *caller.protocol);
    reply.missing_scopes = scopes;
    return reply;
}

Reply missing_capability(ClientCapabilities needed, const RpcMessage& message,
                         const Protocol& protocol) {
    std::string data = R"({"requiredCapabilities":{)";
    std::string text = "the client has not declared:";
    for (const CapabilityName& one : capability_names) {
        if (!needed.has(one.capability)) continue;
        if (data.back() != '{') data += ',';
        data += one.declared;
        text += ' ';
        text += one.name;
    }
    data += "}}";
    const bool is_stateless = protocol.is_stateless;
    return error_reply(
        is_stateless ? 400 : 200,
        {.code = is_stateless ? rpc_code::missing_capability : rpc_code::invalid_params,
         .message = text,
         .subject = {},
         .detail = {},
         .data = data,
         .id = message.id},
        protocol);
}

}  // namespace fluxgate::rpc
