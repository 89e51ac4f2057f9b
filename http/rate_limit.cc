#include "http/rate_limit.h"

#include <algorithm>
#include <limits>

#include "http/text.h"

namespace fluxgate::http {
namespace {

int whole_seconds(uint64_t seconds) {
    return static_cast<int>(std::clamp<uint64_t>(seconds, 1, std::numeric_limits<int>::max()));
}

}  // namespace

Response rate_limited_response(Exchange& exchange, uint64_t retry_after_s,
                               std::string_view message) {
    Response response = error_response(429, "rate_limited", message);
    response.add("Retry-After", exchange.arena().copy(Decimal(retry_after_s).text()));
    return response;
}

Next RateLimit::on_head(Exchange& exchange) {
    const int wait_s = take(exchange, 1);
    if (wait_s == 0) return Next::proceed;
    ++refused_;
    exchange.respond(
        rate_limited_response(exchange, static_cast<uint64_t>(wait_s), "rate limit exceeded"));
    return Next::answered;
}

int RateLimit::take(Exchange& exchange, size_t more) {
    const Principal* principal = exchange.principal().get();
    if (principal == nullptr || principal->rate_limit == nullptr) return 0;
    const loop::Instant now = exchange.loop().now();
    for (size_t taken = 0; taken < more; ++taken) {
        if (!principal->rate_limit->try_take(now)) {
            return whole_seconds(principal->rate_limit->retry_after_seconds(now));
        }
    }
    return 0;
}

}  // namespace fluxgate::http
