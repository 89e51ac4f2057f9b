#include "tools/table_choice.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <unordered_set>

#include "loop/turn_break.h"
#include "rpc/calls.h"
#include "tools/table_json.h"
#include "tools/table_name.h"

namespace fluxgate::tools {
namespace {

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

constexpr size_t names_per_turn = 2'000;

// 0: it begins with what was typed, 1: it contains it, 2: neither.
constexpr size_t misfit = 2;
size_t fit_of(std::string_view name, std::string_view typed) {
    const auto found = std::ranges::search(name, typed, {}, lower, lower);
    if (found.empty() && !typed.empty()) return misfit;
    return found.begin() == name.begin() ? 0 : 1;
}

// Collects names by how well they fit, each once. What they are views of outlives it.
class Choice {
public:
    void add(std::string_view name, size_t fit) {
        if (fit < misfit && seen_.insert(name).second) by_fit_[fit].push_back(name);
    }
    std::vector<std::string> result() {
        std::vector<std::string> all;
        for (std::vector<std::string_view>& names : by_fit_) {
            const auto sorted = std::min(names.size(), rpc::Calls::completions_max);
            std::ranges::partial_sort(names, names.begin() + static_cast<std::ptrdiff_t>(sorted));
            all.insert(all.end(), names.begin(), names.end());
        }
        return all;
    }

private:
    std::array<std::vector<std::string_view>, misfit> by_fit_;
    std::unordered_set<std::string_view> seen_;
};

bool is_shown(const pg::Catalog& catalog, const pg::Table& table, http::Role role) {
    return !is_system_schema(table.schema) && is_readable(catalog, table, role);
}

}  // namespace

std::vector<const pg::Table*> shown_tables(const pg::Catalog& catalog, http::Role role) {
    std::vector<const pg::Table*> shown;
    for (const pg::Table& table : catalog.tables()) {
        if (is_shown(catalog, table, role)) shown.push_back(&table);
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

Completions complete_table(loop::Loop* loop, const pg::Catalog* catalog, http::Role role,
                           std::string_view schema, std::string_view typed) {
    Choice choice;
    loop::Turn turn(names_per_turn);
    for (const pg::Table* table : shown_tables(*catalog, role)) {
        if (schema.empty() || table->schema == schema) {
            choice.add(table->name, fit_of(table->name, typed));
        }
        if (turn.is_over()) co_await loop::TurnBreak(*loop);
    }
    co_return choice.result();
}

Completions complete_full_name(loop::Loop* loop, const pg::Catalog* catalog, http::Role role,
                               std::string_view typed) {
    const std::vector<const pg::Table*> shown = shown_tables(*catalog, role);
    std::vector<std::string> names;
    names.reserve(shown.size());  // the choice has views of them
    Choice choice;
    loop::Turn turn(names_per_turn);
    for (const pg::Table* table : shown) {
        const std::string& name = names.emplace_back(full_name(*table));
        choice.add(name, std::min(fit_of(table->name, typed), fit_of(name, typed)));
        if (turn.is_over()) co_await loop::TurnBreak(*loop);
    }
    co_return choice.result();
}

Completions complete_column(loop::Loop* loop, const pg::Catalog* catalog, http::Role role,
                            std::string_view table, std::string_view typed) {
    std::vector<const pg::Table*> tables;
    if (table.empty()) {
        tables = shown_tables(*catalog, role);
    } else if (const pg::Table* settled = find_visible(*catalog, table, role);
               settled != nullptr && is_shown(*catalog, *settled, role)) {
        tables.push_back(settled);
    }
    Choice choice;
    loop::Turn turn(names_per_turn);
    for (const pg::Table* shown : tables) {
        for (const pg::Column& column : shown->columns) {
            if (is_readable(column, role)) choice.add(column.name, fit_of(column.name, typed));
        }
        if (turn.is_over(shown->columns.size())) co_await loop::TurnBreak(*loop);
    }
    co_return choice.result();
}

}  // namespace fluxgate::tools
