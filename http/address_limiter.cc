#include "http/address_limiter.h"

#include <algorithm>

namespace fluxgate::http {
namespace {

constexpr std::chrono::seconds window{60};

}  // namespace

AddressLimiter::Entry& AddressLimiter::touch(uint64_t key) {
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
        entries_.splice(entries_.begin(), entries_, found->second);
        return entries_.front();
    }
    if (entries_.size() >= options_.addresses_max) {
        by_key_.erase(entries_.back().key);
        entries_.pop_back();
    }
    entries_.push_front({key, {}, {}});
    by_key_.emplace(key, entries_.begin());
    return entries_.front();
}

int AddressLimiter::begin_attempt(const loop::PeerAddress& address, uint64_t credential,
                                  loop::Instant now) {
    if (options_.failures_per_min == 0) return 0;
    const std::scoped_lock lock(mutex_);
    Entry& entry = touch(address.prefix_key());
    std::erase_if(entry.failures, [now](loop::Instant at) { return now - at >= window; });
    for (Pending& pending : entry.pending) {
        if (pending.credential != credential) continue;
        ++pending.attempts;
        return 0;
    }
    if (entry.failures.size() + entry.pending.size() >= options_.failures_per_min) {
        if (entry.failures.empty()) return 1;  // all chances are under way: they end soon
        const auto wait = entry.failures.front() + window - now;
        return std::max(1, static_cast<int>(std::chrono::ceil<std::chrono::seconds>(wait).count()));
    }
    entry.pending.push_back({credential, 1});
    return 0;
}

void AddressLimiter::end_attempt(const loop::PeerAddress& address, uint64_t credential,
                                 loop::Instant now, bool failed) {
    if (options_.failures_per_min == 0) return;
    const std::scoped_lock lock(mutex_);
    Entry& entry = touch(address.prefix_key());
    const auto pending = std::ranges::find(entry.pending, credential, &Pending::credential);
    // It is gone where the address was forgotten meanwhile.
    if (pending != entry.pending.end() && --pending->attempts == 0) entry.pending.erase(pending);
    if (!failed) return;
    if (entry.failures.size() >= options_.failures_per_min)
        entry.failures.erase(entry.failures.begin());
    entry.failures.push_back(now);
}

size_t AddressLimiter::addresses() const {
    const std::scoped_lock lock(mutex_);
    return entries_.size();
}

}  // namespace fluxgate::http
