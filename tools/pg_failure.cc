#include "tools/pg_failure.h"

#include <algorithm>
#include <string>

#include "tools/input_error.h"
#include "tools/limits.h"
#include "tools/table_name.h"
#include "tools/value_hint.h"

namespace fluxgate::tools {
namespace {

using pg::ErrorKind;

constexpr int rpc_internal_error = -32603;

std::string table_text(const FailedStatement& statement) {
    return statement.table == nullptr
               ? std::string("the table")
               : concat({excerpt(statement.table->schema), ".", excerpt(statement.table->name)});
}

// `"n" (integer)`
std::string column_text(const FailedStatement& statement, const pg::Column& column) {
    const pg::Type* type =
        statement.catalog == nullptr ? nullptr : statement.catalog->find_type(column.type);
    return concat({quoted_excerpt(column.name), type == nullptr ? "" : " (",
                   type == nullptr ? std::string_view() : std::string_view(type->name),
                   type == nullptr ? "" : ")"});
}

std::string invalid_value(const pg::Error& error, const FailedStatement& statement) {
    const SqlText* sql = statement.sql;
    const pg::Column* column = sql == nullptr ? nullptr : sql->column_of_parameter(error.parameter);
    if (column == nullptr) {
        // Not one of the caller's values: an expression in a view or a policy, or a pattern.
        return concat({"invalid value: a value in the query or in ", table_text(statement),
                       " does not fit (SQLSTATE ", error.state(), ")"});
    }
    const std::string_view value =
        sql->parameters()[static_cast<size_t>(error.parameter) - 1].bytes;
    return concat(
        {"invalid value for column ", column_text(statement, *column), ": ", quoted_excerpt(value),
         statement.catalog == nullptr ? "" : value_hint(*statement.catalog, column->type)});
}

std::string unsupported(const pg::Error& error, const FailedStatement& statement) {
    const SqlPlace* place =
        statement.sql == nullptr ? nullptr : statement.sql->place_at(error.position);
    if (place == nullptr || place->column == nullptr) {
        return concat(
            {"operator not supported for the column's type (SQLSTATE ", error.state(), ")"});
    }
    const std::string column = column_text(statement, *place->column);
    if (place->word == "order" || place->word == "group") {
        return concat({"can not ", place->word, " by column ", column,
                       ": its type has no order or equality"});
    }
    return concat({"operator not supported for column ", column, ": ", place->word,
                   operator_hint_of(place->word)});
}

std::string unknown_object(const pg::Error& error, const FailedStatement& statement) {
    const std::string table = table_text(statement);
    if (error.state() == "42703") {
        return concat({"unknown column in ", table, ": the table has just changed; ask again"});
    }
    if (error.state() == "42P01" || error.state() == "3F000") {
        return concat({"table not found: ", table});
    }
    return concat(
        {"something that ", table, " needs does not exist (SQLSTATE ", error.state(), ")"});
}

std::string conflict(const pg::Error& error) {
    if (error.state() == "23502") {
        return concat({"conflict: column ", quoted_excerpt(error.column), " must not be null"});
    }
    if (error.state() == "44000") {
        return "conflict: the row does not fit the view's condition";
    }
    const std::string_view kind = error.state() == "23505"   ? "unique"
                                  : error.state() == "23503" ? "foreign key"
                                  : error.state() == "23514" ? "check"
                                  : error.state() == "23P01" ? "exclusion"
                                                             : "";
    return concat({"conflict: ", kind, kind.empty() ? "" : " ", "constraint ",
                   quoted_excerpt(error.constraint)});
}

std::unexpected<rpc::CallFailure> failure(int code, std::string_view message, int retry_after_s) {
    return std::unexpected(rpc::CallFailure{
        .code = code, .message = std::string(message), .retry_after_s = retry_after_s});
}

}  // namespace

rpc::ToolOutcome outcome_of(const pg::Error& error, const FailedStatement& statement) {
    const int retry_after_s = std::max(error.retry_after_s, 1);
    switch (error.kind) {
        case ErrorKind::invalid_value:
            return rpc::tool_error(invalid_value(error, statement));
        case ErrorKind::unsupported:
            return rpc::tool_error(unsupported(error, statement));
        case ErrorKind::unknown_object:
            return rpc::tool_error(unknown_object(error, statement));
        case ErrorKind::permission:
            return rpc::tool_error(no_grant(table_text(statement)));
        case ErrorKind::conflict:
            return rpc::tool_error(conflict(error));
        case ErrorKind::serialization:
            return rpc::tool_error("serialization failure, retry");
        case ErrorKind::timeout:
            return rpc::tool_error(
                concat({"query timed out after ", std::to_string(statement.timeout_ms),
                        " ms; ask for less: a filter on an indexed column, a smaller limit"}));
        case ErrorKind::too_complex:
            return rpc::tool_error("value too complex");
        case ErrorKind::outcome_unknown:
            return rpc::tool_error("outcome unknown: connection lost during commit");
        case ErrorKind::too_large:
            return result_too_large();
        case ErrorKind::unavailable:
            return std::unexpected(database_unavailable(error.retry_after_s));
        case ErrorKind::busy:
            return failure(503,
                           concat({"server busy: all connections to the database that calls like "
                                   "this one may use are taken; try again after ",
                                   std::to_string(retry_after_s),
                                   " s, or ask for less. If it lasts, the operator raises "
                                   "gateway.database.slow_lanes (or fast_lanes, write_lanes)"}),
                           retry_after_s);
        case ErrorKind::read_only:
            return failure(503, "database is read-only (failover in progress)", retry_after_s);
        case ErrorKind::cancelled:
            return failure(503, "the call was cancelled", retry_after_s);
        case ErrorKind::bug:
            return failure(rpc_internal_error, "internal error", 0);
        case ErrorKind::other:
            break;
    }
    return rpc::tool_error(concat({"the database refused the query (SQLSTATE ",
                                   error.state().empty() ? "unknown" : error.state(), ")"}));
}

rpc::ToolResult result_too_large() {
    return rpc::tool_error(concat(
        {"result too large: over ", std::to_string(limits::result_bytes_max >> 20),
         " MiB; name fewer columns in select, or ask for fewer rows with limit and offset"}));
}

rpc::CallFailure database_unavailable(int retry_after_s) {
    return {.code = 503,
            .message = "database unavailable",
            .retry_after_s = std::max(retry_after_s, 1)};
}

}  // namespace fluxgate::tools
