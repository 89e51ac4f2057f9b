// One call's SQL: what pg/lane turns into a pipeline segment
//   [set_config of the identity] [the statement] [Sync]
// = one implicit transaction, one round trip. All views belong to the caller and must live until
// the awaited execute() returns (an arena of the request does).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "loop/deadline.h"

namespace fluxgate::pg {

// gateway: the gateway's own login, for key tables and the catalog. It has no identity step and
// never runs for a caller.
enum class Role : uint8_t { anon, authenticated, service_role, gateway };
inline constexpr size_t role_count = 4;
[[nodiscard]] std::string_view to_string(Role role);

struct Identity {
    Role role = Role::anon;
    std::string_view claims = "{}";  // JSON for request.jwt.claims; never empty
};

struct Parameter {
    std::string_view
        bytes;  // text: NUL-terminated behind the view, no NUL inside (checked by execute)
    bool is_null = false;
    bool is_binary = false;
    uint32_t type_oid = 0;  // 0: PostgreSQL infers it
};

enum class Access : uint8_t { read, write };
// fast: pipelined with others, short timeout, moves to slow by itself when it turns out slow.
// slow: alone on its connection, so that it can be cancelled. Writes have lanes of their own.
enum class Pace : uint8_t { fast, slow };

struct Query {
    std::string_view sql;  // one statement, $1… placeholders; prepared once per lane, by text
    std::span<const Parameter> parameters;
    Access access = Access::read;
    Pace pace = Pace::fast;
    uint32_t statement_timeout_ms = 30'000;
    size_t result_bytes_max = 16u << 20;
    loop::Deadline deadline;  // queueing included
};

}  // namespace fluxgate::pg
