// What every piece of work for a caller has at hand (a tool's call, a prompt, a resource's read),
// and how it fails. Lives in the dispatcher's frame until the work has returned.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/principal.h"
#include "loop/arena.h"
#include "loop/scope.h"
#include "loop/task.h"
#include "rpc/client_request.h"
#include "rpc/json.h"
#include "rpc/protocol.h"

namespace fluxgate::rpc {

// RFC 5424's, in rising order.
enum class LogLevel : uint8_t { debug, info, notice, warning, error, critical, alert, emergency };
[[nodiscard]] std::string_view to_string(LogLevel level);
[[nodiscard]] std::optional<LogLevel> find_log_level(std::string_view name);

// What can be told to the client while the work runs. Each may suspend while the client is slow to
// read, and does nothing where the client did not ask for it or is gone: none can fail. The texts
// must stay until the task has ended.
class ClientLink {
public:
    // notifications/progress, if the request brought a token. `progress` must grow from call to
    // call, one that does not is dropped. `total` 0: unknown. `message` may be empty.
    [[nodiscard]] virtual loop::Task<void> progress(double progress, double total,
                                                    std::string_view message) = 0;
    // notifications/message, from the level on that the client set. `data` is JSON text.
    [[nodiscard]] virtual loop::Task<void> log(LogLevel level, std::string_view logger,
                                               std::string_view data) = 0;
    // Ends the answer's stream though the work goes on; the client comes back for the rest with
    // Last-Event-ID. Only where the revision knows it (2025-11-25) and a session is there.
    [[nodiscard]] virtual loop::Task<void> hang_up() = 0;

protected:
    ~ClientLink() = default;
};

// Notes for the access log and metrics.
struct CallNotes {
    std::string_view sqlstate;  // static or in the arena
    int64_t queue_us = 0;
    int64_t db_us = 0;
};

struct CallContext {
    loop::Scope* scope = nullptr;  // cancelled when the caller gave up; carries the deadline
    loop::Arena* arena = nullptr;
    const http::Principal* principal = nullptr;
    const Protocol* protocol = nullptr;
    ClientLink* client = nullptr;  // never null
    // What the client can be asked, and what it has answered so far: an object of the results by
    // InputRequest::key, not validated; null in the first round.
    ClientCapabilities capabilities;
    const Json* inputs = nullptr;
    std::string_view state;  // InputRequired::state of the round before; empty in the first
    CallNotes notes;
};

// What only the transport can say: the database is away, a scope is missing.
struct CallFailure {
    int code = 0;  // JSON-RPC; also the HTTP status where 400..599
    std::string message;
    int retry_after_s = 0;  // > 0: Retry-After
};

}  // namespace fluxgate::rpc
