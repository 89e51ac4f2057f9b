// Open connections per address (IPv6 by /64), of all loops together. Asked when a connection begins
// and ends, never for a request: hence a mutex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "loop/check.h"

namespace fluxgate::http {

class AddressCount {
public:
    // False, and nothing changes, when `key` has `most` connections.
    [[nodiscard]] bool try_add(uint64_t key, size_t most) {
        const std::scoped_lock lock(mutex_);
        size_t& count = by_key_[key];
        if (count >= most) return false;
        ++count;
        return true;
    }
    void remove(uint64_t key) {
        const std::scoped_lock lock(mutex_);
        const auto found = by_key_.find(key);
        FLUX_CHECK(found != by_key_.end());
        if (--found->second == 0) by_key_.erase(found);
    }

private:
    std::mutex mutex_;
    std::unordered_map<uint64_t, size_t> by_key_;  // no entry is zero
};

}  // namespace fluxgate::http
