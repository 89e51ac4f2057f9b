#include "rpc/arguments.h"

#include <algorithm>

namespace fluxgate::rpc {

void Arguments::fail(std::initializer_list<std::string_view> text) {
    if (error_.empty()) error_ = arena_->join(text);
}

void Arguments::wrong_kind(std::string_view name, std::string_view wanted, const Json& got) {
    // A number of the wrong sort says itself what it is; long ones are not repeated.
    constexpr size_t shown_bytes_max = 32;
    const bool is_shown = got.is_number() && got.text.size() <= shown_bytes_max;
    fail({"`", name, "` must be ", wanted, "; got ", is_shown ? got.text : to_string(got.kind)});
}

const Json* Arguments::optional_value(std::string_view name) const {
    const Json* value = object_ == nullptr ? nullptr : object_->find(name);
    return value == nullptr || value->is_null() ? nullptr : value;
}

const Json* Arguments::of_kind(std::string_view name, Json::Kind kind, std::string_view wanted) {
    const Json* value = optional_value(name);
    if (value == nullptr || value->kind == kind) return value;
    wrong_kind(name, wanted, *value);
    return nullptr;
}

std::optional<std::string_view> Arguments::optional_string(std::string_view name) {
    const Json* value = of_kind(name, Json::Kind::string, "a string");
    if (value == nullptr) return std::nullopt;
    if (value->text.find('\0') != std::string_view::npos) {
        fail({"NUL character is not allowed in `", name, "`"});
        return std::nullopt;
    }
    return value->text;
}

std::string_view Arguments::required_string(std::string_view name) {
    const std::optional<std::string_view> text = optional_string(name);
    if (text && !text->empty()) return *text;
    fail({"`", name, "` is required: a string that is not empty"});
    return {};
}

int64_t Arguments::integer(std::string_view name, int64_t fallback, int64_t minimum,
                           std::string_view wanted) {
    const Json* value = optional_value(name);
    if (value == nullptr) return fallback;
    const std::optional<int64_t> integer = value->integer();
    if (integer && *integer >= minimum) return *integer;
    wrong_kind(name, wanted, *value);
    return fallback;
}

int64_t Arguments::positive_integer(std::string_view name, int64_t fallback, int64_t maximum) {
    return std::min(integer(name, fallback, 1, "a positive integer"), maximum);
}

int64_t Arguments::non_negative_integer(std::string_view name, int64_t fallback) {
    return integer(name, fallback, 0, "an integer of 0 or more");
}

double Arguments::number(std::string_view name, double fallback) {
    const Json* value = optional_value(name);
    if (value == nullptr) return fallback;
    if (const std::optional<double> real = value->real()) return *real;
    wrong_kind(name, "a number", *value);
    return fallback;
}

bool Arguments::boolean(std::string_view name, bool fallback) {
    const Json* value = of_kind(name, Json::Kind::boolean, "true or false");
    return value == nullptr ? fallback : value->boolean;
}

const Json* Arguments::optional_object(std::string_view name) {
    return of_kind(name, Json::Kind::object, "an object");
}

const Json* Arguments::required_object(std::string_view name) {
    const Json* value = optional_object(name);
    if (value == nullptr) fail({"`", name, "` is required: an object"});
    return value;
}

const Json* Arguments::optional_array(std::string_view name) {
    return of_kind(name, Json::Kind::array, "an array");
}

}  // namespace fluxgate::rpc
