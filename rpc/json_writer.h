// JSON text out, in one pass into a BlockChain: no tree, no second escaping pass.
//
// Two escape levels: plain JSON, and JSON inside a JSON string (MCP's text content holds a JSON
// document), where a quote becomes \" and an inner escape \\n. Levels are a template parameter, so
// rows are written once, straight into their final form. Output is valid UTF-8 whatever comes in
// (U+FFFD replaces bad bytes). The caller keeps the structure right; nothing is checked but by
// tests.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "loop/block_chain.h"

namespace fluxgate::rpc {

struct Json;

enum class Escape : uint8_t { once, twice };

// Appends `text` escaped as the inside of a JSON string at that level, without the quotes around
// it.
template <Escape level>
void append_escaped(loop::BlockChain& out, std::string_view text);
extern template void append_escaped<Escape::once>(loop::BlockChain&, std::string_view);
extern template void append_escaped<Escape::twice>(loop::BlockChain&, std::string_view);

template <Escape level>
class JsonWriter {
public:
    explicit JsonWriter(loop::BlockChain& out) : out_(out) {}

    // Structural bytes and tokens that need no escaping at level `once` ({ } [ ] , : digits true
    // null).
    void raw(std::string_view token) {
        if (token.size() > short_bytes_max) {
            out_.append(token);
            return;
        }
        char* const target = out_.reserve(short_bytes_max);
        std::memcpy(target, token.data(), token.size());
        out_.commit(token.size());
    }
    void raw(char token) { out_.append(token); }
    // JSON text that is valid already (a json column): verbatim at level once, escaped once at
    // twice.
    void json_text(std::string_view json) {
        if constexpr (level == Escape::once)
            out_.append(json);
        else
            append_escaped<Escape::once>(out_, json);
    }
    void quote() {
        if constexpr (level == Escape::once)
            out_.append('"');
        else
            raw("\\\"");
    }
    void string(std::string_view text) {
        quote();
        append_escaped<level>(out_, text);
        quote();
    }
    // "name":
    void key(std::string_view name) {
        string(name);
        out_.append(':');
    }
    void number(std::integral auto value) {
        char digits[24];
        auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
        raw(std::string_view(digits, static_cast<size_t>(end - digits)));
    }
    void boolean(bool value) { raw(value ? "true" : "false"); }
    void null() { raw("null"); }
    [[nodiscard]] loop::BlockChain& out() { return out_; }

private:
    // Copied in place; asking for so much gives up at most as much at the end of a block.
    static constexpr size_t short_bytes_max = 128;

    loop::BlockChain& out_;
};

// What was read, as text again: the same value, not the same bytes. As deep as the reader lets a
// document be.
void append_json(loop::BlockChain& out, const Json& value);

}  // namespace fluxgate::rpc
