#include "pg/connection.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace fluxgate::pg {
namespace {

constexpr size_t addresses_max = 8;  // of one host name
constexpr size_t parameters_on_stack = 32;

// libpq 17's PQsendPipelineSync leaves the flush to us: one write for all segments of a turn.
// Looked up once, because the program is built against whatever libpq the system has.
using SendSync = int (*)(PGconn*);
SendSync find_send_sync() {
    void* symbol = dlsym(RTLD_DEFAULT, "PQsendPipelineSync");
    return symbol == nullptr ? &PQpipelineSync : reinterpret_cast<SendSync>(symbol);
}
const SendSync send_pipeline_sync = find_send_sync();

struct Addresses {
    std::string hosts;      // the name once for each address, as libpq wants it
    std::string hostaddrs;  // "10.0.0.1,::1"
};

// Empty when the name does not resolve: libpq then tries itself and words the failure.
Addresses resolve(const std::string& host) {
    Addresses found;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return found;
    size_t count = 0;
    for (addrinfo* at = list; at != nullptr && count < addresses_max; at = at->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        if (getnameinfo(at->ai_addr, at->ai_addrlen, text.data(), text.size(), nullptr, 0,
                        NI_NUMERICHOST) != 0) {
            continue;
        }
        if (count++ != 0) {
            found.hosts.push_back(',');
            found.hostaddrs.push_back(',');
        }
        found.hosts.append(host);
        found.hostaddrs.append(text.data());
    }
    freeaddrinfo(list);
    return found;
}

// `-c name=value`; blanks and backslashes in a value are escaped as the server's splitter wants it.
void add_option(std::string& options, std::string_view name, std::string_view value) {
    options.append(options.empty() ? "-c " : " -c ").append(name).push_back('=');
    for (char byte : value) {
        if (byte == ' ' || byte == '\\') options.push_back('\\');
        options.push_back(byte);
    }
}

std::string startup_options(const ConnectSettings& settings) {
    std::string options;
    if (!settings.startup_options) return options;
    if (!settings.role.empty()) add_option(options, "role", settings.role);
    // Not search_path: our SQL qualifies every name, but a function that a policy or trigger calls
    // may rely on the path that its author had.
    add_option(options, "statement_timeout", std::to_string(settings.statement_timeout_ms));
    add_option(options, "DateStyle", "ISO");
    add_option(options, "IntervalStyle", "iso_8601");
    add_option(options, "TimeZone", "UTC");
    add_option(options, "extra_float_digits", "1");
    add_option(options, "bytea_output", "hex");
    return options;
}

void drop_notice(void*, const PGresult*) {
}

std::string field(const PGresult* result, int code) {
    const char* text = PQresultErrorField(result, code);
    return text == nullptr ? std::string() : std::string(text);
}

// CONTEXT of a failed Bind says "... parameter $3" in every language of the server.
int parameter_of(const PGresult* result) {
    const char* context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    const char* dollar = context == nullptr ? nullptr : std::strchr(context, '$');
    if (dollar == nullptr) return 0;
    int number = 0;
    for (const char* at = dollar + 1; *at >= '0' && *at <= '9' && number < 65'536; ++at)
        number = number * 10 + (*at - '0');
    return number <= 65'535 ? number : 0;
}

Error error_of(const PGresult* result) {
    Error error;
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state == nullptr) {  // libpq's own: the connection is gone
        error.kind = ErrorKind::unavailable;
        return error;
    }
    std::strncpy(error.sqlstate.data(), state, error.sqlstate.size() - 1);
    error.kind = kind_of_sqlstate(error.state());
    if (error.kind == ErrorKind::conflict) {
        error.constraint = field(result, PG_DIAG_CONSTRAINT_NAME);
        error.column = field(result, PG_DIAG_COLUMN_NAME);
    }
    if (error.kind == ErrorKind::invalid_value) error.parameter = parameter_of(result);
    const char* position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    if (position != nullptr) error.position = std::atoi(position);
    return error;
}

}  // namespace

std::unique_ptr<Connection> Connection::start(const ConnectSettings& settings) {
    const bool is_socket = settings.host.starts_with('/');
    Addresses addresses = is_socket ? Addresses() : resolve(settings.host);
    const std::string& host = addresses.hosts.empty() ? settings.host : addresses.hosts;
    std::string port = std::to_string(settings.port);
    std::string options = startup_options(settings);
    std::string password(settings.password.reveal());
    const std::array<std::array<const char*, 2>, 17> pairs = {{
        {"host", host.c_str()},
        {"hostaddr", addresses.hostaddrs.c_str()},
        {"port", port.c_str()},
        {"dbname", settings.database.c_str()},
        {"user", settings.user.c_str()},
        {"password", password.c_str()},
        {"sslmode", settings.ssl_mode.c_str()},
        {"gssencmode", "disable"},  // would cost a round trip and a Kerberos library call
        {"options", options.c_str()},
        {"application_name", settings.application_name.c_str()},
        {"client_encoding", "UTF8"},
        {"tcp_user_timeout", "10000"},  // ms until unacknowledged bytes end the connection
        {"keepalives", "1"},
        {"keepalives_idle", "10"},
        {"keepalives_interval", "3"},
        {"keepalives_count", "3"},
        {nullptr, nullptr},
    }};
    std::array<const char*, 17> keywords{};
    std::array<const char*, 17> values{};
    for (size_t at = 0; at < pairs.size(); ++at) {
        keywords[at] = pairs[at][0];
        values[at] = pairs[at][1];
    }
    PGconn* connection = PQconnectStartParams(keywords.data(), values.data(), 0);
    explicit_bzero(password.data(), password.size());
    if (connection == nullptr) return nullptr;
    PQsetNoticeReceiver(connection, drop_notice, nullptr);
    return std::unique_ptr<Connection>(new Connection(connection));
}

Connection::~Connection() {
    PQfinish(connection_);
}

Connection::ConnectStep Connection::connect_step() {
    if (PQstatus(connection_) == CONNECTION_BAD) return ConnectStep::failed;
    switch (PQconnectPoll(connection_)) {
        case PGRES_POLLING_READING:
            return ConnectStep::wants_read;
        case PGRES_POLLING_WRITING:
            return ConnectStep::wants_write;
        case PGRES_POLLING_OK:
            return ConnectStep::established;
        default:
            return ConnectStep::failed;
    }
}

bool Connection::enter_plain() {
    const char* encoding = PQparameterStatus(connection_, "server_encoding");
    if (encoding != nullptr && std::strcmp(encoding, "SQL_ASCII") == 0) {
        // Nothing would convert or check its bytes, and our answers must be UTF-8.
        refusal_ = "the database's encoding is SQL_ASCII; fluxgate needs one that converts to UTF8";
        return false;
    }
    return PQsetnonblocking(connection_, 1) == 0;
}

bool Connection::enter_pipeline() {
    if (!enter_plain() || PQenterPipelineMode(connection_) != 1) return false;
    // A unix socket has no cork: there each Sync is a write of its own.
    corks_ = send_pipeline_sync == &PQpipelineSync && set_cork(true);
    return true;
}

// tcp(7): what is written under a cork goes out in full packets only, until the cork is drawn.
bool Connection::set_cork(bool on) {
    const int value = on ? 1 : 0;
    return setsockopt(fd(), IPPROTO_TCP, TCP_CORK, &value, sizeof(value)) == 0;
}

std::string Connection::failure() const {
    if (!refusal_.empty()) return refusal_;
    std::string text = PQerrorMessage(connection_);
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text;
}

int Connection::fd() const {
    return PQsocket(connection_);
}

bool Connection::is_broken() const {
    return PQstatus(connection_) != CONNECTION_OK;
}

bool Connection::is_idle() const {
    return PQtransactionStatus(connection_) == PQTRANS_IDLE;
}

bool Connection::send_parse(const char* name, const char* sql, std::span<const uint32_t> types) {
    static_assert(sizeof(Oid) == sizeof(uint32_t));
    return PQsendPrepare(connection_, name, sql, static_cast<int>(types.size()), types.data()) == 1;
}

bool Connection::send_execute(const char* name, std::span<const Parameter> parameters) {
    struct Arrays {
        const char** values;
        int* lengths;
        int* formats;
    };
    std::array<const char*, parameters_on_stack> values;
    std::array<int, parameters_on_stack> lengths;
    std::array<int, parameters_on_stack> formats;
    std::vector<const char*> more_values;
    std::vector<int> more_numbers;
    Arrays arrays{values.data(), lengths.data(), formats.data()};
    if (parameters.size() > parameters_on_stack) {
        more_values.resize(parameters.size());
        more_numbers.resize(parameters.size() * 2);
        arrays = {more_values.data(), more_numbers.data(), more_numbers.data() + parameters.size()};
    }
    for (size_t at = 0; at < parameters.size(); ++at) {
        const Parameter& parameter = parameters[at];
        // A null pointer would mean NULL, and an empty view may have one.
        arrays.values[at] = parameter.is_null                   ? nullptr
                            : parameter.bytes.data() == nullptr ? ""
                                                                : parameter.bytes.data();
        arrays.lengths[at] = static_cast<int>(parameter.bytes.size());
        arrays.formats[at] = parameter.is_binary ? 1 : 0;
    }
    return PQsendQueryPrepared(connection_, name, static_cast<int>(parameters.size()),
                               arrays.values, arrays.lengths, arrays.formats, 0) == 1;
}

bool Connection::send_command(const char* sql) {
    return PQsendQueryParams(connection_, sql, 0, nullptr, nullptr, nullptr, nullptr, 0) == 1;
}

bool Connection::send_sync() {
    return send_pipeline_sync(connection_) == 1;
}

bool Connection::send_flush_request() {
    return PQsendFlushRequest(connection_) == 1;
}

Connection::Flush Connection::flush() {
    const int left = PQflush(connection_);
    // Should a call fail, the socket is dead, and the poll says so.
    if (corks_) corks_ = set_cork(false) && set_cork(true);
    switch (left) {
        case 0:
            return Flush::complete;
        case 1:
            return Flush::pending;
        default:
            return Flush::broken;
    }
}

bool Connection::consume_input() {
    return PQconsumeInput(connection_) == 1;
}

size_t Connection::bytes_waiting() const {
    int bytes = 0;
    return ioctl(fd(), FIONREAD, &bytes) == 0 && bytes > 0 ? static_cast<size_t>(bytes) : 0;
}

Reply Connection::next_reply() {
    Reply reply;
    if (PQisBusy(connection_) != 0) return reply;
    PGresult* raw = PQgetResult(connection_);
    if (raw == nullptr) {
        reply.kind = Reply::Kind::end;
        return reply;
    }
    reply.result = Result(raw);
    switch (PQresultStatus(raw)) {
        case PGRES_TUPLES_OK:
            reply.kind = Reply::Kind::rows;
            break;
        case PGRES_COMMAND_OK:
            reply.kind = Reply::Kind::done;
            break;
        case PGRES_PIPELINE_SYNC:
            reply.kind = Reply::Kind::sync;
            break;
        case PGRES_PIPELINE_ABORTED:
            reply.kind = Reply::Kind::aborted;
            break;
        case PGRES_FATAL_ERROR:
            reply.kind = Reply::Kind::error;
            reply.error = error_of(raw);
            break;
        default:
            reply.kind = Reply::Kind::unexpected;
            break;
    }
    return reply;
}

std::optional<std::string> Connection::next_notification() {
    PGnotify* notify = PQnotifies(connection_);
    if (notify == nullptr) return std::nullopt;
    std::string channel(notify->relname);
    PQfreemem(notify);
    return channel;
}

std::unique_ptr<Connection::CancelHandle> Connection::cancel_handle() const {
    return std::make_unique<CancelHandle>(PQgetCancel(connection_));
}

Connection::CancelHandle::~CancelHandle() {
    PQfreeCancel(static_cast<PGcancel*>(handle_));
}

void Connection::CancelHandle::send() {
    std::array<char, 256> why{};
    // A failure leaves the statement to its statement_timeout, which is what would end it
    // otherwise.
    if (handle_ != nullptr)
        PQcancel(static_cast<PGcancel*>(handle_), why.data(), static_cast<int>(why.size()));
}

}  // namespace fluxgate::pg
