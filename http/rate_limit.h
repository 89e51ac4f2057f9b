// Who may call how often: the caller's own limit, which its Principal carries and which holds for
// the whole process. A filter behind authentication; health routes do not have it. Counting starts
// over with the process. Failed credentials are http/address_limiter's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "http/exchange.h"
#include "loop/sliding_limit.h"

namespace fluxgate::http {

// 429 {"error":"rate_limited",...} with Retry-After.
[[nodiscard]] Response rate_limited_response(Exchange& exchange, uint64_t retry_after_s,
                                             std::string_view message);

class RateLimit final : public Filter {
public:
    // Takes one call from the caller's limit. Without a principal, or where that has no limit,
    // proceeds.
    [[nodiscard]] Next on_head(Exchange& exchange) override;

    // For batches: takes `more` further calls. 0: taken. Otherwise they are refused, and may come
    // again after so many seconds; what was taken until then stays taken, so that a refused batch
    // is not free.
    [[nodiscard]] static int take(Exchange& exchange, size_t more);

    [[nodiscard]] uint64_t refused() const { return refused_; }

private:
    uint64_t refused_ = 0;
};

}  // namespace fluxgate::http
