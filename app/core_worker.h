// One core: everything that serves it, in the order in which it depends on each other, and its end.
//
// Made and run on the core's own thread. Between workers there is only `Shared` and the loops'
// mailboxes.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "app/config.h"
#include "app/conformance_caller.h"
#include "app/database_probe.h"
#include "app/hard_end.h"
#include "app/no_oauth.h"
#include "app/routes.h"
#include "app/start_gate.h"
#include "http/acceptor.h"
#include "http/access_log.h"
#include "http/address_limiter.h"
#include "http/health.h"
#include "http/host_filter.h"
#include "http/rate_limit.h"
#include "loop/blocking.h"
#include "loop/buf_ring.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/scope.h"
#include "loop/socket.h"
#include "oauth/bearer_filter.h"
#include "oauth/key_store.h"
#include "oauth/last_used.h"
#include "oauth/verified_keys.h"
#include "pg/pool.h"
#include "pg/schema_cache.h"
#include "rpc/dispatcher.h"
#include "rpc/prompt_registry.h"
#include "rpc/resource_registry.h"
#include "rpc/sessions.h"
#include "rpc/streamable_http.h"
#include "rpc/streamable_http_get.h"
#include "rpc/tool_registry.h"

namespace fluxgate::app {

// What all cores share. Outlives the workers.
struct Shared {
    Shared(const Config& with, uint32_t cores);

    const Config& config;
    std::optional<loop::BlockingPool> blocking;  // ends before the loops that it resumes
    loop::LoadTable loads;
    oauth::VerifiedKeys verified_keys;
    oauth::RateLimitRegistry rate_limits;
    http::AddressLimiter failures;
    http::AddressCount addresses;
    rpc::Sessions sessions;
    pg::SharedCatalog* catalog = nullptr;  // core 0's; set before the other workers are made
    std::atomic<bool> started{false};      // the start-up check has passed
    HardEnd hard_end;                      // armed by the first drain
};

// Told by each worker when its drain is over; its loop runs on until end().
class DrainObserver {
public:
    // All requests are answered; awaited before the lanes close.
    [[nodiscard]] virtual loop::Task<void> worker_draining(uint32_t core) = 0;
    virtual void worker_drained() = 0;

protected:
    ~DrainObserver() = default;
};

class Worker final : private http::ReadinessSource {
public:
    // Binds the port; accepts nothing yet. Tells what is wrong in words for the operator.
    [[nodiscard]] static std::expected<std::unique_ptr<Worker>, std::string> create(
        Shared& shared, loop::Loop& loop, DrainObserver& observer);
    ~Worker();  // never started, or after end() and the loop's last turn

    void start();
    // Answers what is in flight, at most drain_timeout, then tells the observer. Once.
    void begin_drain();
    // All workers have drained.
    void end() { loop_.stop(); }
    // Instead of waiting for the rest of a drain.
    void abort_all() {
        delay_.cancel();
        acceptor_->server().abort_all();
    }

    // A key table has changed / whether such changes are announced at all.
    void drop_keys() { keys_.drop_all(); }
    void set_announced(bool announced) { keys_.set_announced(announced); }
    // The schema has changed. On core 0, which loads for all.
    void schema_changed() { catalog_->invalidate(); }

    [[nodiscard]] loop::Loop& loop() { return loop_; }
    [[nodiscard]] pg::Pool& pool() { return pool_; }
    // Requests that the end of the drain cut off.
    [[nodiscard]] uint64_t aborted() const { return acceptor_->server().counts().aborted; }

private:
    Worker(Shared& shared, loop::Loop& loop, DrainObserver& observer,
           std::unique_ptr<loop::BufRing> buffers);
    [[nodiscard]] loop::Result<void> open();
    [[nodiscard]] loop::Task<void> drain();
    [[nodiscard]] http::Readiness readiness() override;

    Shared& shared_;
    loop::Loop& loop_;
    DrainObserver& observer_;
    loop::Scope scope_;
    loop::Scope delay_;  // of the drain's begin

    std::unique_ptr<loop::BufRing> buffers_;
    loop::SocketContext sockets_;
    pg::Pool pool_;
    DatabaseProbe probe_;
    std::unique_ptr<pg::SharedCatalog> catalog_;  // on core 0
    std::unique_ptr<pg::SchemaCache> schemas_;

    oauth::LastUsed last_used_;
    oauth::KeyStore keys_;

    rpc::ToolRegistry tools_;
    rpc::ResourceRegistry resources_;
    rpc::PromptRegistry prompts_;
    rpc::Dispatcher dispatcher_;
    rpc::StreamableHttp mcp_;
    rpc::StreamableHttpGet mcp_get_;
    rpc::StreamableHttpDelete mcp_delete_;

    http::HostFilter hosts_;
    StartGate start_gate_;
    oauth::BearerFilter bearer_;
    ConformanceCaller conformance_caller_;
    http::RateLimit rate_limit_;
    http::HealthHandler health_;
    http::HealthHandler live_;
    http::ReadyHandler ready_;
    NoOauthHandler no_oauth_;
    http::Router router_;

    http::AccessLog access_log_;
    std::unique_ptr<http::Acceptor> acceptor_;
    bool draining_ = false;
};

}  // namespace fluxgate::app
