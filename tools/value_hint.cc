#include "tools/value_hint.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "rpc/nearest.h"
#include "tools/input_error.h"
#include "tools/type_name.h"

namespace fluxgate::tools {
namespace {

using Hint = std::pair<std::string_view, std::string_view>;

constexpr std::array by_type = {
    Hint{"boolean", "; true or false"},
    Hint{"date", "; like 2024-06-01"},
    Hint{"timestamp without time zone", "; like 2024-06-01T12:00:00"},
    Hint{"timestamp with time zone", "; like 2024-06-01T12:00:00Z"},
    Hint{"time without time zone", "; like 12:30:00"},
    Hint{"interval", "; like P1DT2H or 1 day"},
    Hint{"uuid", "; like 123e4567-e89b-12d3-a456-426614174000"},
    Hint{"json", "; JSON, like {\"k\":1}"},
    Hint{"jsonb", "; JSON, like {\"k\":1}"},
};
constexpr std::array by_word = {
    Hint{"like", "; it is for text"},
    Hint{"ilike", "; it is for text"},
    Hint{"cs", "; it is for arrays, jsonb and ranges"},
    Hint{"cd", "; it is for arrays, jsonb and ranges"},
    Hint{"ov", "; it is for arrays and ranges"},
    Hint{"sum", "; it is for numbers and intervals"},
    Hint{"avg", "; it is for numbers and intervals"},
};

template <size_t size>
std::string_view find_hint(const std::array<Hint, size>& hints, std::string_view name) {
    const auto* const found = std::ranges::find(hints, name, &Hint::first);
    return found == hints.end() ? std::string_view() : found->second;
}

}  // namespace

std::string value_hint(const pg::Catalog& catalog, uint32_t type) {
    const pg::Type* base = base_type(catalog, type);
    if (base == nullptr) return {};
    switch (base->kind) {
        case pg::Type::Kind::enumeration: {
            const std::vector<std::string_view> labels(base->labels.begin(), base->labels.end());
            return concat({"; one of: ", rpc::list_names(labels)});
        }
        case pg::Type::Kind::array:
            return "; written as {a,b}";
        case pg::Type::Kind::range:
            return "; a range, like [1,5)";
        default:
            return std::string(find_hint(by_type, base->name));
    }
}

std::string_view operator_hint_of(std::string_view word) {
    return find_hint(by_word, word);
}

}  // namespace fluxgate::tools
