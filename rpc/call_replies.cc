#include "rpc/call_replies.h"

#include <utility>

#include "rpc/cursor.h"
#include "rpc/json_writer.h"

namespace fluxgate::rpc {

namespace {

// The members come after what every result of the revision has.
void open_first(const Results& results, loop::BlockChain& out, const RpcMessage& message,
                const Protocol& protocol) {
    results.open(out, message.id, protocol);
    if (!Results::is_bare(protocol)) out.append(',');
}

}  // namespace

// The rows are not copied: what belongs before them goes into the headroom of their first block.
Reply tool_reply(const Results& results, ToolResult&& result, const RpcMessage& message,
                 const Protocol& protocol) {
    Reply reply;
    reply.is_error = result.is_error;
    loop::BlockChain& body = reply.body;
    loop::BlockChain head;
    open_first(results, head, message, protocol);
    if (result.items.empty()) {
        head.append(R"("content":[{"type":"text","text":")");
        body = std::move(result.text);
        body.append(R"("}])");
    } else {
        head.append(R"("content":[)");
        body = std::move(result.items);
        body.append(']');
    }
    head.for_each([&body](std::string_view piece) { body.prepend(piece); });  // one piece
    if (protocol.structured_content && !result.structured.empty()) {
        body.append(R"(,"structuredContent":)");
        body.append_chain(std::move(result.structured));
    }
    body.append(result.is_error ? R"(,"isError":true}})" : R"(,"isError":false}})");
    return reply;
}

Reply prompt_reply(const Results& results, PromptResult&& result, const RpcMessage& message,
                   const Protocol& protocol) {
    Reply reply;
    open_first(results, reply.body, message, protocol);
    JsonWriter<Escape::once> json(reply.body);
    if (!result.description.empty()) {
        json.raw(R"("description":)");
        json.string(result.description);
        json.raw(',');
    }
    json.raw(R"("messages":[)");
    reply.body.append_chain(std::move(result.messages));
    json.raw("]}}");
    return reply;
}

Reply read_reply(const Results& results, const ResourceInfo& info, ReadResult&& result,
                 std::string_view uri, const RpcMessage& message, const Protocol& protocol) {
    if (!result.found) return resource_not_found(uri, message, protocol, result.hint);
    Reply reply;
    open_first(results, reply.body, message, protocol);
    reply.body.append(R"("contents":[)");
    reply.body.append_chain(std::move(result.contents));
    reply.body.append(']');
    reply.body.append(Results::cache_hints(protocol, !info.is_private));
    reply.body.append("}}");
    return reply;
}

Reply resource_not_found(std::string_view uri, const RpcMessage& message, const Protocol& protocol,
                         std::string_view hint) {
    loop::BlockChain data;
    JsonWriter<Escape::once> json(data);
    json.raw(R"({"uri":)");
    json.string(uri);
    json.raw('}');
    const std::string text = data.to_string();
    return error_reply(200,
                       {.code = protocol.resource_not_found,
                        .message = "Resource not found: ",
                        .subject = uri,
                        .detail = {},
                        .hint = hint,
                        .data = text,
                        .id = message.id},
                       protocol);
}

Reply completion_reply(const Results& results, std::span<const std::string> values, size_t most,
                       const RpcMessage& message, const Protocol& protocol) {
    Reply reply;
    open_first(results, reply.body, message, protocol);
    JsonWriter<Escape::once> json(reply.body);
    json.raw(R"("completion":{"values":[)");
    const size_t shown = std::min(values.size(), most);
    for (size_t i = 0; i < shown; ++i) {
        if (i != 0) json.raw(',');
        json.string(values[i]);
    }
    json.raw(R"(],"total":)");
    json.number(values.size());
    json.raw(R"(,"hasMore":)");
    json.boolean(shown < values.size());
    json.raw("}}}");
    return reply;
}

void close_page(loop::BlockChain& out, std::string_view last, const Signer& signer,
                std::string_view list, const Caller& caller) {
    out.append(']');
    if (!last.empty()) {
        out.append(R"(,"nextCursor":")");
        out.append(make_cursor(signer, list, digest_of(caller.principal), last));
        out.append('"');
    }
    out.append(Results::cache_hints(*caller.protocol));
    out.append("}}");
}

Reply failure_reply(const CallFailure& failure, const RpcMessage& message,
                    const Protocol& protocol) {
    const bool is_status = failure.code >= 400 && failure.code <= 599;
    Reply reply = error_reply(is_status ? static_cast<uint16_t>(failure.code) : uint16_t{200},
                              {.code = failure.code,
                               .message = failure.message,
                               .subject = {},
                               .detail = {},
                               .id = message.id},
                              protocol);
    reply.retry_after_s = failure.retry_after_s;
    return reply;
}

}  // namespace fluxgate::rpc
