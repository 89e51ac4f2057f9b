// A blocking connection for the commands (bootstrap, servicekeys, clientkeys). Never used by the
// server, whose loops must not wait. Not thread-safe.
//
// Errors carry PostgreSQL's own message: the reader is the operator, who wrote the statement's
// input.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "loop/secret.h"
#include "pg/result.h"

struct pg_conn;  // libpq's PGconn

namespace fluxgate::pg {

struct AdminOptions {
    std::string host;  // empty fields are left to libpq: PGHOST, PGUSER, .pgpass, a service file
    uint16_t port = 0;
    std::string database;
    std::string user;
    loop::Secret password;
    std::string ssl_mode;
    std::string url;  // if not empty, the only one that counts; must not hold a password
    uint32_t connect_timeout_s = 10;
};

struct AdminError {
    std::string sqlstate;  // empty: the connection, not a statement
    std::string message;   // one line
};

class AdminConnection {
public:
    using Parameter = std::optional<std::string>;  // nothing: NULL; no NUL byte inside

    [[nodiscard]] static std::expected<AdminConnection, AdminError> connect(
        const AdminOptions& options);
    ~AdminConnection();
    AdminConnection(AdminConnection&& other) noexcept;
    AdminConnection& operator=(AdminConnection&& other) noexcept;
    AdminConnection(const AdminConnection&) = delete;
    AdminConnection& operator=(const AdminConnection&) = delete;

    // Several statements, simple protocol. Stops at the first that fails.
    [[nodiscard]] std::expected<void, AdminError> run(std::string_view script);
    // One statement with $1… in text format.
    [[nodiscard]] std::expected<Result, AdminError> query(
        std::string_view sql, std::span<const Parameter> parameters = {});
    // What a server stores for `password`, made here, so that the password itself never crosses the
    // network nor reaches the server's log.
    [[nodiscard]] std::expected<std::string, AdminError> encrypt_password(
        const std::string& role, const loop::Secret& password);

    [[nodiscard]] std::string user() const;
    [[nodiscard]] std::string database() const;

private:
    explicit AdminConnection(pg_conn* connection) : connection_(connection) {}
    [[nodiscard]] AdminError connection_error() const;

    pg_conn* connection_ = nullptr;
};

}  // namespace fluxgate::pg
