// Who may call how often.
//
//   RateLimit        a filter behind authentication: the caller's own limit, which its Principal
//   carries
//                    and which holds for the whole process.
//   AddressLimiter   failed credentials per address, asked before any look-up. One per core, so
//   with n
//                    cores an address that spreads its connections over all of them has n times the
//                    attempts: divide `failures_per_min` where that matters.
//
// Counting starts over with the process. Health routes do not have these filters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>

#include "http/exchange.h"
#include "loop/clock.h"
#include "loop/peer_address.h"
#include "loop/token_bucket.h"

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

class AddressLimiter {
public:
    struct Options {
        uint32_t failures_per_min = 20;  // and as many at once; 0: no limit
        size_t addresses_max = 100'000;  // then the one that failed longest ago is forgotten
    };
    explicit AddressLimiter(const Options& options) : options_(options) {}
    AddressLimiter() : AddressLimiter(Options{}) {}
    AddressLimiter(const AddressLimiter&) = delete;
    AddressLimiter& operator=(const AddressLimiter&) = delete;

    // 0: the address may try. Otherwise the seconds after which it may again. v6 counts by /64.
    [[nodiscard]] int retry_after_s(const loop::PeerAddress& address, loop::Instant now) const;
    void record_failure(const loop::PeerAddress& address, loop::Instant now);
    [[nodiscard]] size_t addresses() const { return entries_.size(); }

private:
    struct Entry {
        uint64_t key;
        loop::TokenBucket bucket;
    };

    Options options_;
    std::list<Entry> entries_;  // the one that failed last is first
    std::unordered_map<uint64_t, std::list<Entry>::iterator> by_key_;
};

}  // namespace fluxgate::http
