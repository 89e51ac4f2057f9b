#include "tools/filter_operator.h"

#include <algorithm>
#include <array>

#include "rpc/nearest.h"
#include "tools/limits.h"
#include "tools/scanner.h"

namespace fluxgate::tools {
namespace {

constexpr std::array<Operator, 15> operators = {{
    {"eq", "=", " ", OperatorKind::compare},
    {"neq", "<>", " ", OperatorKind::compare},
    {"gt", ">", " ", OperatorKind::compare},
    {"gte", ">=", " ", OperatorKind::compare},
    {"lt", "<", " ", OperatorKind::compare},
    {"lte", "<=", " ", OperatorKind::compare},
    {"like", "~~", " ", OperatorKind::pattern},    // what LIKE is in the catalog
    {"ilike", "~~*", " ", OperatorKind::pattern},  // ILIKE
    {"in", "=", " ANY(", OperatorKind::list},
    {"nin", "<>", " ALL(", OperatorKind::list},
    {"is", "", "", OperatorKind::truth},
    {"isnot", "", "", OperatorKind::truth},
    {"cs", "@>", " ", OperatorKind::compare},
    {"cd", "<@", " ", OperatorKind::compare},
    {"ov", "&&", " ", OperatorKind::compare},
}};

constexpr std::array<std::string_view, operators.size()> operator_names = [] {
    std::array<std::string_view, operators.size()> names;
    for (size_t i = 0; i < operators.size(); ++i) {
        names[i] = operators[i].name;
    }
    return names;
}();

struct TruthRow {
    std::string_view word;
    std::string_view is;
    std::string_view isnot;
    bool needs_boolean;
};
constexpr std::array<TruthRow, 5> truths = {{
    {"null", " IS NULL", " IS NOT NULL", false},
    {"not_null", " IS NOT NULL", " IS NULL", false},
    {"true", " IS TRUE", " IS NOT TRUE", true},
    {"false", " IS FALSE", " IS NOT FALSE", true},
    {"unknown", " IS UNKNOWN", " IS NOT UNKNOWN", true},
}};

// Writes an array literal into a piece of arena that is large enough from the start: an element of
// n bytes and its comma become 2 n + 3 bytes at the most, which is worst for n = 1.
class ArrayText {
public:
    ArrayText(size_t list_bytes, char delimiter, loop::Arena* arena)
        : start_(static_cast<char*>(arena->allocate(3 * list_bytes + 8, 1))),
          next_(start_),
          delimiter_(delimiter) {
        *next_++ = '{';
    }
    void begin_element() {
        if (next_ != start_ + 1) {
            *next_++ = delimiter_;
        }
        *next_++ = '"';
    }
    void add(char c) {
        if (c == '"' || c == '\\') {
            *next_++ = '\\';
        }
        *next_++ = c;
    }
    void end_element() { *next_++ = '"'; }
    [[nodiscard]] std::string_view finish() {
        *next_++ = '}';
        *next_ = '\0';  // libpq wants one behind it
        return {start_, static_cast<size_t>(next_ - start_)};
    }

private:
    char* start_;
    char* next_;
    char delimiter_;
};

// A quoted element; `rest` begins behind its first quote and ends up behind its last one.
bool read_quoted(std::string_view& rest, ArrayText& array) {
    while (!rest.empty()) {
        const char c = rest.front();
        rest.remove_prefix(1);
        if (c == '"') {
            if (!rest.starts_with('"')) {
                return true;
            }
            rest.remove_prefix(1);
        } else if (c == '\\' && (rest.starts_with('"') || rest.starts_with('\\'))) {
            array.add(rest.front());
            rest.remove_prefix(1);
            continue;
        }
        array.add(c);
    }
    return false;
}

std::string_view skip_spaces(std::string_view text) {
    while (text.starts_with(' ')) {
        text.remove_prefix(1);
    }
    return text;
}

// One element of either form; what is left is empty or begins with a comma.
Checked<void> read_element(std::string_view& rest, ArrayText& array) {
    rest = skip_spaces(rest);
    array.begin_element();
    if (rest.starts_with('"')) {
        rest.remove_prefix(1);
        if (!read_quoted(rest, array)) {
            return input_error({"a quote is not closed"});
        }
        rest = skip_spaces(rest);
        if (!rest.empty() && rest.front() != ',') {
            return input_error({"after a closing quote comes a comma or the end"});
        }
    } else {
        const std::string_view element = trim(rest.substr(0, rest.find(',')));
        if (element.empty()) {
            return input_error({"an element is empty; write \"\" for the empty text"});
        }
        for (char c : element) {
            if (c == '"') {
                return input_error({"a quote stands inside of ", quoted_excerpt(element),
                                    "; put the whole element in quotes, and double those in it"});
            }
            array.add(c);
        }
        rest.remove_prefix(std::min(rest.find(','), rest.size()));
    }
    array.end_element();
    return {};
}

}  // namespace

const Operator* find_operator(std::string_view name) {
    for (const Operator& candidate : operators) {
        if (candidate.name == name) {
            return &candidate;
        }
    }
    return nullptr;
}

std::string operator_hint(std::string_view name) {
    const std::string hint = rpc::did_you_mean(name, operator_names);
    return concat(
        {hint, hint.empty() ? "; operators: " : " Operators: ", rpc::list_names(operator_names)});
}

Checked<std::string_view> array_from_list(std::string_view list, char delimiter,
                                          loop::Arena* arena) {
    if (list.size() < 2 || list.front() != '(' || list.back() != ')') {
        return input_error({"the list needs parentheses: (a,\"b,c\",d)"});
    }
    std::string_view rest = list.substr(1, list.size() - 2);
    if (skip_spaces(rest).empty()) {
        return input_error({"the list is empty"});
    }
    ArrayText array(list.size(), delimiter, arena);
    for (size_t elements = 1;; ++elements) {
        if (elements > limits::filter_list_max) {
            return input_error(
                {"the list has more than ", std::to_string(limits::filter_list_max), " elements"});
        }
        const Checked<void> read = read_element(rest, array);
        if (!read) {
            return std::unexpected(read.error());
        }
        if (rest.empty()) {
            return array.finish();
        }
        rest.remove_prefix(1);  // the comma
    }
}

Checked<void> check_pattern(std::string_view pattern) {
    if (pattern.size() > limits::like_bytes_max) {
        return input_error(
            {"the pattern is longer than ", std::to_string(limits::like_bytes_max), " bytes"});
    }
    size_t wildcards = 0;
    for (size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '\\') {
            if (++i == pattern.size()) {
                return input_error({"the pattern ends with a lone backslash; write two for one"});
            }
        } else if (pattern[i] == '%') {
            ++wildcards;
        }
    }
    if (wildcards > limits::like_wildcards_max) {
        return input_error(
            {"the pattern has more than ", std::to_string(limits::like_wildcards_max), " %"});
    }
    return {};
}

Checked<Truth> truth_of(std::string_view word, bool negated) {
    for (const TruthRow& row : truths) {
        if (equals_ignoring_case(word, row.word)) {
            return Truth{.sql = negated ? row.isnot : row.is, .needs_boolean = row.needs_boolean};
        }
    }
    return input_error(
        {quoted_excerpt(word),
         " is none of null, not_null, true, false, unknown; compare values with eq"});
}

}  // namespace fluxgate::tools
