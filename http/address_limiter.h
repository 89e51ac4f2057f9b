// Failed credentials per address: who guesses keys is refused before any look-up.
//
// An attempt that is under way counts as a failure until it has ended, so that forty guesses at
// once are not forty chances; attempts with the same credential count once, so that a client may
// open many connections with a new key. Shared by all loops, and asked only for credentials that no
// cache knows to be good: hence a mutex. Bounded; IPv6 counts by /64; starts over with the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "loop/clock.h"
#include "loop/peer_address.h"

namespace fluxgate::http {

class AddressLimiter {
public:
    struct Options {
        uint32_t failures_per_min = 20;  // in any 60 s; 0: no limit
        size_t addresses_max = 100'000;  // then the one that tried longest ago is forgotten
    };
    explicit AddressLimiter(const Options& options) : options_(options) {}
    AddressLimiter(const AddressLimiter&) = delete;
    AddressLimiter& operator=(const AddressLimiter&) = delete;

    // 0: the attempt is under way, until end_attempt(). Otherwise it is refused, and may come again
    // after so many seconds. `credential` is any hash of it.
    [[nodiscard]] int begin_attempt(const loop::PeerAddress& address, uint64_t credential,
                                    loop::Instant now);
    // Exactly once for each begin_attempt() that gave 0: the attempt counts as pending until then.
    void end_attempt(const loop::PeerAddress& address, uint64_t credential, loop::Instant now,
                     bool failed);
    [[nodiscard]] size_t addresses() const;

private:
    struct Pending {
        uint64_t credential;
        uint32_t attempts;
    };
    struct Entry {
        uint64_t key;
        std::vector<loop::Instant>
            failures;  // the last ones, at most failures_per_min, oldest first
        std::vector<Pending> pending;
    };

    Entry& touch(uint64_t key);

    Options options_;
    mutable std::mutex mutex_;
    std::list<Entry> entries_;  // the one that tried last is first
    std::unordered_map<uint64_t, std::list<Entry>::iterator> by_key_;
};

}  // namespace fluxgate::http
