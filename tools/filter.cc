#include "tools/filter.h"

#include "tools/filter_operator.h"
#include "tools/limits.h"
#include "tools/table_name.h"
#include "tools/type_name.h"

namespace fluxgate::tools {
namespace {

constexpr uint32_t boolean_oid = 16;

constexpr std::string_view group_hint =
    " takes an array of objects: [{\"a\":\"eq.1\"},{\"b\":\"is.null\"}]";

std::unexpected<InputError> bad_condition(std::string_view column,
                                          std::initializer_list<std::string_view> why) {
    return input_error({"invalid filter for column ", quoted_excerpt(column), ": ", concat(why)});
}

// A value that is no string: say how it would be written.
std::unexpected<InputError> not_a_string(std::string_view column, const rpc::Json& value) {
    if (value.is_number()) {
        return bad_condition(
            column, {"expected a string \"operator.value\", got the number ", excerpt(value.text),
                     "; write \"eq.", excerpt(value.text), "\""});
    }
    if (value.is_null()) {
        return bad_condition(column,
                             {"expected a string \"operator.value\", got null; write \"is.null\""});
    }
    return bad_condition(column, {"expected a string \"operator.value\" such as \"eq.1\", got ",
                                  rpc::to_string(value.kind)});
}

class FilterWriter {
public:
    FilterWriter(const pg::Catalog& catalog, const pg::Table& table, http::Role role, SqlText& sql)
        : catalog_(catalog), table_(table), role_(role), sql_(sql) {}

    // The members of one filter object, joined by AND.
    Checked<void> write_object(const rpc::Json& object, size_t depth) {
        std::string_view separator;
        for (const rpc::Json* member = object.first; member != nullptr; member = member->next) {
            sql_.append(separator);
            separator = " AND ";
            const Checked<void> written = write_member(*member, depth);
            if (!written) {
                return written;
            }
        }
        return {};
    }

private:
    Checked<void> write_member(const rpc::Json& member, size_t depth) {
        const bool is_group_name = member.key == "or" || member.key == "and";
        const bool holds_objects =
            member.is_array() && member.first != nullptr && !member.first->is_string();
        if (is_group_name && holds_objects) {
            return write_group(member, depth + 1);
        }
        const Checked<const pg::Column*> found = find_readable_column(table_, member.key, role_);
        if (!found && is_group_name) {
            return input_error({"invalid filter: \"", member.key, "\"", group_hint});
        }
        if (!found) {
            return std::unexpected(
                InputError{.text = concat({"invalid filter: ", found.error().text}),
                           .may_be_news = found.error().may_be_news});
        }
        const pg::Column& column = **found;
        if (!member.is_array()) {
            return write_condition(member, column);
        }
        if (member.first == nullptr) {
            return bad_condition(member.key, {"the array of conditions is empty"});
        }
        std::string_view separator;
        for (const rpc::Json* item = member.first; item != nullptr; item = item->next) {
            sql_.append(separator);
            separator = " AND ";
            const Checked<void> written = write_condition(*item, column);
            if (!written) {
                return written;
            }
        }
        return {};
    }

    Checked<void> write_group(const rpc::Json& group, size_t depth) {
        if (depth > limits::filter_depth_max) {
            return input_error({"invalid filter: groups are nested more than ",
                                std::to_string(limits::filter_depth_max), " levels deep"});
        }
        std::string_view separator;
        sql_.append("(");
        for (const rpc::Json* item = group.first; item != nullptr; item = item->next) {
            if (!item->is_object()) {
                return input_error({"invalid filter: \"", group.key, "\"", group_hint, ", got ",
                                    rpc::to_string(item->kind), " in it"});
            }
            if (item->first == nullptr) {
                // It would hold for every row.
                return input_error(
                    {"invalid filter: \"", group.key, "\" has an empty object in it"});
            }
            sql_.append(separator);
            separator = group.key == "or" ? ") OR (" : ") AND (";
            if (item == group.first) {
                sql_.append("(");
            }
            const Checked<void> written = write_object(*item, depth);
            if (!written) {
                return written;
            }
        }
        sql_.append("))");
        return {};
    }

    Checked<void> write_condition(const rpc::Json& value, const pg::Column& column) {
        if (++conditions_ > limits::filter_conditions_max) {
            return input_error({"invalid filter: more than ",
                                std::to_string(limits::filter_conditions_max), " conditions"});
        }
        if (!value.is_string()) {
            return not_a_string(column.name, value);
        }
        if (has_nul(value.text)) {
            return bad_condition(column.name, {nul_refused});
        }
        if (value.text.size() > limits::filter_value_bytes_max) {
            return bad_condition(column.name,
                                 {"the value is longer than ",
                                  std::to_string(limits::filter_value_bytes_max), " bytes"});
        }
        const size_t dot = value.text.find('.');
        const Operator* const op = find_operator(value.text.substr(0, dot));
        if (dot == std::string_view::npos) {
            return bad_condition(column.name,
                                 {"expected \"operator.value\" such as \"eq.",
                                  op == nullptr ? excerpt(value.text) : "1", "\", got ",
                                  quoted_excerpt(value.text), operator_hint(value.text)});
        }
        if (op == nullptr) {
            const std::string_view name = value.text.substr(0, dot);
            return bad_condition(column.name,
                                 {"unknown operator ", quoted_excerpt(name), operator_hint(name)});
        }
        // A suffix: the NUL behind the whole value is behind this too.
        return write_operation(*op, value.text.substr(dot + 1), column);
    }

    Checked<void> write_operation(const Operator& op, std::string_view value,
                                  const pg::Column& column) {
        const Checked<void> written =
            op.kind == OperatorKind::truth  ? write_truth(op, value, column)
            : op.kind == OperatorKind::list ? write_list(op, value, column)
                                            : write_compare(op, value, column);
        if (!written) {
            return bad_condition(column.name, {op.name, ": ", written.error().text});
        }
        return {};
    }

    Checked<void> write_compare(const Operator& op, std::string_view value,
                                const pg::Column& column) {
        if (op.kind == OperatorKind::pattern) {
            const Checked<void> checked = check_pattern(value);
            if (!checked) {
                return checked;
            }
        }
        write_left_side(op, column);
        sql_.append_parameter(value, &column);
        return {};
    }

    void write_left_side(const Operator& op, const pg::Column& column) {
        const std::string_view schema = schema_of_type(base_type(catalog_, column.type));
        sql_.mark(op.name, &column);
        sql_.append(column.quoted);
        sql_.append(" ");
        if (!schema.empty()) {
            sql_.append("OPERATOR(");
            sql_.append(schema);
            sql_.append(".");
        }
        sql_.append(op.sql);
        sql_.append(schema.empty() ? "" : ")");
        sql_.append(op.tail);
    }

    Checked<void> write_list(const Operator& op, std::string_view value, const pg::Column& column) {
        const pg::Type* type = base_type(catalog_, column.type);
        if (type != nullptr && type->kind == pg::Type::Kind::array) {
            return input_error({"the column is an array (", type->name,
                                "); use cs.{a,b} (contains all), "
                                "ov.{a,b} (has one of them) or cd.{a,b}"});
        }
        const Checked<std::string_view> array =
            array_from_list(value, type == nullptr ? ',' : type->delimiter, sql_.arena());
        if (!array) {
            return std::unexpected(array.error());
        }
        write_left_side(op, column);
        sql_.append_parameter(*array, &column);
        sql_.append(")");
        return {};
    }

    Checked<void> write_truth(const Operator& op, std::string_view value,
                              const pg::Column& column) {
        const Checked<Truth> truth = truth_of(value, op.name == "isnot");
        if (!truth) {
            return std::unexpected(truth.error());
        }
        const pg::Type* type = base_type(catalog_, column.type);
        if (truth->needs_boolean && type != nullptr && type->oid != boolean_oid) {
            return input_error({value, " needs a boolean column, this one is ", type->name,
                                "; use is.null, is.not_null or eq"});
        }
        sql_.mark(op.name, &column);
        sql_.append(column.quoted);
        sql_.append(truth->sql);
        return {};
    }

    const pg::Catalog& catalog_;
    const pg::Table& table_;
    http::Role role_;
    SqlText& sql_;
    size_t conditions_ = 0;
};

}  // namespace

Checked<void> write_filter(const rpc::Json& filter, const pg::Catalog& catalog,
                           const pg::Table& table, http::Role role, SqlText& sql) {
    if (!filter.is_object()) {
        return input_error({"filter must be an object such as {\"age\":\"gte.18\"}, got ",
                            rpc::to_string(filter.kind)});
    }
    if (filter.first == nullptr) {
        return {};
    }
    sql.append(" WHERE ");
    return FilterWriter(catalog, table, role, sql).write_object(filter, 1);
}

}  // namespace fluxgate::tools
