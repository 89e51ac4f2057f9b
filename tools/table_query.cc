#include "tools/table_query.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "rpc/arguments.h"
#include "rpc/nearest.h"
#include "tools/filter.h"
#include "tools/limits.h"
#include "tools/order.h"
#include "tools/table_name.h"

namespace fluxgate::tools {
namespace {

constexpr std::array<std::string_view, 6> argument_names = {"table", "select", "filter",
                                                            "order", "limit",  "offset"};

Checked<void> check_names(const rpc::Json* arguments) {
    const rpc::Json* member = arguments == nullptr ? nullptr : arguments->first;
    for (; member != nullptr; member = member->next) {
        const std::string_view name = member->key;
        if (std::find(argument_names.begin(), argument_names.end(), name) != argument_names.end()) {
            continue;
        }
        if (name == "vector_search") {
            if (member->is_null()) {
                continue;
            }
            return input_error(
                {"vector_search is not available on this server: it computes no "
                 "embeddings; use filter and order instead"});
        }
        const std::string hint = rpc::did_you_mean(name, argument_names);
        return input_error({"unknown argument ", quoted_excerpt(name), hint,
                            hint.empty() ? "; known arguments: " : " Known arguments: ",
                            rpc::list_names(argument_names)});
    }
    return {};
}

struct Values {
    std::string_view table;
    std::string_view select = "*";
    std::optional<std::string_view> order;
    const rpc::Json* filter = nullptr;
    int64_t limit = limits::rows_default;
    int64_t offset = 0;
};

Checked<Values> read_values(const rpc::Json* arguments, loop::Arena* arena) {
    const Checked<void> named = check_names(arguments);
    if (!named) {
        return std::unexpected(named.error());
    }
    rpc::Arguments reader(arguments, arena);
    Values values;
    values.table = reader.required_string("table");
    values.select = reader.optional_string("select").value_or("*");
    values.filter = reader.optional_object("filter");
    values.order = reader.optional_string("order");
    values.limit = reader.positive_integer("limit", limits::rows_default, limits::rows_max);
    values.offset = reader.non_negative_integer("offset", 0);
    if (!reader.error().empty()) {
        return input_error({reader.error()});
    }
    return values;
}

void write_page(const Values& values, SqlText& sql) {
    sql.append(" LIMIT ");
    sql.append_number(values.limit);
    if (values.offset > 0) {
        const std::string digits = std::to_string(values.offset);
        sql.append(" OFFSET ");
        sql.append_parameter(sql.arena()->copy(digits), nullptr);
    }
}

Checked<TableQuery> write_query(const Values& values, const pg::Catalog& catalog,
                                const pg::Table& table, http::Role role, SqlText& sql) {
    const Checked<SelectList> select = parse_select(values.select, table, role, sql.arena());
    if (!select) {
        return std::unexpected(select.error());
    }
    write_select(*select, catalog, sql);
    sql.append(" FROM ");
    sql.append(table.quoted);
    if (values.filter != nullptr) {
        const Checked<void> written = write_filter(*values.filter, catalog, table, role, sql);
        if (!written) {
            return std::unexpected(written.error());
        }
    }
    write_group_by(*select, sql);
    if (values.order) {
        const Checked<void> written = write_order(*values.order, table, role, *select, sql);
        if (!written) {
            return std::unexpected(written.error());
        }
    }
    write_page(values, sql);
    return TableQuery{.table = &table, .select = *select};
}

}  // namespace

Checked<TableQuery> build_table_query(const rpc::Json* arguments, const pg::Catalog& catalog,
                                      http::Role role, SqlText& sql) {
    const Checked<Values> values = read_values(arguments, sql.arena());
    if (!values) {
        return std::unexpected(values.error());
    }
    const Checked<const pg::Table*> table = find_table(catalog, values->table, role);
    if (!table) {
        return std::unexpected(table.error());
    }
    Checked<TableQuery> query = write_query(*values, catalog, **table, role, sql);
    if (!query && !has_grant(**table, role)) {
        // What PostgreSQL says to the right columns: the answer tells nothing of them.
        return std::unexpected(InputError{
            .text = no_grant(concat({excerpt((*table)->schema), ".", excerpt((*table)->name)})),
            .may_be_news = true});
    }
    return query;
}

}  // namespace fluxgate::tools
