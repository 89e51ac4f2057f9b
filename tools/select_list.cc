#include "tools/select_list.h"

#include <algorithm>
#include <array>

#include "tools/limits.h"
#include "tools/scanner.h"
#include "tools/table_name.h"
#include "tools/type_name.h"

namespace fluxgate::tools {
namespace {

constexpr std::array<std::string_view, 6> functions = {"", "count", "sum", "avg", "min", "max"};

constexpr std::string_view grammar_hint =
    "; select takes column names, \"alias:column\", \"column as alias\", and count(*), count, sum, "
    "avg, "
    "min, max of a column; names with other characters in double quotes";

// Is "*" the whole table? Where nothing of it is granted, that is for PostgreSQL to refuse.
bool takes_all(const pg::Table& table, http::Role role) {
    return is_whole(table, role) || !has_grant(table, role);
}

class SelectParser {
public:
    SelectParser(std::string_view text, const pg::Table& table, http::Role role, loop::Arena* arena)
        : scanner_(text, arena), table_(table), role_(role) {
        outputs_ = arena->array<SelectOutput>(1 + count_commas(text) + table.columns.size());
    }

    Checked<SelectList> parse() {
        bool only_star = true;
        do {
            const Checked<bool> was_star = parse_item();
            if (!was_star) {
                return std::unexpected(was_star.error());
            }
            only_star = only_star && *was_star && used_ == 0;
            if (*was_star && has_star_) {
                return input_error({"select has \"*\" twice"});
            }
            if (*was_star) {
                has_star_ = true;
                star_at_ = used_;
            }
            scanner_.skip_spaces();
        } while (scanner_.accept(','));
        if (!scanner_.at_end()) {
            return unexpected_item(item_start_);
        }
        return finish(only_star);
    }

private:
    static size_t count_commas(std::string_view text) {
        size_t commas = 0;
        for (char c : text) {
            commas += c == ',' ? 1 : 0;
        }
        return commas;
    }

    // True for "*".
    Checked<bool> parse_item() {
        scanner_.skip_spaces();
        item_start_ = scanner_.position();
        if (scanner_.accept('*')) {
            return true;
        }
        ScannedName first;
        if (!scanner_.accept_name(first)) {
            return unexpected_item(item_start_);
        }
        scanner_.skip_spaces();
        std::string_view alias;
        if (scanner_.accept(':')) {
            alias = first.text;
            scanner_.skip_spaces();
            if (!scanner_.accept_name(first)) {
                return unexpected_item(item_start_);
            }
            scanner_.skip_spaces();
        }
        SelectOutput output;
        const Checked<void> read = parse_output(first, output);
        if (!read) {
            return std::unexpected(read.error());
        }
        const Checked<void> named = parse_alias(alias, output);
        if (!named) {
            return std::unexpected(named.error());
        }
        if (used_ == limits::select_outputs_max) {
            return input_error(
                {"select has more than ", std::to_string(limits::select_outputs_max), " outputs"});
        }
        outputs_[used_++] = output;
        return false;
    }

    // What comes after its first name; fills all but an alias.
    Checked<void> parse_output(const ScannedName& first, SelectOutput& output) {
        output.name = first.text;
        if (first.is_quoted || scanner_.peek() != '(') {
            return find_column(first.text, output);
        }
        for (size_t i = 1; i < functions.size(); ++i) {
            if (equals_ignoring_case(first.text, functions[i])) {
                output.aggregate = static_cast<Aggregate>(i);
                output.name = functions[i];
            }
        }
        if (output.aggregate == Aggregate::none || !scanner_.accept('(')) {
            return unexpected_item(item_start_);
        }
        has_aggregate_ = true;
        return parse_argument(output);
    }

    Checked<void> find_column(std::string_view name, SelectOutput& output) const {
        const Checked<const pg::Column*> found = find_readable_column(table_, name, role_);
        if (!found) {
            return std::unexpected(found.error());
        }
        output.column = *found;
        return {};
    }

    Checked<void> parse_argument(SelectOutput& output) {
        scanner_.skip_spaces();
        const size_t start = scanner_.position();
        if (scanner_.accept('*')) {
            if (output.aggregate != Aggregate::count) {
                return input_error(
                    {output.name, "(*) does not exist; name a column: ", output.name, "(column)"});
            }
        } else {
            ScannedName name;
            if (scanner_.accept_word("distinct")) {
                scanner_.skip_spaces();
                // A column may be called "distinct" too: count(distinct).
                output.is_distinct = scanner_.peek() != ')';
            }
            if (!output.is_distinct) {
                scanner_.return_to(start);
            }
            if (!scanner_.accept_name(name)) {
                return unexpected_item(item_start_);
            }
            const Checked<void> found = find_column(name.text, output);
            if (!found) {
                return found;
            }
        }
        scanner_.skip_spaces();
        if (!scanner_.accept(')')) {
            return unexpected_item(item_start_);
        }
        return {};
    }

    Checked<void> parse_alias(std::string_view alias, SelectOutput& output) {
        scanner_.skip_spaces();
        if (scanner_.accept_word("as")) {
            scanner_.skip_spaces();
            ScannedName name;
            if (!alias.empty() || !scanner_.accept_name(name)) {
                return unexpected_item(item_start_);
            }
            alias = name.text;
            scanner_.skip_spaces();
        }
        if (!scanner_.at_end() && scanner_.peek() != ',') {
            return unexpected_item(item_start_);
        }
        if (alias.size() > limits::identifier_bytes_max) {
            return input_error({"the alias ", quoted_excerpt(alias), " is longer than ",
                                std::to_string(limits::identifier_bytes_max), " bytes"});
        }
        if (!alias.empty()) {
            output.name = alias;
        }
        return {};
    }

    Checked<SelectList> finish(bool only_star) {
        if (only_star && takes_all(table_, role_)) {
            return SelectList{};
        }
        if (has_star_ && has_aggregate_) {
            return input_error(
                {"select can not have \"*\" beside an aggregate; name the columns that the "
                 "rows are grouped by"});
        }
        if (has_star_) {
            expand_star();
        }
        const std::span<const SelectOutput> outputs = outputs_.first(used_);
        // Linear for each name: at most select_outputs_max of them.
        for (size_t i = 1; i < outputs.size(); ++i) {
            for (size_t j = 0; j < i; ++j) {
                if (outputs[i].name == outputs[j].name) {
                    return input_error(
                        {"select has two outputs called ", quoted_excerpt(outputs[i].name),
                         "; leave one out, or give it an alias: \"other:",
                         outputs[i].column == nullptr ? "count(*)" : "column", "\""});
                }
            }
        }
        return SelectList{.outputs = outputs, .has_aggregate = has_aggregate_};
    }

    // Puts the table's columns where "*" stood. There is room for them: see the constructor.
    void expand_star() {
        const bool all = takes_all(table_, role_);
        const auto is_taken = [all, this](const pg::Column& column) {
            return all || is_readable(column, role_);
        };
        const auto count = static_cast<size_t>(std::ranges::count_if(table_.columns, is_taken));
        for (size_t i = used_; i > star_at_; --i) {
            outputs_[i - 1 + count] = outputs_[i - 1];
        }
        size_t at = star_at_;
        for (const pg::Column& column : table_.columns) {
            if (!is_taken(column)) continue;
            outputs_[at++] = SelectOutput{.name = column.name, .column = &column};
        }
        used_ += count;
    }

    [[nodiscard]] std::unexpected<InputError> unexpected_item(size_t start) const {
        const std::string_view item = scanner_.item_from(start);
        if (item.empty()) {
            return input_error({"select has an empty item", grammar_hint});
        }
        return input_error({"unknown column: ", excerpt(item), grammar_hint});
    }

    Scanner scanner_;
    const pg::Table& table_;
    http::Role role_;
    std::span<SelectOutput> outputs_;
    size_t used_ = 0;
    size_t item_start_ = 0;
    size_t star_at_ = 0;
    bool has_star_ = false;
    bool has_aggregate_ = false;
};

// Qualified: a function of that name somewhere in the search path must not answer for it. Types of
// extensions have aggregates of their own (citext, vector); count takes any type.
void write_function(const SelectOutput& output, const pg::Catalog& catalog, SqlText& sql) {
    const pg::Type* type =
        output.column == nullptr ? nullptr : base_type(catalog, output.column->type);
    const bool is_own = output.aggregate == Aggregate::count || is_built_in(type) ||
                        type->kind != pg::Type::Kind::base;
    const std::string_view schema = is_own ? "pg_catalog" : schema_of_type(type);
    sql.append(schema);
    sql.append(schema.empty() ? "" : ".");
    sql.append(functions[static_cast<size_t>(output.aggregate)]);
}

void write_output(const SelectOutput& output, const pg::Catalog& catalog, SqlText& sql) {
    if (output.aggregate == Aggregate::none) {
        sql.append(output.column->quoted);
        return;
    }
    sql.mark(functions[static_cast<size_t>(output.aggregate)], output.column);
    write_function(output, catalog, sql);
    sql.append("(");
    sql.append(output.is_distinct ? "DISTINCT " : "");
    sql.append(output.column == nullptr ? std::string_view("*") : output.column->quoted);
    sql.append(")");
}

}  // namespace

size_t SelectList::ordinal_of(std::string_view name) const {
    for (size_t i = 0; i < outputs.size(); ++i) {
        if (outputs[i].name == name) {
            return i + 1;
        }
    }
    return 0;
}

Checked<SelectList> parse_select(std::string_view text, const pg::Table& table, http::Role role,
                                 loop::Arena* arena) {
    if (has_nul(text)) {
        return input_error({nul_refused});
    }
    if (text.size() > limits::select_bytes_max) {
        return input_error(
            {"select is longer than ", std::to_string(limits::select_bytes_max), " bytes"});
    }
    if (text == "*" && takes_all(table, role)) {
        return SelectList{};
    }
    if (trim(text).empty()) {
        return input_error({"select is empty; use \"*\" for all columns, or leave it out"});
    }
    return SelectParser(text, table, role, arena).parse();
}

void write_select(const SelectList& list, const pg::Catalog& catalog, SqlText& sql) {
    sql.append("SELECT ");
    if (list.is_star()) {
        sql.append("*");
        return;
    }
    for (size_t i = 0; i < list.outputs.size(); ++i) {
        sql.append(i == 0 ? "" : ", ");
        write_output(list.outputs[i], catalog, sql);
    }
}

void write_group_by(const SelectList& list, SqlText& sql) {
    if (!list.has_aggregate) {
        return;
    }
    std::string_view separator = " GROUP BY ";
    for (const SelectOutput& output : list.outputs) {
        if (output.aggregate == Aggregate::none) {
            sql.append(separator);
            sql.mark("group", output.column);
            sql.append(output.column->quoted);
            separator = ", ";
        }
    }
}

}  // namespace fluxgate::tools
