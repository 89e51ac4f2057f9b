// Any JSON as the arguments of query_table -> SQL: every token of the text is one of ours.
//
// What must hold: names in quotes are names of the catalog, words are of a closed list, numbers
// stand only where we print them, placeholders are $1 to $n in order and as many as parameters, and
// no parameter holds NUL. So no value of the caller can be in the text.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "loop/check.h"
#include "tests/tools/fixture.h"
#include "tools/table_query.h"

namespace {

using fluxgate::tools::SqlText;

constexpr std::array<std::string_view, 33> words = {
    "SELECT", "FROM",  "WHERE", "GROUP",    "BY",         "ORDER",   "LIMIT",
    "OFFSET", "AND",   "OR",    "OPERATOR", "extensions", "ANY",     "ALL",
    "IS",     "NOT",   "NULL",  "TRUE",     "FALSE",      "UNKNOWN", "DESC",
    "NULLS",  "FIRST", "LAST",  "DISTINCT", "pg_catalog", "count",   "sum",
    "avg",    "min",   "max",   "public",   "sales"};

bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_known_name(const fluxgate::pg::Catalog& catalog, std::string_view quoted) {
    for (const fluxgate::pg::Table& table : catalog.tables()) {
        if (quoted == fluxgate::pg::quote_identifier(table.schema) ||
            quoted == fluxgate::pg::quote_identifier(table.name)) {
            return true;
        }
        if (quoted == "\"My.Schema\"") {
            return true;  // of the type citext
        }
        for (const fluxgate::pg::Column& column : table.columns) {
            if (quoted == column.quoted) {
                return true;
            }
        }
    }
    return false;
}

size_t length_while(std::string_view text, bool (*holds)(char)) {
    size_t length = 0;
    while (length < text.size() && holds(text[length])) {
        ++length;
    }
    return length;
}

size_t quoted_length(std::string_view text) {
    size_t at = 1;
    while (at < text.size() && (text[at] != '"' || text.substr(at + 1).starts_with('"'))) {
        at += text[at] == '"' ? 2 : 1;
    }
    FLUX_CHECK(at < text.size());
    return at + 1;
}

void check_sql(const fluxgate::pg::Catalog& catalog, const SqlText& sql) {
    std::string_view rest = sql.text();
    size_t placeholders = 0;
    while (!rest.empty()) {
        const char c = rest.front();
        size_t length = 1;
        if (c == '"') {
            length = quoted_length(rest);
            FLUX_CHECK(is_known_name(catalog, rest.substr(0, length)));
        } else if (is_word_byte(c)) {
            length = length_while(rest, is_word_byte);
            FLUX_CHECK(std::ranges::find(words, rest.substr(0, length)) != words.end());
        } else if (c == '$') {
            const std::string number = std::to_string(++placeholders);
            length = 1 + length_while(rest.substr(1), is_digit);
            FLUX_CHECK(rest.substr(1, length - 1) == number);
        } else if (is_digit(c)) {
            length = length_while(rest, is_digit);
            FLUX_CHECK(length <= 4);  // a position, or a limit
        } else {
            FLUX_CHECK(std::string_view(" ,.()*=<>@&~").find(c) != std::string_view::npos);
        }
        rest.remove_prefix(length);
    }
    FLUX_CHECK_OP(placeholders, ==, sql.parameters().size());
    for (const fluxgate::pg::Parameter& parameter : sql.parameters()) {
        FLUX_CHECK(parameter.bytes.find('\0') == std::string_view::npos);
        FLUX_CHECK(parameter.bytes.data()[parameter.bytes.size()] == '\0');
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const fluxgate::pg::CatalogPtr catalog = fluxgate::tools::test::make_catalog();
    fluxgate::tools::test::JsonArguments json;
    const fluxgate::rpc::Json* arguments =
        json.parse(std::string_view(reinterpret_cast<const char*>(data), size));
    if (arguments == nullptr || !arguments->is_object()) {
        return 0;
    }
    SqlText sql(&json.arena());
    const auto query = fluxgate::tools::build_table_query(arguments, *catalog,
                                                          fluxgate::http::Role::authenticated, sql);
    if (query) {
        check_sql(*catalog, sql);
    } else {
        FLUX_CHECK(!query.error().text.empty());
        FLUX_CHECK(query.error().text.size() < 8192);
    }
    return 0;
}
