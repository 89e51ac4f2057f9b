// PostgreSQL's text of one scalar -> a JSON token, at either escape level, behind its key in one
// append.
//
// Every function writes valid JSON whatever the text is: what does not look as it should becomes a
// string of the same text. `key` is a KeyText (row_shape.h), or no more than the quote.
#pragma once

#include <string_view>

#include "loop/block_chain.h"
#include "rpc/json_writer.h"
#include "tools/row_shape.h"

namespace fluxgate::tools {

// The key of an array's element: a quote and nothing else.
inline constexpr char no_key_once[KeyText::readable_bytes] = "\"";
inline constexpr char no_key_twice[KeyText::readable_bytes] = "\\\"";
inline constexpr KeyText no_key{.once = {no_key_once, 1}, .twice = {no_key_twice, 2}};

template <rpc::Escape level>
void append_text(loop::BlockChain& out, const KeyText& key, std::string_view text);
// A token that needs no escaping, without quotes around it.
template <rpc::Escape level>
void append_bare(loop::BlockChain& out, const KeyText& key, std::string_view token);
template <rpc::Escape level>
void append_number(loop::BlockChain& out, const KeyText& key, std::string_view text);
template <rpc::Escape level>
void append_json(loop::BlockChain& out, const KeyText& key, std::string_view json);
template <rpc::Escape level>
void append_timestamp(loop::BlockChain& out, const KeyText& key, std::string_view text,
                      bool has_zone);
template <rpc::Escape level>
void append_bytes(loop::BlockChain& out, const KeyText& key, std::string_view hex);
template <rpc::Escape level>
void append_vector(loop::BlockChain& out, const KeyText& key, std::string_view text);

// RFC 8259, section 6.
[[nodiscard]] bool is_json_number(std::string_view text);

}  // namespace fluxgate::tools
