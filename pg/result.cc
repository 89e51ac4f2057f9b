#include "pg/result.h"

#include <libpq-fe.h>

#include <utility>

namespace fluxgate::pg {

Result::~Result() {
    PQclear(result_);
}

Result::Result(Result&& other) noexcept : result_(std::exchange(other.result_, nullptr)) {
}

Result& Result::operator=(Result&& other) noexcept {
    if (this != &other) {
        PQclear(result_);
        result_ = std::exchange(other.result_, nullptr);
    }
    return *this;
}

int Result::rows() const {
    return PQntuples(result_);
}

int Result::columns() const {
    return PQnfields(result_);
}

std::string_view Result::column_name(int column) const {
    const char* name = PQfname(result_, column);
    return name == nullptr ? std::string_view() : std::string_view(name);
}

uint32_t Result::column_type(int column) const {
    return PQftype(result_, column);
}

std::optional<std::string_view> Result::value(int row, int column) const {
    const int length = PQgetlength(result_, row, column);
    // NULL has no length: one call less for nearly all values.
    if (length == 0 && PQgetisnull(result_, row, column) != 0) return std::nullopt;
    return std::string_view(PQgetvalue(result_, row, column), static_cast<size_t>(length));
}

size_t Result::bytes() const {
    return result_ == nullptr ? 0 : PQresultMemorySize(result_);
}

}  // namespace fluxgate::pg
