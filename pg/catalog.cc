#include "pg/catalog.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace fluxgate::pg {
namespace {

// A name can not hold NUL, so the key is unambiguous.
std::string key_of(std::string_view schema, std::string_view table) {
    std::string key;
    key.reserve(schema.size() + 1 + table.size());
    key.append(schema).push_back('\0');
    key.append(table);
    return key;
}

}  // namespace

std::string quote_identifier(std::string_view name) {
    std::string quoted;
    quoted.reserve(name.size() + 2);
    quoted.push_back('"');
    for (char byte : name) {
        if (byte == '"') quoted.push_back('"');
        quoted.push_back(byte);
    }
    quoted.push_back('"');
    return quoted;
}

std::string_view to_string(ForeignKey::Action action) {
    switch (action) {
        case ForeignKey::Action::restrict:
            return "RESTRICT";
        case ForeignKey::Action::cascade:
            return "CASCADE";
        case ForeignKey::Action::set_null:
            return "SET NULL";
        case ForeignKey::Action::set_default:
            return "SET DEFAULT";
        case ForeignKey::Action::no_action:
            break;
    }
    return "NO ACTION";
}

const Column* Table::find_column(std::string_view column) const {
    auto found = std::ranges::find(columns, column, &Column::name);
    return found == columns.end() ? nullptr : &*found;
}

const Table* Catalog::find_table(std::string_view schema, std::string_view table) const {
    auto found = by_name_.find(key_of(schema, table));
    return found == by_name_.end() ? nullptr : &tables_[found->second];
}

const Type* Catalog::find_type(uint32_t oid) const {
    auto found = types_.find(oid);
    return found == types_.end() ? nullptr : &found->second;
}

void CatalogBuilder::add_type(Type type) {
    uint32_t oid = type.oid;
    catalog_.types_.insert_or_assign(oid, std::move(type));
}

void CatalogBuilder::add_table(Table table) {
    table.quoted = quote_identifier(table.schema) + "." + quote_identifier(table.name);
    for (Column& column : table.columns)
        column.quoted = quote_identifier(column.name);
    catalog_.tables_.push_back(std::move(table));
}

CatalogPtr CatalogBuilder::build(uint64_t version) {
    auto order = [](const Table& left, const Table& right) {
        return std::tie(left.schema, left.name) < std::tie(right.schema, right.name);
    };
    std::ranges::sort(catalog_.tables_, order);
    for (size_t at = 0; at < catalog_.tables_.size(); ++at) {
        const Table& table = catalog_.tables_[at];
        catalog_.by_name_.insert_or_assign(key_of(table.schema, table.name), at);
    }
    catalog_.version_ = version;
    return std::make_shared<const Catalog>(std::exchange(catalog_, Catalog()));
}

}  // namespace fluxgate::pg
