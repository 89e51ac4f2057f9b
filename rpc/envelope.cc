#include "rpc/envelope.h"

namespace fluxgate::rpc {

namespace {

bool declares(const Json& capabilities, std::string_view name) {
    const Json* value = capabilities.find(name);
    return value != nullptr && value->is_object();
}

}  // namespace

RequestMeta find_meta(const Json* params) {
    RequestMeta found;
    const Json* meta = params == nullptr ? nullptr : params->find("_meta");
    if (meta == nullptr || !meta->is_object()) return found;
    for (const Json* member = meta->first; member != nullptr; member = member->next) {
        if (member->key == meta_key::protocol_version) found.protocol_version = member;
        if (member->key == meta_key::client_capabilities) found.client_capabilities = member;
        if (member->key == meta_key::log_level) found.log_level = member;
        if (member->key == meta_key::progress_token) found.progress_token = member;
    }
    return found;
}

std::expected<Envelope, std::string_view> read_envelope(const RequestMeta& meta) {
    if (meta.client_capabilities == nullptr) {
        return std::unexpected(
            "Invalid params: `_meta` lacks io.modelcontextprotocol/clientCapabilities");
    }
    if (!meta.client_capabilities->is_object()) {
        return std::unexpected(
            "Invalid params: `io.modelcontextprotocol/clientCapabilities` must be an object");
    }
    Envelope envelope;
    envelope.capabilities = read_capabilities(meta.client_capabilities);
    if (meta.log_level != nullptr) {
        if (meta.log_level->is_string()) envelope.log_level = find_log_level(meta.log_level->text);
        if (!envelope.log_level) {
            return std::unexpected(
                "Invalid params: `io.modelcontextprotocol/logLevel` must be one of debug, info, "
                "notice, warning, error, critical, alert, emergency");
        }
    }
    envelope.progress_token = read_progress_token(meta);
    if (meta.progress_token != nullptr && envelope.progress_token.empty()) {
        return std::unexpected(
            "Invalid params: `progressToken` must be a string of at most 256 bytes, or an integer "
            "of 64 bits");
    }
    return envelope;
}

std::string_view read_progress_token(const RequestMeta& meta) {
    const Json* token = meta.progress_token;
    if (token == nullptr || token->text.size() > progress_token_bytes_max) return {};
    const bool is_token =
        token->is_string() || token->integer().has_value() || token->unsigned_integer().has_value();
    return is_token ? token->token : std::string_view();
}

ClientCapabilities read_capabilities(const Json* declared) {
    ClientCapabilities capabilities;
    if (declared == nullptr) return capabilities;
    if (declares(*declared, "roots")) capabilities.add(ClientCapability::roots);
    if (declares(*declared, "sampling")) capabilities.add(ClientCapability::sampling);
    if (declares(*declared, "elicitation")) {
        const Json& elicitation = *declared->find("elicitation");
        const bool urls = declares(elicitation, "url");
        if (urls) capabilities.add(ClientCapability::elicitation_url);
        // Before 2025-11-25 there were only forms, and so no word for them.
        if (!urls || declares(elicitation, "form")) {
            capabilities.add(ClientCapability::elicitation_form);
        }
    }
    return capabilities;
}

}  // namespace fluxgate::rpc
