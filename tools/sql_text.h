// One statement in the making: SQL text and parameters in the request's arena.
//
// What may go into the text: our own words, numbers that we print, and identifiers as pg::Catalog
// quotes them. A caller's text never does; it becomes a parameter ($1…). Beside the text stands
// where each part came from, so that an error of PostgreSQL (a parameter's number, a position)
// leads back to a column.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>

#include "loop/arena.h"
#include "pg/catalog.h"
#include "pg/query.h"

namespace fluxgate::tools {

// A part of the statement that PostgreSQL may refuse by its types.
struct SqlPlace {
    size_t offset = 0;                   // its first byte in the text
    std::string_view word;               // static: the operator or function, "order", "group"
    const pg::Column* column = nullptr;  // null: none, as in count(*)
};

class SqlText {
public:
    explicit SqlText(loop::Arena* arena) : arena_(arena) {}

    void append(std::string_view text) { text_.append(arena_, text); }
    void append_number(std::integral auto value) {
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
        append(std::string_view(digits, static_cast<size_t>(end - digits)));
    }
    // Writes $n. `value` has no NUL inside and one behind it, and lives as long as the arena.
    // `column` is what it is compared with; null where it is none of the caller's (then it always
    // fits).
    void append_parameter(std::string_view value, const pg::Column* column);
    // What is written next is `word` on `column`.
    void mark(std::string_view word, const pg::Column* column) {
        places_.append(arena_, SqlPlace{text_.size, word, column});
    }

    [[nodiscard]] loop::Arena* arena() const { return arena_; }
    [[nodiscard]] std::string_view text() const { return {text_.items, text_.size}; }
    [[nodiscard]] std::span<const pg::Parameter> parameters() const {
        return {parameters_.items, parameters_.size};
    }
    [[nodiscard]] std::span<const SqlPlace> places() const { return {places_.items, places_.size}; }
    // Of $n, counted from 1; null if there is no such parameter, or no column stands behind it.
    [[nodiscard]] const pg::Column* column_of_parameter(int number) const;
    // The part that the `position`-th character (from 1, as PostgreSQL counts) belongs to, or null.
    [[nodiscard]] const SqlPlace* place_at(int position) const;

private:
    // A vector in an arena: doubles, and leaves the old piece behind.
    template <class T>
    struct Growing {
        T* items = nullptr;
        size_t size = 0;
        size_t capacity = 0;

        void reserve(loop::Arena* arena, size_t more);
        void append(loop::Arena* arena, const T& item) {
            if (size == capacity) {
                reserve(arena, 1);
            }
            items[size++] = item;
        }
        void append(loop::Arena* arena, std::string_view bytes)
            requires std::same_as<T, char>
        {
            if (capacity - size < bytes.size()) {
                reserve(arena, bytes.size());
            }
            bytes.copy(items + size, bytes.size());
            size += bytes.size();
        }
    };

    loop::Arena* arena_;
    Growing<char> text_;
    Growing<pg::Parameter> parameters_;
    Growing<const pg::Column*> parameter_columns_;  // one for each parameter
    Growing<SqlPlace> places_;                      // by offset
};

}  // namespace fluxgate::tools
