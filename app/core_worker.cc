#include "app/core_worker.h"

#include <span>
#include <system_error>

#include "app/config_options.h"
#include "app/config_rules.h"
#include "app/signing_key.h"
#include "app/system_limits.h"
#include "app/tool_set.h"
#include "app/version.h"
#include "loop/log.h"
#include "loop/random.h"
#include "loop/sleep.h"
#include "pg/catalog_diff.h"
#include "tools/table_json.h"
#include "tools/table_name.h"

namespace fluxgate::app {
namespace {

constexpr std::string_view instructions =
    "Answers from a PostgreSQL database under the caller's Row Level Security: you see the rows "
    "that your key "
    "may see. query_table reads a table or view: name columns in `select`, conditions in `filter` "
    "as "
    "{\"column\": \"operator.value\"}, sort with `order`, page with `limit` and `offset`. An error "
    "says what was "
    "wrong and what would be right; names are case-sensitive.";

// Of clients that show one: a gate with a current through it, as SVG.
constexpr std::string_view icons =
    R"([{"src":"data:image/svg+xml;base64,PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvM)"
    R"(jAwMC9zdmcnIHZpZXdCb3g9JzAgMCAyNCAyNCcgZmlsbD0nbm9uZScgc3Ryb2tlPScjMzM2NzkxJ)"
    R"(yBzdHJva2Utd2lkdGg9JzInPjxwYXRoIGQ9J000IDN2MThNMjAgM3YxOE00IDdoMTZNNyAxNGgxM)"
    R"(E0xNCAxMWwzIDMtMyAzJy8+PC9zdmc+","mimeType":"image/svg+xml","sizes":["any"]})"
    R"(])";

rpc::Dispatcher::Options dispatcher_options(const Config& config) {
    // Beside the statement: the queue, a second try, a look at the schema.
    static constexpr uint32_t around_statement_ms = 30'000;
    rpc::Dispatcher::Options options;
    options.calls.call_timeout_ms =
        to_pool_options(config).statement_timeout_ms + around_statement_ms;
    options.server.version = version();
    options.server.icons = icons;
    options.instructions = instructions;
    return options;
}

// Checked when the configuration was loaded.
ListenAddress listen_address(const Config& config) {
    auto address = parse_listen_address(config.gateway.server.address);
    FLUX_CHECK(address.has_value());
    return *address;
}

// For the end of a drain, when nobody waits for an answer any more: key uses, lanes.
constexpr uint32_t closing_ms = 2'000;

// The share of the process's file descriptors that one core's connections may take.
uint32_t connections_max(uint32_t cores) {
    static constexpr uint32_t reserve =
        512;  // PostgreSQL, rings, logs, what a core needs for a moment
    const uint32_t limit = raise_descriptor_limit();
    const uint32_t usable = limit > 2 * reserve ? limit - reserve : limit / 2;
    return std::max(1u, usable / 10 * 9 / cores);
}

int64_t seconds_of(Milliseconds duration) {
    return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

http::Filter* caller_filter(http::Filter& filter) {
    return &filter;
}

// As UpdatedResource has them.
uint8_t readers_of(const pg::Catalog& catalog, const pg::TableName& name) {
    const pg::Table* table = catalog.find_table(name.schema, name.name);
    uint8_t readers = 0;
    for (const http::Role role :
         {http::Role::anon, http::Role::authenticated, http::Role::service_role}) {
        if (table != nullptr && tools::is_readable(catalog, *table, role))
            readers |= rpc::UpdatedResource::bit(role);
    }
    return readers;
}

// Whoever has a copy of the schema hears that it is old.
void announce_changes(rpc::EventStreams& streams, const pg::Catalog& before, const pg::Catalog& now,
                      const std::vector<pg::TableName>& changed) {
    if (changed.empty()) return;
    rpc::ListChanges changes;
    changes.tools = true;
    changes.resources = true;
    rpc::UpdatedResource all{.uri = std::string(tools::schema_uri), .readers = 0};
    for (const pg::TableName& table : changed) {
        const uint8_t readers = readers_of(before, table) | readers_of(now, table);
        all.readers |= readers;
        changes.updated.push_back(
            {.uri = tools::table_uri(table.schema, table.name), .readers = readers});
    }
    changes.readers = all.readers;
    changes.updated.push_back(std::move(all));
    streams.publish(changes);
    loop::log::info("schema_changed", {{"tables", changed.size()}});
}

// Core 0 loads the catalogue for all.
std::unique_ptr<pg::SharedCatalog> make_catalog(Shared& shared, loop::Loop& loop, pg::Pool& pool) {
    if (loop.core() != 0) return nullptr;
    pg::SchemaCacheOptions options;
    options.refresh_every = shared.config.gateway.database.schema_refresh;
    options.loaded = [&shared](const pg::Catalog& before, const pg::Catalog& now,
                               const std::vector<pg::TableName>& changed) {
        announce_changes(shared.sessions.streams, before, now, changed);
    };
    auto catalog = std::make_unique<pg::SharedCatalog>(&loop, &pool, options);
    shared.catalog = catalog.get();
    return catalog;
}

rpc::Sessions::Options session_options(const Config& config) {
    loop::SystemEntropy entropy;
    rpc::ProcessMark mark{};
    entropy.fill(std::as_writable_bytes(std::span(mark)));
    return {.key = signing_key(config, entropy),
            .timeout_s = seconds_of(config.mcp.session_timeout),
            .mark = mark};
}

}  // namespace

Shared::Shared(const Config& with, uint32_t cores)
    : config(with),
      blocking(std::in_place, loop::BlockingPool::Options{}),
      loads(cores),
      failures({.failures_per_min = with.gateway.keys.failures_per_min}),
      sessions(session_options(with), cores) {
}

std::expected<std::unique_ptr<Worker>, std::string> Worker::create(Shared& shared, loop::Loop& loop,
                                                                   DrainObserver& observer) {
    auto buffers = loop::BufRing::create(loop, {});
    if (!buffers)
        return std::unexpected(std::string("no receive buffers: ") + buffers.error().what);
    std::unique_ptr<Worker> worker(new Worker(shared, loop, observer, std::move(*buffers)));
    if (auto opened = worker->open(); !opened) {
        return std::unexpected("can not listen on " + shared.config.gateway.server.address + ": " +
                               std::generic_category().message(opened.error().os_errno));
    }
    return worker;
}

Worker::Worker(Shared& shared, loop::Loop& loop, DrainObserver& observer,
               std::unique_ptr<loop::BufRing> buffers)
    : shared_(shared),
      loop_(loop),
      observer_(observer),
      scope_(&loop),
      delay_(&loop),
      buffers_(std::move(buffers)),
      sockets_(loop, *buffers_),
      pool_(&loop, &*shared.blocking, to_pool_options(shared.config)),
      probe_(&scope_, &pool_),
      catalog_(make_catalog(shared, loop, pool_)),
      schemas_(shared.catalog->make_view(&loop)),
      last_used_(&loop, &pool_),
      keys_({&loop, &pool_, &*shared.blocking, &shared.verified_keys, &shared.rate_limits,
             &last_used_},
            to_key_store_options(shared.config)),
      tools_(make_tools(shared.config, &pool_, schemas_.get(), &shared.sessions.streams)),
      resources_(make_resources(shared.config, &pool_, schemas_.get())),
      prompts_(make_prompts(shared.config, &pool_, schemas_.get())),
      dispatcher_(dispatcher_options(shared.config),
                  {.tools = &tools_, .resources = &resources_, .prompts = &prompts_},
                  &shared.sessions.signer, &shared.sessions.states),
      mcp_({.message_bytes_max = shared.config.mcp.max_message_size, .resource_metadata_url = {}},
           &dispatcher_, &shared.sessions),
      mcp_get_(&shared.sessions),
      mcp_delete_({.session_timeout_s = seconds_of(shared.config.mcp.session_timeout)},
                  &shared.sessions),
      hosts_(to_host_options(shared.config)),
      start_gate_(shared.started),
      bearer_(&loop, &keys_, &shared.failures, {}),
      health_(http::HealthHandler::Kind::health),
      live_(http::HealthHandler::Kind::live),
      ready_(this),
      access_log_(loop) {
    shared.sessions.attach(&loop);
}

Worker::~Worker() {
    if (catalog_) shared_.catalog = nullptr;
}

loop::Result<void> Worker::open() {
    add_routes(router_,
               {.mcp = &mcp_,
                .mcp_get = &mcp_get_,
                .mcp_delete = &mcp_delete_,
                .health = &health_,
                .live = &live_,
                .ready = &ready_,
                .no_oauth = &no_oauth_,
                .hosts = &hosts_,
                .start_gate = &start_gate_,
                .bearer = shared_.config.conformance ? caller_filter(conformance_caller_)
                                                     : caller_filter(bearer_),
                .rate_limit = &rate_limit_},
               shared_.config);
    const ListenAddress address = listen_address(shared_.config);
    const uint32_t most = connections_max(shared_.loads.cores());
    loop::ListenerOptions listen;
    listen.address = address.host;
    listen.port = address.port;
    // Beyond what is served the server tells some that it is full, which takes a connection each.
    listen.connections_max = most + http::Server::Options().refused_connections_max;
    http::Server::Options server;
    server.limits = to_http_limits(shared_.config);
    // What comes after the connections have ended takes its time too, and drain_timeout is for all
    // of it.
    server.limits.drain_timeout_ms -= std::min(closing_ms, server.limits.drain_timeout_ms / 2);
    server.connections_max = most;
    server.addresses = &shared_.addresses;
    http::RequestObserver* log = shared_.config.gateway.log.access_log ? &access_log_ : nullptr;
    auto acceptor = http::Acceptor::open(sockets_, listen, &shared_.loads, server, router_, log);
    if (!acceptor) return std::unexpected(acceptor.error());
    acceptor_ = std::move(*acceptor);
    return {};
}

void Worker::start() {
    if (!shared_.config.conformance) {
        if (loop_.core() == 0) {
            warn_of_unknown_tools(tools_);
            warn_of_unknown_resources(resources_);
        }
        pool_.warm_up();
        if (catalog_) catalog_->start();
    }
    acceptor_->start();
}

http::Readiness Worker::readiness() {
    if (draining_) return http::Readiness::draining;
    if (!shared_.started.load(std::memory_order_acquire)) return http::Readiness::starting;
    if (shared_.config.conformance) return http::Readiness::ready;
    if (!pool_.is_available() || !probe_.answers()) return http::Readiness::no_database;
    return schemas_->current() == nullptr ? http::Readiness::starting : http::Readiness::ready;
}

void Worker::begin_drain() {
    if (std::exchange(draining_, true)) return;
    const auto& server = shared_.config.gateway.server;
    shared_.hard_end.arm(server.drain_delay + server.drain_timeout);
    scope_.spawn("drain", drain());
}

loop::Task<void> Worker::drain() {
    shared_.sessions.streams.close();
    auto delayed = co_await loop::sleep_for(delay_, shared_.config.gateway.server.drain_delay);
    loop::ignore(delayed, "cancelled: it shall end at once");
    co_await acceptor_->stop();
    // Half of closing_ms from here on for them, the other half for the lanes.
    const loop::Deadline uses_written =
        loop::Deadline::after(loop_.now(), std::chrono::milliseconds(closing_ms / 2));
    co_await observer_.worker_draining(loop_.core());
    co_await keys_.close();
    co_await last_used_.close(uses_written);
    if (catalog_) co_await catalog_->close();
    co_await pool_.close(
        loop::Deadline::after(loop_.now(), std::chrono::milliseconds(closing_ms / 2)));
    observer_.worker_drained();
}

}  // namespace fluxgate::app
