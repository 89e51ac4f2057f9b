// A parsed JSON document as a tree of small nodes in a request's arena. Read-only.
//
// Made by rpc/json_reader, which has validated all of it: UTF-8, depth, numbers, no trailing bytes.
// It owns nothing of the input: strings are unescaped copies, numbers keep their raw token (an id
// or a 20-digit number goes out byte for byte as it came in). May cross a suspension.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fluxgate::rpc {

struct Json {
    enum class Kind : uint8_t { null, boolean, number, string, array, object };

    Kind kind = Kind::null;
    bool boolean = false;
    uint32_t count = 0;    // children of an array or object
    std::string_view key;  // in an object: the member's name, unescaped
    std::string_view
        text;  // string: unescaped, NUL-terminated behind the view; number: the raw token
    // Only of a member `id` of the top-level object (or of a batch's entry), and of its
    // `params._meta.progressToken`: the value as it came in, a string with its quotes and escapes,
    // so that it can be echoed byte for byte. Empty elsewhere.
    std::string_view token;
    const Json* first = nullptr;  // first child
    const Json* next = nullptr;   // next sibling

    [[nodiscard]] bool is_object() const { return kind == Kind::object; }
    [[nodiscard]] bool is_array() const { return kind == Kind::array; }
    [[nodiscard]] bool is_string() const { return kind == Kind::string; }
    [[nodiscard]] bool is_number() const { return kind == Kind::number; }
    [[nodiscard]] bool is_null() const { return kind == Kind::null; }
    // Null if there is none, or this is not an object. Linear; members are unique where it matters.
    [[nodiscard]] const Json* find(std::string_view name) const;
    // A number without fraction that fits (10.0 and 1e1 count); nothing otherwise.
    [[nodiscard]] std::optional<int64_t> integer() const;
    // The same for 0 to 2^64 - 1.
    [[nodiscard]] std::optional<uint64_t> unsigned_integer() const;
    // The nearest double; nothing if this is no number, or one beyond the range of a double.
    [[nodiscard]] std::optional<double> real() const;
};

[[nodiscard]] std::string_view to_string(Json::Kind kind);  // "string", "object", …

}  // namespace fluxgate::rpc
