// The libpq surface in one class (beside it only result.cc and the CLI's admin.cc include libpq):
// one connection in pipeline mode, non-blocking, without any idea of what the statements mean.
//
// Does not wait: whoever owns it polls fd() and calls back. start() alone may block (name
// resolution) and belongs on the blocking pool. After a call has returned "broken" only
// next_reply() makes sense: it still hands out what had arrived before.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "loop/secret.h"
#include "pg/error.h"
#include "pg/query.h"
#include "pg/result.h"

struct pg_conn;

namespace fluxgate::pg {

// What a connection is opened with. Everything that decides how values look as text, and whose
// rights statements have, is a start-up option, so that RESET leads back to it.
struct ConnectSettings {
    std::string host;  // a name, an address, or a directory with a unix socket
    uint16_t port = 5432;
    std::string database;
    std::string ssl_mode;
    std::string user;
    loop::Secret password;
    std::string role;                           // empty: stay the login
    std::string application_name = "fluxgate";  // as pg_stat_activity shows it
    uint32_t statement_timeout_ms = 30'000;
    bool startup_options = true;  // false behind a pooler, which refuses them
};

// One thing that libpq has to say about the pipeline, in order.
struct Reply {
    enum class Kind : uint8_t {
        nothing,     // more bytes are needed
        end,         // the statement's results are complete
        rows,        // `result`
        done,        // a command without rows
        error,       // `error`; the rest of the segment will be `aborted`
        aborted,     // not run, because of an earlier error of the segment
        sync,        // the segment's transaction has ended
        unexpected,  // COPY and the like: nothing that our statements can cause
    };
    Kind kind = Kind::nothing;
    Result result;
    Error error;
};

class Connection {
public:
    // Resolves the host and begins to connect. Blocks in getaddrinfo. Null: out of memory.
    [[nodiscard]] static std::unique_ptr<Connection> start(const ConnectSettings& settings);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Connecting: poll fd() (it may change from step to step) for what the step asks, then step
    // again.
    enum class ConnectStep : uint8_t { wants_read, wants_write, established, failed };
    [[nodiscard]] ConnectStep connect_step();
    // Non-blocking, pipeline mode for life. False: this database can not be served; failure() says
    // why.
    [[nodiscard]] bool enter_pipeline();
    // Non-blocking, plain mode, for LISTEN.
    [[nodiscard]] bool enter_plain();
    // One line for the log: host, database and user may be in it, never a password.
    [[nodiscard]] std::string failure() const;

    [[nodiscard]] int fd() const;
    [[nodiscard]] bool is_broken() const;
    // Outside of any transaction, nothing queued. Known only when every reply was read.
    [[nodiscard]] bool is_idle() const;

    // Each appends to libpq's buffer; false: broken. Parameters are copied.
    [[nodiscard]] bool send_parse(const char* name, const char* sql,
                                  std::span<const uint32_t> types);
    [[nodiscard]] bool send_execute(const char* name, std::span<const Parameter> parameters);
    // Unprepared and without parameters, for DEALLOCATE and LISTEN.
    [[nodiscard]] bool send_command(const char* sql);
    // Ends a segment. libpq < 17 writes to the socket at once, where a cork holds it until flush();
    // later ones write with flush().
    [[nodiscard]] bool send_sync();
    // Makes the server send what it has, without ending the segment.
    [[nodiscard]] bool send_flush_request();

    enum class Flush : uint8_t { complete, pending, broken };
    [[nodiscard]] Flush flush();
    // Reads what the socket has. False: the connection is gone; replies may still be waiting.
    [[nodiscard]] bool consume_input();
    // How much the next consume_input() will take, about; it may come in faster than it is asked
    // for.
    [[nodiscard]] size_t bytes_waiting() const;
    // `nothing` also when the connection is broken and all that had arrived was handed out.
    [[nodiscard]] Reply next_reply();
    // The channel of the next NOTIFY that has arrived.
    [[nodiscard]] std::optional<std::string> next_notification();

    // What is needed to cancel the statement that runs now, from another thread, even when the
    // connection is gone by then.
    class CancelHandle {
    public:
        explicit CancelHandle(void* handle) : handle_(handle) {}
        ~CancelHandle();
        CancelHandle(const CancelHandle&) = delete;
        CancelHandle& operator=(const CancelHandle&) = delete;
        // Blocks until the server has signalled its backend. Whether that stopped anything is not
        // known.
        void send();

    private:
        void* handle_;  // libpq's PGcancel; null if there was none
    };
    [[nodiscard]] std::unique_ptr<CancelHandle> cancel_handle() const;

private:
    explicit Connection(pg_conn* connection) : connection_(connection) {}

    [[nodiscard]] bool set_cork(bool on);

    pg_conn* connection_;
    std::string refusal_;  // our own reason not to use it
    bool corks_ = false;   // TCP_CORK holds what libpq writes too early
};

}  // namespace fluxgate::pg
