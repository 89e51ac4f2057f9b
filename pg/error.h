// What went wrong with a statement, as a value; the SQLSTATE table lives in error.cc alone.
//
// Nothing in it may reach a caller as it is: no SQL, no DETAIL, no HINT. tools/ turn it into a text
// that a model can act on, rpc/ into a status where the database is away.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace fluxgate::pg {

enum class ErrorKind : uint8_t {
    invalid_value,    // 22xxx and type errors: the caller's value does not fit
    unsupported,      // 42883, 42804: operator or function not there for the type
    unknown_object,   // 42P01, 42703: the schema changed since the cache was filled
    permission,       // 42501
    conflict,         // 23xxx; `constraint` names it
    serialization,    // 40001, 40P01
    timeout,          // 57014: statement_timeout
    too_complex,      // 54xxx
    unavailable,      // no connection: refused, lost before sending, 08*, 53300, 57P0x
    busy,             // our own queue: full, or the queue deadline passed
    read_only,        // 25006: a failover is in progress
    outcome_unknown,  // a write whose connection died after it was sent; never retried
    cancelled,        // the caller's scope was cancelled
    too_large,        // the result passed its budget
    bug,              // our fault: protocol state, wrong statement
    other,            // any other SQLSTATE
};

struct Error {
    ErrorKind kind = ErrorKind::other;
    std::array<char, 6> sqlstate{};  // NUL-terminated; "" where PostgreSQL said nothing
    std::string constraint;          // name only, for conflict
    std::string column;              // where PostgreSQL names one (23502)
    int parameter = 0;               // 1-based number of the parameter that did not fit, or 0
    int position = 0;                // in the SQL text, in characters from 1 (types, names), or 0
    int retry_after_s = 0;           // for unavailable, busy, read_only

    [[nodiscard]] std::string_view state() const { return sqlstate.data(); }
};

// The one table from SQLSTATE to kind.
[[nodiscard]] ErrorKind kind_of_sqlstate(std::string_view sqlstate);
[[nodiscard]] const char* to_string(ErrorKind kind);

}  // namespace fluxgate::pg
