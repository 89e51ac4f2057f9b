#include "rpc/content.h"

#include <utility>

#include "rpc/json_writer.h"

namespace fluxgate::rpc {

namespace {

using Writer = JsonWriter<Escape::once>;

void append_binary_item(loop::BlockChain& out, std::string_view type, std::string_view base64,
                        std::string_view mime_type) {
    Writer json(out);
    json.raw(R"({"type":)");
    json.string(type);
    json.raw(R"(,"data":")");
    out.append(base64);
    json.raw(R"(","mimeType":)");
    json.string(mime_type);
    json.raw('}');
}

void open_contents(Writer& json, std::string_view uri, std::string_view mime_type) {
    json.raw(R"({"uri":)");
    json.string(uri);
    json.raw(R"(,"mimeType":)");
    json.string(mime_type);
}

}  // namespace

void append_text_item(loop::BlockChain& out, std::string_view text) {
    Writer json(out);
    json.raw(R"({"type":"text","text":)");
    json.string(text);
    json.raw('}');
}

void append_image_item(loop::BlockChain& out, std::string_view base64, std::string_view mime_type) {
    append_binary_item(out, "image", base64, mime_type);
}

void append_audio_item(loop::BlockChain& out, std::string_view base64, std::string_view mime_type) {
    append_binary_item(out, "audio", base64, mime_type);
}

void append_embedded_text(loop::BlockChain& out, std::string_view uri, std::string_view mime_type,
                          std::string_view text) {
    Writer json(out);
    json.raw(R"({"type":"resource","resource":)");
    append_text_contents(out, uri, mime_type, text);
    json.raw('}');
}

void append_embedded_escaped(loop::BlockChain& out, std::string_view uri,
                             std::string_view mime_type, loop::BlockChain&& escaped) {
    Writer json(out);
    json.raw(R"({"type":"resource","resource":)");
    append_escaped_contents(out, uri, mime_type, std::move(escaped));
    json.raw('}');
}

void append_resource_link(loop::BlockChain& out, std::string_view uri, std::string_view name,
                          std::string_view mime_type) {
    Writer json(out);
    json.raw(R"({"type":"resource_link","uri":)");
    json.string(uri);
    json.raw(R"(,"name":)");
    json.string(name);
    json.raw(R"(,"mimeType":)");
    json.string(mime_type);
    json.raw('}');
}

void append_text_contents(loop::BlockChain& out, std::string_view uri, std::string_view mime_type,
                          std::string_view text) {
    Writer json(out);
    open_contents(json, uri, mime_type);
    json.raw(R"(,"text":)");
    json.string(text);
    json.raw('}');
}

void append_escaped_contents(loop::BlockChain& out, std::string_view uri,
                             std::string_view mime_type, loop::BlockChain&& escaped) {
    Writer json(out);
    open_contents(json, uri, mime_type);
    json.raw(R"(,"text":")");
    out.append_chain(std::move(escaped));
    json.raw(R"("})");
}

void append_blob_contents(loop::BlockChain& out, std::string_view uri, std::string_view mime_type,
                          std::string_view base64) {
    Writer json(out);
    open_contents(json, uri, mime_type);
    json.raw(R"(,"blob":")");
    out.append(base64);
    json.raw(R"("})");
}

void append_message(loop::BlockChain& out, Role role, loop::BlockChain&& item) {
    Writer json(out);
    json.raw(R"({"role":)");
    json.string(role == Role::user ? "user" : "assistant");
    json.raw(R"(,"content":)");
    out.append_chain(std::move(item));
    json.raw('}');
}

}  // namespace fluxgate::rpc
