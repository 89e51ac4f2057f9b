#include "rpc/uri_template.h"

#include <algorithm>

#include "loop/check.h"
#include "rpc/json_reader.h"

namespace fluxgate::rpc {

namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";

// What stands between the slashes: at least one piece, which may be empty.
class Segments {
public:
    explicit Segments(std::string_view text) : rest_(text) {}
    std::optional<std::string_view> next() {
        if (at_end_) return {};
        const size_t slash = rest_.find('/');
        const std::string_view segment = rest_.substr(0, slash);
        at_end_ = slash == std::string_view::npos;
        if (!at_end_) rest_.remove_prefix(slash + 1);
        return segment;
    }

private:
    std::string_view rest_;
    bool at_end_ = false;
};

bool is_variable(std::string_view segment) {
    return segment.starts_with('{');
}

std::string_view name_of(std::string_view variable) {
    return variable.substr(1, variable.size() - 2);
}

bool is_variable_name(std::string_view name) {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz_";
    return !name.empty() && name.find_first_not_of(letters) == std::string_view::npos;
}

// -1 for what is no hexadecimal digit.
int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

// Lenient where nothing is ambiguous: what should have been escaped is taken as it is.
std::optional<std::string_view> decode_segment(std::string_view segment, loop::Arena* arena) {
    if (segment.empty()) return {};
    const std::span<char> value = arena->array<char>(segment.size());
    size_t size = 0;
    for (size_t i = 0; i < segment.size(); ++i) {
        char byte = segment[i];
        if (byte == '?' || byte == '#') return {};
        if (byte == '%') {
            if (segment.size() - i < 3) return {};
            const int high = hex_value(segment[i + 1]);
            const int low = hex_value(segment[i + 2]);
            if (high < 0 || low < 0) return {};
            byte = static_cast<char>(high << 4 | low);
            i += 2;
        }
        if (byte == '\0') return {};
        value[size++] = byte;
    }
    const std::string_view decoded(value.data(), size);
    if (!is_utf8(decoded)) return {};
    return decoded;
}

bool is_unreserved(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

}  // namespace

UriTemplate::UriTemplate(std::string_view text) : text_(text) {
    FLUX_CHECK(text_.size() <= uri_bytes_max);
    Segments segments(text_);
    while (const std::optional<std::string_view> segment = segments.next()) {
        if (is_variable(*segment)) {
            FLUX_CHECK(segment->ends_with('}') && is_variable_name(name_of(*segment)));
            ++variables_;
        } else {
            FLUX_CHECK(segment->find_first_of("{}") == std::string_view::npos);
        }
    }
    FLUX_CHECK(variables_ > 0);
}

std::optional<std::span<const TemplateVariable>> UriTemplate::match(std::string_view uri,
                                                                    loop::Arena* arena) const {
    if (uri.size() > uri_bytes_max) return {};
    const std::span<TemplateVariable> variables = arena->array<TemplateVariable>(variables_);
    size_t count = 0;
    Segments wanted(text_);
    Segments given(uri);
    for (;;) {
        const std::optional<std::string_view> pattern = wanted.next();
        const std::optional<std::string_view> segment = given.next();
        if (!pattern && !segment) return variables;
        if (!pattern || !segment) return {};
        if (!is_variable(*pattern)) {
            if (*pattern != *segment) return {};
            continue;
        }
        const std::optional<std::string_view> value = decode_segment(*segment, arena);
        if (!value) return {};
        variables[count++] = {.name = name_of(*pattern), .value = *value};
    }
}

bool UriTemplate::has_variable(std::string_view name) const {
    Segments segments(text_);
    while (const std::optional<std::string_view> segment = segments.next()) {
        if (is_variable(*segment) && name_of(*segment) == name) return true;
    }
    return false;
}

std::vector<std::string_view> UriTemplate::variable_names() const {
    std::vector<std::string_view> names;
    Segments segments(text_);
    while (const std::optional<std::string_view> segment = segments.next()) {
        if (is_variable(*segment)) names.push_back(name_of(*segment));
    }
    return names;
}

std::string UriTemplate::filled_like(std::string_view uri) const {
    std::string filled;
    Segments wanted(text_);
    Segments given(uri);
    while (const std::optional<std::string_view> pattern = wanted.next()) {
        const std::optional<std::string_view> segment = given.next();
        if (pattern->data() != text_.data()) filled += '/';
        filled += is_variable(*pattern) && segment && !segment->empty() ? *segment : *pattern;
    }
    return filled;
}

std::string encode_segment(std::string_view value) {
    std::string encoded;
    encoded.reserve(value.size());
    for (const char byte : value) {
        if (is_unreserved(byte)) {
            encoded += byte;
            continue;
        }
        const auto bits = static_cast<unsigned char>(byte);
        encoded += '%';
        encoded += hex_digits[bits >> 4];
        encoded += hex_digits[bits & 0xFu];
    }
    return encoded;
}

}  // namespace fluxgate::rpc
