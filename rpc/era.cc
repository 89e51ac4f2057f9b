#include "rpc/era.h"

#include <string>

#include "loop/block_chain.h"
#include "rpc/header_value.h"
#include "rpc/json_writer.h"

namespace fluxgate::rpc {

namespace {

constexpr std::string_view version_field = "MCP-Protocol-Version";
constexpr std::string_view repeated_text =
    "Bad Request: MCP-Protocol-Version, Mcp-Method and Mcp-Name may be there only once";

// Null: the header is absent, or names what is not served.
const Protocol* stated_protocol(const StandardHeaders& headers) {
    return headers.protocol_version ? find_protocol(*headers.protocol_version) : nullptr;
}

bool is_stateless(const Protocol* protocol) {
    return protocol != nullptr && protocol->is_stateless;
}

// The member of the params that Mcp-Name repeats; empty: the method has none.
std::string_view name_member(std::string_view method) {
    if (method == "tools/call" || method == "prompts/get") return "name";
    if (method == "resources/read") return "uri";
    return method.starts_with("tasks/") ? "taskId" : std::string_view();
}

std::string_view to_arena(const loop::BlockChain& text, loop::Arena& arena) {
    return arena.copy(text.to_string());
}

std::string_view unknown_version_text(loop::Arena& arena) {
    std::string text = "Bad Request: MCP-Protocol-Version is not served; use one of";
    for (const Protocol& protocol : all_protocols()) {
        text += protocol.revision == Revision{} ? " " : ", ";
        text += protocol.name;
    }
    return arena.copy(text);
}

std::string_view unsupported_data(std::string_view requested, loop::Arena& arena) {
    loop::BlockChain data;
    JsonWriter<Escape::once> json(data);
    json.raw(R"({"supported":[)");
    bool is_first = true;
    for (const Protocol& protocol : all_protocols()) {
        if (!protocol.is_stateless) continue;
        if (!is_first) json.raw(',');
        is_first = false;
        json.string(protocol.name);
    }
    json.raw(R"(],"requested":)");
    json.string(cut_echo(requested));
    json.raw('}');
    return to_arena(data, arena);
}

std::string_view mismatch_data(std::string_view field, std::optional<std::string_view> sent,
                               std::optional<std::string_view> body, loop::Arena& arena) {
    loop::BlockChain data;
    JsonWriter<Escape::once> json(data);
    json.raw(R"({"mismatch":{"field":)");
    json.string(field);
    const auto write = [&json](std::string_view key, std::optional<std::string_view> value) {
        json.raw(',');
        json.key(key);
        if (value) {
            json.string(cut_echo(*value));
        } else {
            json.null();
        }
    };
    write("header", sent);
    write("body", body);
    json.raw("}}");
    return to_arena(data, arena);
}

// One message on its way up.
class Ladder {
public:
    using Result = std::expected<Classified, Refusal>;

    Ladder(const RpcMessage& message, const StandardHeaders& headers, const Protocol& assumed,
           loop::Arena& arena)
        : message_(message),
          headers_(headers),
          stated_(stated_protocol(headers)),
          assumed_(assumed),
          arena_(arena),
          meta_(find_meta(message.params)) {}

    Result classify() {
        if (message_.kind == RpcMessage::Kind::response) {
            if (!is_stateless(stated_)) return classify_legacy();
            return refuse_stateless(rpc_code::invalid_request,
                                    "Invalid Request: this revision has no responses of clients");
        }
        if (is_initialize() && !has_valid_envelope()) {
            if (!is_stateless(stated_)) return classify_legacy();
            return refuse_initialize();
        }
        if (meta_.protocol_version != nullptr) return classify_stateless();
        if (!is_stateless(stated_)) return classify_legacy();
        if (message_.kind == RpcMessage::Kind::request) return refuse_bare();
        return accept_notification();
    }

private:
    [[nodiscard]] bool is_initialize() const {
        return message_.kind == RpcMessage::Kind::request && message_.method == "initialize";
    }
    [[nodiscard]] bool has_valid_envelope() const {
        return meta_.protocol_version != nullptr && meta_.protocol_version->is_string() &&
               is_stateless(find_protocol(meta_.protocol_version->text)) &&
               read_envelope(meta_).has_value();
    }

    Result classify_legacy() {
        // initialize says in its body what it can; a header must not stop the handshake.
        if (!is_initialize()) {
            if (headers_.is_repeated) {
                return refuse(rpc_code::server_error, repeated_text, assumed_);
            }
            if (headers_.protocol_version && stated_ == nullptr) {
                return refuse(rpc_code::server_error, unknown_version_text(arena_), assumed_);
            }
        }
        Classified legacy{.protocol = stated_ == nullptr ? &assumed_ : stated_,
                          .message = message_,
                          .envelope = {}};
        if (message_.kind == RpcMessage::Kind::request) {
            legacy.envelope.progress_token = read_progress_token(meta_);
        }
        return legacy;
    }

    // The body claims it. Header and body must agree before it is asked whether the revision is
    // served.
    Result classify_stateless() {
        const Json& version = *meta_.protocol_version;
        if (!version.is_string()) {
            return refuse_stateless(
                rpc_code::invalid_params,
                "Invalid params: `io.modelcontextprotocol/protocolVersion` must be a string");
        }
        if (headers_.protocol_version && *headers_.protocol_version != version.text) {
            return refuse_mismatch(version_field, headers_.protocol_version, version.text);
        }
        const Protocol* protocol = find_protocol(version.text);
        if (!is_stateless(protocol)) return refuse_version(version.text);
        if (message_.kind == RpcMessage::Kind::notification) return accept_notification();
        const auto envelope = read_envelope(meta_);
        if (!envelope) return refuse_stateless(rpc_code::invalid_params, envelope.error());
        if (auto refusal = check_headers(version.text)) return std::unexpected(*refusal);
        return Classified{.protocol = protocol, .message = message_, .envelope = *envelope};
    }

    // Mcp-Method and Mcp-Name are asked of requests only.
    Result accept_notification() {
        if (headers_.is_repeated) return refuse_stateless(rpc_code::header_mismatch, repeated_text);
        return Classified{.protocol = is_stateless(stated_)
                                          ? stated_
                                          : find_protocol(meta_.protocol_version->text),
                          .message = message_,
                          .envelope = {}};
    }

    std::optional<Refusal> check_headers(std::string_view version) {
        if (headers_.is_repeated) {
            return refusal(rpc_code::header_mismatch, repeated_text, stateless_protocol());
        }
        if (!headers_.protocol_version) return mismatch(version_field, std::nullopt, version);
        if (headers_.method != message_.method) {
            return mismatch("Mcp-Method", headers_.method, message_.method);
        }
        const std::string_view member = name_member(message_.method);
        if (member.empty() || message_.params == nullptr) return std::nullopt;
        const Json* name = message_.params->find(member);
        // What has no name at all is wrong in a way that the method's own check tells better.
        if (name == nullptr || !name->is_string()) return std::nullopt;
        if (headers_.name && header_value_is(*headers_.name, name->text)) return std::nullopt;
        return mismatch("Mcp-Name", headers_.name, name->text);
    }

    std::unexpected<Refusal> refuse_initialize() {
        const Json* version =
            message_.params == nullptr ? nullptr : message_.params->find("protocolVersion");
        std::optional<std::string_view> wanted;
        if (version != nullptr && version->is_string()) wanted = version->text;
        Refusal refused = mismatch(version_field, headers_.protocol_version, wanted);
        refused.error.message =
            "Bad Request: initialize belongs to the revisions up to 2025-11-25, which "
            "MCP-Protocol-Version must not contradict";
        return std::unexpected(refused);
    }

    // Only the header says that the request is stateless.
    std::unexpected<Refusal> refuse_bare() {
        return refuse_stateless(
            rpc_code::invalid_params,
            meta_.client_capabilities == nullptr
                ? "Invalid params: `_meta` lacks io.modelcontextprotocol/protocolVersion and "
                  "io.modelcontextprotocol/clientCapabilities"
                : "Invalid params: `_meta` lacks io.modelcontextprotocol/protocolVersion");
    }

    std::unexpected<Refusal> refuse_version(std::string_view requested) {
        Refusal refused = refusal(rpc_code::unsupported_version,
                                  "Unsupported protocol version: ", stateless_protocol());
        refused.error.subject = requested;
        if (find_protocol(requested) != nullptr)
            refused.error.hint = "; that revision begins with initialize, without this `_meta`";
        refused.error.data = unsupported_data(requested, arena_);
        return std::unexpected(refused);
    }

    std::unexpected<Refusal> refuse_mismatch(std::string_view field,
                                             std::optional<std::string_view> sent,
                                             std::optional<std::string_view> body) {
        return std::unexpected(mismatch(field, sent, body));
    }

    Refusal mismatch(std::string_view field, std::optional<std::string_view> sent,
                     std::optional<std::string_view> body) {
        const std::string_view text = arena_.join(
            {"Bad Request: ", field, sent ? " is not what the body says" : " is missing"});
        Refusal refused = refusal(rpc_code::header_mismatch, text, stateless_protocol());
        refused.error.data = mismatch_data(field, sent, body, arena_);
        return refused;
    }

    std::unexpected<Refusal> refuse_stateless(int code, std::string_view text) {
        return refuse(code, text, stateless_protocol());
    }
    std::unexpected<Refusal> refuse(int code, std::string_view text, const Protocol& protocol) {
        return std::unexpected(refusal(code, text, protocol));
    }
    Refusal refusal(int code, std::string_view text, const Protocol& protocol) {
        return {.error = {.code = code,
                          .message = text,
                          .subject = {},
                          .detail = {},
                          .id = message_.request_id()},
                .protocol = &protocol};
    }

    const RpcMessage& message_;
    const StandardHeaders& headers_;
    const Protocol* stated_;
    const Protocol& assumed_;
    loop::Arena& arena_;
    RequestMeta meta_;
};

std::unexpected<Refusal> refuse_batch(int code, std::string_view text, const Protocol& protocol) {
    return std::unexpected(
        Refusal{.error = {.code = code, .message = text, .subject = {}, .detail = {}, .id = {}},
                .protocol = &protocol});
}

bool has_stateless_element(const Json& batch) {
    for (const Json* entry = batch.first; entry != nullptr; entry = entry->next) {
        if (find_meta(entry->find("params")).protocol_version != nullptr) return true;
    }
    return false;
}

bool has_initialize(const Json& batch) {
    for (const Json* entry = batch.first; entry != nullptr; entry = entry->next) {
        const Json* method = entry->find("method");
        if (method != nullptr && method->is_string() && method->text == "initialize") return true;
    }
    return false;
}

}  // namespace

std::expected<Classified, Refusal> classify(const Json& document, const StandardHeaders& headers,
                                            const Protocol& assumed, loop::Arena& arena) {
    const auto message = read_message(document);
    if (!message) {
        const Protocol* stated = stated_protocol(headers);
        return std::unexpected(
            Refusal{.error = message.error(), .protocol = stated == nullptr ? &assumed : stated});
    }
    return Ladder(*message, headers, assumed, arena).classify();
}

std::expected<const Protocol*, Refusal> classify_batch(const Json& document,
                                                       const StandardHeaders& headers,
                                                       const Protocol& assumed,
                                                       loop::Arena& arena) {
    const Protocol* stated = stated_protocol(headers);
    if (has_stateless_element(document)) {
        return refuse_batch(rpc_code::invalid_request,
                            "Invalid Request: a message of revision 2026-07-28 stands alone",
                            stateless_protocol());
    }
    if (headers.is_repeated) {
        return is_stateless(stated)
                   ? refuse_batch(rpc_code::header_mismatch, repeated_text, *stated)
                   : refuse_batch(rpc_code::server_error, repeated_text, assumed);
    }
    if (headers.protocol_version && stated == nullptr) {
        return refuse_batch(rpc_code::server_error, unknown_version_text(arena), assumed);
    }
    const Protocol& protocol = stated == nullptr ? assumed : *stated;
    if (!protocol.batches) {
        return refuse_batch(rpc_code::invalid_request, no_batches_text, protocol);
    }
    if (document.count == 0 || document.count > batch_messages_max) {
        return refuse_batch(rpc_code::invalid_request,
                            "Invalid Request: a batch has 1 to 50 messages", protocol);
    }
    if (has_initialize(document)) {
        return refuse_batch(rpc_code::invalid_request,
                            "Invalid Request: initialize can not be in a batch", protocol);
    }
    return &protocol;
}

}  // namespace fluxgate::rpc
