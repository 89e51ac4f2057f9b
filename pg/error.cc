#include "pg/error.h"

#include <cstddef>

namespace fluxgate::pg {
namespace {

struct Row {
    std::string_view prefix;  // of the five characters; the first row that matches decides
    ErrorKind kind;
};

// Single codes before their class. What is not listed is `other`.
constexpr std::array rows = {
    Row{"0A000", ErrorKind::unsupported},     // feature not supported
    Row{"08", ErrorKind::unavailable},        // connection exception
    Row{"22", ErrorKind::invalid_value},      // data exception
    Row{"23", ErrorKind::conflict},           // integrity constraint violation
    Row{"25006", ErrorKind::read_only},       // read_only_sql_transaction
    Row{"26000", ErrorKind::bug},             // a prepared statement that we thought was there
    Row{"28", ErrorKind::unavailable},        // the login is refused
    Row{"3D000", ErrorKind::unavailable},     // no such database
    Row{"3F000", ErrorKind::unknown_object},  // no such schema
    Row{"40001", ErrorKind::serialization},
    Row{"40P01", ErrorKind::serialization},  // deadlock
    Row{"42501", ErrorKind::permission},
    Row{"42601", ErrorKind::bug},  // syntax error: SQL is ours alone
    Row{"42703", ErrorKind::unknown_object},
    Row{"42704", ErrorKind::unknown_object},
    Row{"42804", ErrorKind::unsupported},
    Row{"42846", ErrorKind::unsupported},  // cannot coerce
    Row{"42883", ErrorKind::unsupported},
    Row{"42725", ErrorKind::unsupported},  // ambiguous function or operator
    Row{"42P01", ErrorKind::unknown_object},
    Row{"42P02", ErrorKind::bug},  // undefined parameter
    Row{"42P05", ErrorKind::bug},  // duplicate prepared statement
    Row{"42P18", ErrorKind::unsupported},
    Row{"42P22", ErrorKind::unsupported},    // indeterminate collation
    Row{"44000", ErrorKind::conflict},       // with check option
    Row{"53200", ErrorKind::too_complex},    // out of memory, for this one value
    Row{"53", ErrorKind::unavailable},       // connections, disk
    Row{"54", ErrorKind::too_complex},       // program limit exceeded
    Row{"55P03", ErrorKind::serialization},  // lock_timeout: somebody holds the row
    Row{"57014", ErrorKind::timeout},
    Row{"57", ErrorKind::unavailable},  // 57P01..57P05, shutdown and start-up
    Row{"58", ErrorKind::unavailable},  // I/O error of the server
};

}  // namespace

ErrorKind kind_of_sqlstate(std::string_view sqlstate) {
    if (sqlstate.size() != 5) return ErrorKind::other;
    for (const Row& row : rows) {
        if (sqlstate.starts_with(row.prefix)) return row.kind;
    }
    return ErrorKind::other;
}

const char* to_string(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid_value:
            return "invalid_value";
        case ErrorKind::unsupported:
            return "unsupported";
        case ErrorKind::unknown_object:
            return "unknown_object";
        case ErrorKind::permission:
            return "permission";
        case ErrorKind::conflict:
            return "conflict";
        case ErrorKind::serialization:
            return "serialization";
        case ErrorKind::timeout:
            return "timeout";
        case ErrorKind::too_complex:
            return "too_complex";
        case ErrorKind::unavailable:
            return "unavailable";
        case ErrorKind::busy:
            return "busy";
        case ErrorKind::read_only:
            return "read_only";
        case ErrorKind::outcome_unknown:
            return "outcome_unknown";
        case ErrorKind::cancelled:
            return "cancelled";
        case ErrorKind::too_large:
            return "too_large";
        case ErrorKind::bug:
            return "bug";
        case ErrorKind::other:
            return "other";
    }
    return "other";
}

}  // namespace fluxgate::pg
