// Keeps callers out until the start-up check has passed: what it finds may be a reason not to serve
// at all.
#pragma once

#include <atomic>

#include "http/exchange.h"

namespace fluxgate::app {

class StartGate final : public http::Filter {
public:
    explicit StartGate(const std::atomic<bool>& started) : started_(started) {}

    [[nodiscard]] http::Next on_head(http::Exchange& exchange) override {
        if (started_.load(std::memory_order_acquire)) return http::Next::proceed;
        http::Response response = http::error_response(503, "unavailable", "database unavailable");
        response.add("Retry-After", "1");
        exchange.respond(std::move(response));
        return http::Next::answered;
    }

private:
    const std::atomic<bool>& started_;
};

}  // namespace fluxgate::app
