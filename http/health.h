// Probes without credentials: GET /mcp/health, /livez and /readyz.
//
//   health, livez   200 while the loop turns: that this answers is the proof.
//   readyz          200 where calls can be served, else 503: starting, draining, no database.
#pragma once

#include <cstdint>

#include "http/exchange.h"

namespace fluxgate::http {

enum class Readiness : uint8_t { ready, starting, draining, no_database };

// Who knows whether calls can be served; asked on each /readyz, on the loop's thread.
class ReadinessSource {
public:
    [[nodiscard]] virtual Readiness readiness() = 0;

protected:
    ~ReadinessSource() = default;
};

// {"status":"healthy"}, and for livez {"status":"alive"}.
class HealthHandler final : public Handler {
public:
    enum class Kind : uint8_t { health, live };
    explicit HealthHandler(Kind kind);
    void on_request(Exchange& exchange) override;

private:
    PrebuiltResponse response_;
};

// {"status":"ready"}, or 503 {"status":"<why not>"} with Retry-After: 1.
class ReadyHandler final : public Handler {
public:
    // `source` outlives this.
    explicit ReadyHandler(ReadinessSource* source);
    void on_request(Exchange& exchange) override;

private:
    ReadinessSource* source_;
    PrebuiltResponse ready_;
};

}  // namespace fluxgate::http
