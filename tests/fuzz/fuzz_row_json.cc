// Any types with any texts -> rows as JSON, at both levels.
//
// What must hold: our own reader takes the document, the twice escaped one is the same within a
// JSON string, and ASCII texts come back as they were. json and jsonb are left out: they go through
// as they are.
//
// Input: the number of columns - 1, a type for each, then the cells, separated by NUL; a cell of
// the one byte 0x01 is SQL NULL.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "loop/check.h"
#include "tests/tools/fixture.h"
#include "tools/scalar_json.h"

namespace {

using fluxgate::rpc::Escape;
namespace test = fluxgate::tools::test;

constexpr std::array<uint32_t, 16> types = {25,    20,   701,  1700, 16,   17,   1114,
                                            1184,  1007, 1009, 1020, 1185, 1000, test::vector_oid,
                                            60001, 60002};

fluxgate::pg::CatalogPtr make_catalog() {
    fluxgate::pg::CatalogBuilder builder;
    test::add_types(builder);
    fluxgate::pg::Type pair;
    pair.oid = 60001;
    pair.kind = fluxgate::pg::Type::Kind::composite;
    pair.name = "pair";
    pair.fields = {{"a", 25}, {"b\"", 60002}, {"c", 1009}, {"d", 23}};
    fluxgate::pg::Type pairs;
    pairs.oid = 60002;
    pairs.kind = fluxgate::pg::Type::Kind::array;
    pairs.name = "pair[]";
    pairs.element = 60001;
    // A type within itself, which PostgreSQL forbids: the depth must end somewhere.
    builder.add_type(std::move(pair));
    builder.add_type(std::move(pairs));
    return builder.build(1);
}

// The reader refuses numbers that no double holds; PostgreSQL's numeric may be one.
bool has_huge_number(std::string_view cell) {
    size_t digits = 0;
    for (char c : cell) {
        digits = c >= '0' && c <= '9' ? digits + 1 : 0;
        if (digits > 15 || c == 'e' || c == 'E') {
            return true;
        }
    }
    return false;
}

bool is_ascii(std::string_view text) {
    for (char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80) {
            return false;
        }
    }
    return true;
}

void check_cells(const fluxgate::rpc::Json& rows, const std::vector<std::vector<test::Cell>>& cells,
                 const std::vector<test::ResultColumn>& columns) {
    FLUX_CHECK_OP(rows.count, ==, cells.size());
    const fluxgate::rpc::Json* row = rows.first;
    for (const std::vector<test::Cell>& expected : cells) {
        FLUX_CHECK_OP(row->count, ==, columns.size());
        const fluxgate::rpc::Json* value = row->first;
        for (size_t i = 0; i < columns.size(); ++i) {
            FLUX_CHECK(value->is_null() == !expected[i].has_value());
            if (columns[i].type == 25 && expected[i] && is_ascii(*expected[i])) {
                FLUX_CHECK(value->text == *expected[i]);
            }
            value = value->next;
        }
        row = row->next;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const fluxgate::pg::CatalogPtr catalog = make_catalog();
    std::string_view input(reinterpret_cast<const char*>(data), size);
    const size_t count = input.empty() ? 0 : static_cast<size_t>(input[0] & 3) + 1;
    if (input.size() < 1 + count || size > 65'536) {
        return 0;
    }
    std::vector<test::ResultColumn> columns;
    for (size_t i = 0; i < count; ++i) {
        columns.push_back({i == 0   ? "c\"0"
                           : i == 1 ? "c1"
                           : i == 2 ? "ä"
                                    : "c3",
                           types[static_cast<unsigned char>(input[1 + i]) % types.size()]});
    }
    input.remove_prefix(1 + count);
    std::vector<std::vector<test::Cell>> rows(1);
    while (!input.empty()) {
        const size_t end = std::min(input.find('\0'), input.size());
        const std::string_view cell = input.substr(0, end);
        if (has_huge_number(cell)) {
            return 0;
        }
        if (rows.back().size() == count) {
            rows.emplace_back();
        }
        rows.back().push_back(cell == "\x01" ? test::Cell() : test::Cell(cell));
        input.remove_prefix(std::min(end + 1, input.size()));
    }
    rows.back().resize(count);
    const fluxgate::pg::Result result = test::make_result(columns, rows);
    const std::string once = test::render<Escape::once>(*catalog, result);
    const std::string twice = test::render<Escape::twice>(*catalog, result);
    test::JsonArguments json;
    const fluxgate::rpc::Json* document = json.parse(once);
    FLUX_CHECK(document != nullptr);
    check_cells(*document, rows, columns);
    const fluxgate::rpc::Json* inside = json.parse("\"" + twice + "\"");
    FLUX_CHECK(inside != nullptr);
    FLUX_CHECK(inside->text == once);
    return 0;
}
