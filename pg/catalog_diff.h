// What differs between two pictures of the schema: so that clients that hold a copy hear of a
// change, and of nothing else when a timer has loaded the same again.
#pragma once

#include <string>
#include <vector>

#include "loop/loop.h"
#include "loop/task.h"
#include "pg/catalog.h"

namespace fluxgate::pg {

struct TableName {
    std::string schema;
    std::string name;
    friend bool operator==(const TableName&, const TableName&) = default;
};

// Tables that came, went, or look different (a type of theirs does), by schema and name. With
// breaks; both catalogs must stay until the task has ended.
[[nodiscard]] loop::Task<std::vector<TableName>> changed_tables(loop::Loop* loop,
                                                                const Catalog* before,
                                                                const Catalog* now);

}  // namespace fluxgate::pg
