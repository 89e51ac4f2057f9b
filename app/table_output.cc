#include "app/table_output.h"

#include <algorithm>
#include <string>
#include <vector>

namespace fluxgate::app {
namespace {

constexpr size_t cell_bytes_max = 60;

std::string cell(std::string_view value) {
    std::string text;
    for (const char c : value.substr(0, cell_bytes_max))
        text += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
    return value.size() > cell_bytes_max ? text + "..." : text;
}

}  // namespace

void print_table(const pg::Result& rows, std::ostream& out) {
    const auto columns = static_cast<size_t>(rows.columns());
    std::vector<std::vector<std::string>> lines(1);
    for (size_t column = 0; column < columns; ++column)
        lines[0].emplace_back(rows.column_name(static_cast<int>(column)));
    for (int row = 0; row < rows.rows(); ++row) {
        std::vector<std::string>& line = lines.emplace_back();
        for (size_t column = 0; column < columns; ++column)
            line.push_back(cell(rows.value(row, static_cast<int>(column)).value_or("-")));
    }
    std::vector<size_t> widths(columns, 0);
    for (const auto& line : lines)
        for (size_t column = 0; column < columns; ++column)
            widths[column] = std::max(widths[column], line[column].size());
    for (const auto& line : lines) {
        for (size_t column = 0; column < columns; ++column) {
            out << line[column];
            if (column + 1 < columns)
                out << std::string(widths[column] - line[column].size() + 2, ' ');
        }
        out << "\n";
    }
}

}  // namespace fluxgate::app
