#include "pg/catalog_diff.h"

#include <algorithm>
#include <compare>
#include <tuple>

#include "loop/turn_break.h"

namespace fluxgate::pg {

namespace {

constexpr size_t tables_per_turn = 200;

// Labels of enums, fields of composites: what a column shows though its table is the same.
bool types_differ(const Table& table, const Catalog& before, const Catalog& now) {
    return std::ranges::any_of(table.columns, [&](const Column& column) {
        const Type* old_type = before.find_type(column.type);
        const Type* new_type = now.find_type(column.type);
        return (old_type == nullptr) != (new_type == nullptr) ||
               (old_type != nullptr && *old_type != *new_type);
    });
}

}  // namespace

loop::Task<std::vector<TableName>> changed_tables(loop::Loop* loop, const Catalog* before,
                                                  const Catalog* now) {
    std::vector<TableName> changed;
    loop::Turn turn(tables_per_turn);
    auto old_at = before->tables().begin();
    auto new_at = now->tables().begin();
    const auto old_end = before->tables().end();
    const auto new_end = now->tables().end();
    const auto add = [&changed](const Table& table) {
        changed.push_back({.schema = table.schema, .name = table.name});
    };
    while (old_at != old_end || new_at != new_end) {
        if (turn.is_over()) co_await loop::TurnBreak(*loop);
        const auto order = old_at == old_end   ? std::strong_ordering::greater
                           : new_at == new_end ? std::strong_ordering::less
                                               : std::tie(old_at->schema, old_at->name) <=>
                                                     std::tie(new_at->schema, new_at->name);
        if (order < 0) {
            add(*old_at++);
        } else if (order > 0) {
            add(*new_at++);
        } else {
            if (*old_at != *new_at || types_differ(*new_at, *before, *now)) add(*new_at);
            ++old_at;
            ++new_at;
        }
    }
    co_return changed;
}

}  // namespace fluxgate::pg
