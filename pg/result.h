// The rows of one statement, in text format, as libpq received them. Move-only; frees the PGresult.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

struct pg_result;  // libpq's PGresult

namespace fluxgate::pg {

class Result {
public:
    Result() = default;
    explicit Result(pg_result* result) : result_(result) {}
    ~Result();
    Result(Result&& other) noexcept;
    Result& operator=(Result&& other) noexcept;
    Result(const Result&) = delete;
    Result& operator=(const Result&) = delete;

    [[nodiscard]] int rows() const;
    [[nodiscard]] int columns() const;
    [[nodiscard]] std::string_view column_name(int column) const;
    [[nodiscard]] uint32_t column_type(int column) const;
    // Nothing for SQL NULL. Views live as long as the Result; NUL-terminated.
    [[nodiscard]] std::optional<std::string_view> value(int row, int column) const;
    // What it holds in memory, values and bookkeeping.
    [[nodiscard]] size_t bytes() const;

private:
    pg_result* result_ = nullptr;
};

}  // namespace fluxgate::pg
