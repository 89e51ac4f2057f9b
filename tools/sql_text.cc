#include "tools/sql_text.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace fluxgate::tools {

template <class T>
void SqlText::Growing<T>::reserve(loop::Arena* arena, size_t more) {
    static_assert(std::is_trivially_copyable_v<T>);
    constexpr size_t first_capacity = std::is_same_v<T, char> ? 512 : 8;
    const size_t wanted = std::max({first_capacity, 2 * capacity, size + more});
    T* grown = arena->array<T>(wanted).data();
    if (size > 0) {
        std::memcpy(static_cast<void*>(grown), items, size * sizeof(T));
    }
    items = grown;
    capacity = wanted;
}

template struct SqlText::Growing<char>;
template struct SqlText::Growing<pg::Parameter>;
template struct SqlText::Growing<const pg::Column*>;
template struct SqlText::Growing<SqlPlace>;

void SqlText::append_parameter(std::string_view value, const pg::Column* column) {
    parameters_.append(arena_, pg::Parameter{.bytes = value});
    parameter_columns_.append(arena_, column);
    append("$");
    append_number(parameters_.size);
}

const pg::Column* SqlText::column_of_parameter(int number) const {
    const auto index = static_cast<size_t>(number) - 1;
    return number >= 1 && index < parameter_columns_.size ? parameter_columns_.items[index]
                                                          : nullptr;
}

const SqlPlace* SqlText::place_at(int position) const {
    // PostgreSQL counts characters; names may have more bytes than that.
    size_t offset = 0;
    for (int character = 0; offset < text_.size; ++offset) {
        const bool continues = (static_cast<unsigned char>(text_.items[offset]) & 0xC0u) == 0x80u;
        if (!continues && ++character >= position) {
            break;
        }
    }
    const SqlPlace* found = nullptr;
    for (const SqlPlace& place : places()) {
        if (place.offset <= offset) {
            found = &place;
        }
    }
    return position >= 1 ? found : nullptr;
}

}  // namespace fluxgate::tools
