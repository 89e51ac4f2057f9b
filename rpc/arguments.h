// Typed access to a tool's arguments, with messages that a model can act on.
//
// Ask for all arguments, then look at error() once: the first wrong one is kept, later calls go on
// with defaults. A member that is null counts as absent. Integral doubles are integers (10.0, 1e1).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "loop/arena.h"
#include "rpc/json.h"

namespace fluxgate::rpc {

class Arguments {
public:
    // `object` may be null (the caller sent none). Both outlive this and what it returns.
    Arguments(const Json* object, loop::Arena* arena) : object_(object), arena_(arena) {}

    // Not empty, no U+0000: libpq would cut it there. Both are errors.
    [[nodiscard]] std::string_view required_string(std::string_view name);
    // May be empty; nothing if absent.
    [[nodiscard]] std::optional<std::string_view> optional_string(std::string_view name);
    // At least 1, and at most `maximum`: more is clamped, as Fluxbase does.
    [[nodiscard]] int64_t positive_integer(std::string_view name, int64_t fallback,
                                           int64_t maximum);
    // At least 0.
    [[nodiscard]] int64_t non_negative_integer(std::string_view name, int64_t fallback);
    [[nodiscard]] double number(std::string_view name, double fallback);
    [[nodiscard]] bool boolean(std::string_view name, bool fallback);
    [[nodiscard]] const Json* required_object(std::string_view name);
    // Null if absent.
    [[nodiscard]] const Json* optional_object(std::string_view name);
    [[nodiscard]] const Json* optional_array(std::string_view name);
    // Any kind but null.
    [[nodiscard]] const Json* optional_value(std::string_view name) const;

    // What is wrong with the first wrong argument, in the arena; empty if nothing is.
    [[nodiscard]] std::string_view error() const { return error_; }
    // Keeps `text` (copied) as the error, unless there is one.
    void fail(std::initializer_list<std::string_view> text);

private:
    // "`name` must be <wanted>; got <kind>"
    void wrong_kind(std::string_view name, std::string_view wanted, const Json& got);
    [[nodiscard]] const Json* of_kind(std::string_view name, Json::Kind kind,
                                      std::string_view wanted);
    [[nodiscard]] int64_t integer(std::string_view name, int64_t fallback, int64_t minimum,
                                  std::string_view wanted);

    const Json* object_;
    loop::Arena* arena_;
    std::string_view error_;
};

}  // namespace fluxgate::rpc
