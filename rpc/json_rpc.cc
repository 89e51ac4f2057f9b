#include "rpc/json_rpc.h"

#include "rpc/json_writer.h"

namespace fluxgate::rpc {

namespace {

std::unexpected<RpcError> invalid(std::string_view why, std::string_view id) {
    return std::unexpected(RpcError{.code = rpc_code::invalid_request,
                                    .message = "Invalid Request",
                                    .subject = {},
                                    .detail = why,
                                    .id = id});
}

// Strings, and numbers without a fraction in 64 bits, signed or unsigned. 1e2 and 1.0 are such
// numbers: they come back as the same token.
bool is_id(const Json& id) {
    if (id.is_string()) return id.text.size() <= id_bytes_max;
    return id.integer().has_value() || id.unsigned_integer().has_value();
}

}  // namespace

std::string_view cut_echo(std::string_view text) {
    if (text.size() <= echo_bytes_max) return text;
    size_t end = echo_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
        --end;
    }
    return text.substr(0, end);
}

std::expected<RpcMessage, RpcError> read_message(const Json& document) {
    if (!document.is_object()) return invalid("a message is a JSON object", {});
    const Json* id = nullptr;
    const Json* version = nullptr;
    const Json* method = nullptr;
    const Json* params = nullptr;
    bool has_outcome = false;
    for (const Json* member = document.first; member != nullptr; member = member->next) {
        if (member->key == "id") id = member;
        if (member->key == "jsonrpc") version = member;
        if (member->key == "method") method = member;
        if (member->key == "params") params = member;
        has_outcome |= member->key == "result" || member->key == "error";
    }
    // A response to something that could not be read has the id null (JSON-RPC 2.0 section 5).
    const bool is_response = method == nullptr && has_outcome;
    if (id != nullptr && !is_id(*id) && !(is_response && id->is_null())) {
        return invalid("`id` must be a string of at most 256 bytes, or an integer of 64 bits", {});
    }
    RpcMessage message;
    if (id != nullptr) message.id = id->token;
    if (version == nullptr || !version->is_string() || version->text != "2.0") {
        return invalid("`jsonrpc` must be \"2.0\"", message.id);
    }
    if (is_response) {
        if (id == nullptr) return invalid("a response needs an `id`", {});
        message.kind = RpcMessage::Kind::response;
        return message;
    }
    if (method == nullptr || !method->is_string() || method->text.empty()) {
        return invalid("`method` must be a string that is not empty", message.id);
    }
    message.method = method->text;
    message.kind = id == nullptr ? RpcMessage::Kind::notification : RpcMessage::Kind::request;
    if (params != nullptr && !params->is_object()) {
        return std::unexpected(RpcError{.code = rpc_code::invalid_params,
                                        .message = "Invalid params: `params` must be an object",
                                        .subject = {},
                                        .detail = {},
                                        .id = message.id});
    }
    message.params = params;
    return message;
}

RpcError to_rpc_error(ReadError error) {
    RpcError result{.code = rpc_code::invalid_request,
                    .message = "Invalid Request",
                    .subject = {},
                    .detail = {},
                    .id = {}};
    switch (error) {
        case ReadError::syntax:
        case ReadError::too_deep:
            result.code = rpc_code::parse_error;
            result.message = "Parse error";
            break;
        case ReadError::too_large:
            result.detail = "the message is too large";
            break;
        case ReadError::too_many_members:
            result.detail = "an object has more than 10000 members";
            break;
        case ReadError::too_many_values:
            result.detail = "more than 500000 values";
            break;
        case ReadError::duplicate_top:
            result.detail = "a member is there twice";
            break;
        case ReadError::duplicate_params:
            result.code = rpc_code::invalid_params;
            result.message = "Invalid params: a member is there twice";
            break;
    }
    return result;
}

void write_error(loop::BlockChain& out, const RpcError& error, const Protocol& protocol) {
    JsonWriter<Escape::once> json(out);
    json.raw(R"({"jsonrpc":"2.0",)");
    if (!error.id.empty()) {
        json.raw(R"("id":)");
        json.raw(error.id);
        json.raw(',');
    } else if (protocol.null_error_id) {
        json.raw(R"("id":null,)");
    }
    json.raw(R"("error":{"code":)");
    json.number(error.code);
    json.raw(R"(,"message":)");
    json.quote();
    append_escaped<Escape::once>(out, error.message);
    append_escaped<Escape::once>(out, cut_echo(error.subject));
    append_escaped<Escape::once>(out, error.hint);
    json.quote();
    if (!error.data.empty()) {
        json.raw(R"(,"data":)");
        out.append(error.data);
    } else if (!error.detail.empty()) {
        json.raw(R"(,"data":)");
        json.string(error.detail);
    }
    json.raw("}}");
}

void open_result(loop::BlockChain& out, std::string_view id) {
    out.append(R"({"jsonrpc":"2.0","id":)");
    out.append(id);
    out.append(R"(,"result":)");
}

}  // namespace fluxgate::rpc
