// JSON text -> Json nodes, by simdjson On-Demand with a full walk. The only user of simdjson.
//
// One reader a core, reused; a warm read mallocs nothing. Refuses: invalid UTF-8, lone surrogates,
// a BOM, trailing bytes, depth over 64, more than 10,000 members in one object. Numbers must be
// JSON numbers and stay text: one beyond the range of a double passes, and is the matter of whoever
// uses it. Members of one name twice are refused (after unescaping) in the top-level object, in its
// `params`, in `params.arguments` and `params._meta`, and there in each entry of a batch: what is
// checked must be what runs. Syntax goes first: a document is only called duplicate if it is JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>

#include "loop/arena.h"
#include "rpc/json.h"

namespace fluxgate::rpc {

inline constexpr size_t json_depth_max = 64;
inline constexpr size_t json_members_max = 10'000;
// A node takes some 36 times the bytes of the shortest value (`0,`), so their number is bounded
// too.
inline constexpr size_t json_values_max = 500'000;

enum class ReadError : uint8_t {
    syntax,            // not one JSON document in UTF-8
    too_deep,          // an array or object at depth json_depth_max + 1
    too_large,         // more bytes than the reader was made for
    too_many_members,  // in one object
    too_many_values,   // in the document
    duplicate_top,
    duplicate_params,  // in params, params.arguments or params._meta
};

// Whether `text` is well-formed UTF-8 (no overlong forms, no surrogates). Here because simdjson has
// it.
[[nodiscard]] bool is_utf8(std::string_view text);

class JsonReader {
public:
    explicit JsonReader(size_t document_bytes_max);
    ~JsonReader();
    JsonReader(const JsonReader&) = delete;
    JsonReader& operator=(const JsonReader&) = delete;

    // `text` must have 64 readable bytes behind it. The tree is in `arena`, and independent of
    // `text`.
    [[nodiscard]] std::expected<const Json*, ReadError> read(std::string_view text,
                                                             loop::Arena& arena);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace fluxgate::rpc
