#include "rpc/param_headers.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "loop/arena.h"
#include "rpc/header_value.h"
#include "rpc/json_reader.h"

namespace fluxgate::rpc {

namespace {

constexpr std::string_view mark_key = "x-mcp-header";
constexpr std::string_view field_begin = "mcp-param-";
constexpr size_t reader_padding_bytes = 64;

constexpr char to_lower(char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte | 0x20) : byte;
}
constexpr bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char byte) {
        const char lower = to_lower(byte);
        return (lower >= 'a' && lower <= 'z') || is_digit(byte) ||
               std::string_view("!#$%&'*+-.^_`|~").contains(byte);
    });
}

bool equal_ignoring_case(std::string_view name, std::string_view lower) {
    return std::ranges::equal(name, lower,
                              [](char sent, char wanted) { return to_lower(sent) == wanted; });
}

// Their values are data, not schemas.
bool holds_data(std::string_view keyword) {
    constexpr std::array<std::string_view, 4> keywords = {"const", "default", "enum", "examples"};
    return std::ranges::find(keywords, keyword) != keywords.end();
}

// Goes through all of a schema: a mark where no argument could be found by it must not pass
// unnoticed.
class MarkSearch {
public:
    ParamHeaders found;

    // `is_reachable`: path_ is where the value of the schema stands in the arguments.
    void visit(const Json& schema, bool is_reachable) {
        if (schema.is_array()) {  // allOf and its like
            for (const Json* one = schema.first; one != nullptr; one = one->next) {
                visit(*one, false);
            }
        }
        if (!schema.is_object()) return;
        if (const Json* mark = schema.find(mark_key); mark != nullptr) {
            add(schema, *mark, is_reachable);
        }
        for (const Json* member = schema.first; member != nullptr; member = member->next) {
            if (member->key == "properties" && member->is_object()) {
                visit_properties(*member, is_reachable);
            } else if (member->key != mark_key && !holds_data(member->key)) {
                visit(*member, false);
            }
        }
    }

private:
    void visit_properties(const Json& properties, bool is_reachable) {
        for (const Json* property = properties.first; property != nullptr;
             property = property->next) {
            path_.emplace_back(property->key);
            visit(*property, is_reachable);
            path_.pop_back();
        }
    }

    void add(const Json& schema, const Json& mark, bool is_reachable) {
        if (!is_reachable || path_.empty())
            return fail("is not reached through `properties` alone");
        if (!mark.is_string() || !is_token(mark.text)) return fail("is no token of HTTP");
        const Json* type = schema.find("type");
        if (type == nullptr || !type->is_string() ||
            (type->text != "string" && type->text != "integer" && type->text != "boolean")) {
            return fail("is not on a string, integer or boolean");
        }
        ParamHeader header{.field = std::string(field_begin), .path = path_};
        for (const char byte : mark.text) {
            header.field += to_lower(byte);
        }
        const auto has_its_field = [&header](const ParamHeader& other) {
            return other.field == header.field;
        };
        if (std::ranges::any_of(found.headers, has_its_field)) return fail("is there twice");
        found.headers.push_back(std::move(header));
    }

    void fail(std::string_view why) {
        if (!found.error.empty()) return;
        for (const std::string& name : path_) {
            if (!found.error.empty()) found.error += '.';
            found.error += name;
        }
        if (found.error.empty()) found.error = "the schema";
        found.error += ": x-mcp-header ";
        found.error += why;
    }

    std::vector<std::string> path_;
};

// Null: absent.
const Json* find_argument(const Json* arguments, std::span<const std::string> path) {
    const Json* node = arguments;
    for (const std::string& name : path) {
        if (node == nullptr) return nullptr;
        node = node->find(name);
    }
    return node;
}

// An integer as the revision wants it in a header field: no exponent, which a JSON number may have.
bool is_decimal(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    const size_t dot = text.find('.');
    const std::string_view whole = text.substr(0, dot);
    if (whole.empty() || !std::ranges::all_of(whole, is_digit)) return false;
    if (dot == std::string_view::npos) return true;
    const std::string_view fraction = text.substr(dot + 1);
    return !fraction.empty() && std::ranges::all_of(fraction, is_digit);
}

bool is_number(std::string_view value, const Json& number) {
    if (header_value_is(value, number.text)) return true;
    const std::optional<std::string> decoded = decode_header_value(value);
    if (!decoded || !is_decimal(*decoded)) return false;
    Json sent;
    sent.kind = Json::Kind::number;
    sent.text = *decoded;
    const std::optional<int64_t> whole = number.integer();
    return whole.has_value() && sent.integer() == whole;
}

bool fits(std::string_view value, const Json& argument) {
    if (argument.is_number()) return is_number(value, argument);
    if (argument.is_string()) return header_value_is(value, argument.text);
    return header_value_is(value, argument.boolean ? "true" : "false");
}

}  // namespace

ParamHeaders find_param_headers(std::string_view schema) {
    std::string padded(schema);
    padded.append(reader_padding_bytes, '\0');
    loop::Arena arena;
    JsonReader reader(schema.size());
    const auto root = reader.read(std::string_view(padded).substr(0, schema.size()), arena);
    MarkSearch search;
    if (root) {
        search.visit(**root, true);
    } else {
        search.found.error = "the schema is not JSON";
    }
    if (!search.found.error.empty()) search.found.headers.clear();
    return std::move(search.found);
}

const ParamHeader* find_param_mismatch(std::span<const ParamHeader> headers, const Json* arguments,
                                       std::span<const FieldView> fields) {
    for (const ParamHeader& header : headers) {
        const Json* argument = find_argument(arguments, header.path);
        if (argument == nullptr || argument->is_null() || argument->is_object() ||
            argument->is_array()) {
            continue;
        }
        const FieldView* only = nullptr;
        for (const FieldView& field : fields) {
            if (!equal_ignoring_case(field.name, header.field)) continue;
            if (only != nullptr) return &header;
            only = &field;
        }
        if (only == nullptr || !fits(only->value, *argument)) return &header;
    }
    return nullptr;
}

}  // namespace fluxgate::rpc
