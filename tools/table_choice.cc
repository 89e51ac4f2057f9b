#include "tools/table_choice.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <utility>

#include "tools/table_json.h"
#include "tools/table_name.h"

namespace fluxgate::tools {
namespace {

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

// 0: it begins with what was typed, 1: it contains it, 2: neither.
constexpr size_t misfit = 2;
size_t fit_of(std::string_view name, std::string_view typed) {
    const auto found = std::ranges::search(name, typed, {}, lower, lower);
    if (found.empty() && !typed.empty()) return misfit;
    return found.begin() == name.begin() ? 0 : 1;
}

// Collects names by how well they fit, each once.
class Choice {
public:
    void add(std::string name, size_t fit) {
        if (fit < misfit) by_fit_[fit].push_back(std::move(name));
    }
    std::vector<std::string> result() {
        std::vector<std::string> all;
        for (std::vector<std::string>& names : by_fit_) {
            std::ranges::sort(names);
            const auto twice = std::ranges::unique(names);
            names.erase(twice.begin(), twice.end());
            std::ranges::move(names, std::back_inserter(all));
        }
        return all;
    }

private:
    std::array<std::vector<std::string>, misfit> by_fit_;
};

}  // namespace

std::vector<const pg::Table*> shown_tables(const pg::Catalog& catalog, http::Role role) {
    std::vector<const pg::Table*> shown;
    for (const pg::Table& table : catalog.tables()) {
        if (!is_system_schema(table.schema) && is_readable(catalog, table, role)) {
            shown.push_back(&table);
        }
    }
    return shown;
}

std::vector<std::string> complete_schema(const pg::Catalog& catalog, http::Role role,
                                         std::string_view typed) {
    Choice choice;
    std::string_view last;  // tables come by schema
    for (const pg::Table* table : shown_tables(catalog, role)) {
        if (table->schema == last) continue;
        last = table->schema;
        choice.add(table->schema, fit_of(table->schema, typed));
    }
    return choice.result();
}

std::vector<std::string> complete_table(const pg::Catalog& catalog, http::Role role,
                                        std::string_view schema, std::string_view typed) {
    Choice choice;
    for (const pg::Table* table : shown_tables(catalog, role)) {
        if (!schema.empty() && table->schema != schema) continue;
        choice.add(table->name, fit_of(table->name, typed));
    }
    return choice.result();
}

std::vector<std::string> complete_full_name(const pg::Catalog& catalog, http::Role role,
                                            std::string_view typed) {
    Choice choice;
    for (const pg::Table* table : shown_tables(catalog, role)) {
        std::string name = full_name(*table);
        const size_t fit = std::min(fit_of(table->name, typed), fit_of(name, typed));
        choice.add(std::move(name), fit);
    }
    return choice.result();
}

std::vector<std::string> complete_column(const pg::Catalog& catalog, http::Role role,
                                         std::string_view table, std::string_view typed) {
    Choice choice;
    for (const pg::Table* shown : shown_tables(catalog, role)) {
        if (!table.empty() && full_name(*shown) != table) continue;
        for (const pg::Column& column : shown->columns) {
            if (is_readable(column, role)) choice.add(column.name, fit_of(column.name, typed));
        }
    }
    return choice.result();
}

}  // namespace fluxgate::tools
