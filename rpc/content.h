// Content items of MCP results: what a tool's `items`, a prompt's messages and a resource's
// contents are made of. Each appends one JSON object; commas between them are the caller's.
//
// Texts are escaped here; `base64` and URIs of ours are taken as they are.
#pragma once

#include <string_view>

#include "loop/block_chain.h"

namespace fluxgate::rpc {

void append_text_item(loop::BlockChain& out, std::string_view text);
void append_image_item(loop::BlockChain& out, std::string_view base64, std::string_view mime_type);
void append_audio_item(loop::BlockChain& out, std::string_view base64, std::string_view mime_type);
// {"type":"resource","resource":{"uri","mimeType","text"}}
void append_embedded_text(loop::BlockChain& out, std::string_view uri, std::string_view mime_type,
                          std::string_view text);
// The same for a text that is escaped already, see append_escaped_contents.
void append_embedded_escaped(loop::BlockChain& out, std::string_view uri,
                             std::string_view mime_type, loop::BlockChain&& escaped);
// {"type":"resource_link","uri","name","mimeType"}; from 2025-06-18 on.
void append_resource_link(loop::BlockChain& out, std::string_view uri, std::string_view name,
                          std::string_view mime_type);

// Of resources/read: {"uri","mimeType","text"} and {"uri","mimeType","blob"}.
void append_text_contents(loop::BlockChain& out, std::string_view uri, std::string_view mime_type,
                          std::string_view text);
// The same where the text was written as the inside of a JSON string already (Escape::twice).
void append_escaped_contents(loop::BlockChain& out, std::string_view uri,
                             std::string_view mime_type, loop::BlockChain&& escaped);
void append_blob_contents(loop::BlockChain& out, std::string_view uri, std::string_view mime_type,
                          std::string_view base64);

// Of prompts/get: {"role":"user","content":<item>}. `item` is one of the above.
enum class Role : uint8_t { user, assistant };
void append_message(loop::BlockChain& out, Role role, loop::BlockChain&& item);

}  // namespace fluxgate::rpc
