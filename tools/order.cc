#include "tools/order.h"

#include <vector>

#include "rpc/nearest.h"
#include "tools/limits.h"
#include "tools/scanner.h"
#include "tools/table_name.h"

namespace fluxgate::tools {
namespace {

constexpr std::string_view grammar_hint =
    "; write \"column.desc\", \"column.asc.nullslast\" or \"column desc nulls last\", several with "
    "commas "
    "between them";

std::unexpected<InputError> bad_term(const Scanner& scanner, size_t start) {
    const std::string_view term = scanner.item_from(start);
    if (term.empty()) {
        return input_error({"order has an empty term", grammar_hint});
    }
    return input_error({"invalid order term ", quoted_excerpt(term), grammar_hint});
}

// The part behind a name. False if it is neither of the two forms.
bool parse_direction(Scanner& scanner, std::string_view& direction, std::string_view& nulls) {
    if (scanner.peek() == '.') {
        const auto accept = [&scanner](std::string_view word) {
            const size_t start = scanner.position();
            if (scanner.accept('.') && scanner.accept_word(word)) {
                return true;
            }
            scanner.return_to(start);
            return false;
        };
        direction = accept("desc") ? " DESC" : accept("asc") ? "" : direction;
        nulls = accept("nullsfirst") ? " NULLS FIRST" : accept("nullslast") ? " NULLS LAST" : nulls;
        scanner.skip_spaces();
    } else {
        scanner.skip_spaces();
        direction = scanner.accept_word("desc") ? " DESC" : direction;
        if (direction.empty() && scanner.accept_word("asc")) {
            direction = "";
        }
        scanner.skip_spaces();
        if (scanner.accept_word("nulls")) {
            scanner.skip_spaces();
            nulls = scanner.accept_word("first")  ? " NULLS FIRST"
                    : scanner.accept_word("last") ? " NULLS LAST"
                                                  : nulls;
            if (nulls.empty()) {
                return false;
            }
            scanner.skip_spaces();
        }
    }
    return scanner.at_end() || scanner.peek() == ',';
}

std::unexpected<InputError> not_an_output(const SelectList& select, std::string_view name) {
    std::vector<std::string_view> names;
    for (const SelectOutput& output : select.outputs) {
        names.push_back(output.name);
    }
    const std::string hint = rpc::did_you_mean(name, names);
    return input_error(
        {"order: ", quoted_excerpt(name), " is not in select", hint,
         hint.empty() ? "; with" : " With",
         " an aggregate only its outputs can be sorted by: ", rpc::list_names(names)});
}

Checked<void> write_name(std::string_view name, const pg::Table& table, http::Role role,
                         const SelectList& select, SqlText& sql) {
    const size_t ordinal = select.ordinal_of(name);
    if (ordinal > 0) {
        // By position, because the name may be an alias, which the SQL text does not know.
        const SelectOutput& output = select.outputs[ordinal - 1];
        sql.mark("order", output.column);
        sql.append_number(ordinal);
        return {};
    }
    if (select.has_aggregate) {
        return not_an_output(select, name);
    }
    const Checked<const pg::Column*> column = find_readable_column(table, name, role);
    if (!column) {
        return std::unexpected(column.error());
    }
    sql.mark("order", *column);
    sql.append((*column)->quoted);
    return {};
}

}  // namespace

Checked<void> write_order(std::string_view text, const pg::Table& table, http::Role role,
                          const SelectList& select, SqlText& sql) {
    if (has_nul(text)) {
        return input_error({nul_refused});
    }
    if (text.size() > limits::order_bytes_max) {
        return input_error(
            {"order is longer than ", std::to_string(limits::order_bytes_max), " bytes"});
    }
    if (trim(text).empty()) {
        return input_error({"order is empty; leave it out for no order"});
    }
    Scanner scanner(text, sql.arena());
    size_t terms = 0;
    do {
        if (terms++ == limits::order_terms_max) {
            return input_error(
                {"order has more than ", std::to_string(limits::order_terms_max), " terms"});
        }
        scanner.skip_spaces();
        const size_t start = scanner.position();
        ScannedName name;
        if (!scanner.accept_name(name)) {
            return bad_term(scanner, start);
        }
        std::string_view direction;
        std::string_view nulls;
        if (!parse_direction(scanner, direction, nulls)) {
            return bad_term(scanner, start);
        }
        sql.append(terms == 1 ? " ORDER BY " : ", ");
        const Checked<void> written = write_name(name.text, table, role, select, sql);
        if (!written) {
            return written;
        }
        sql.append(direction);
        sql.append(nulls);
    } while (scanner.accept(','));
    return {};
}

}  // namespace fluxgate::tools
