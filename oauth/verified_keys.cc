#include "oauth/verified_keys.h"

#include <cstring>

namespace fluxgate::oauth {

size_t Sha256Hash::operator()(const loop::Sha256& digest) const noexcept {
    size_t hash;  // any 8 bytes of a SHA-256 are as good as another
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
}

bool VerifiedKeys::is_proven(const loop::Sha256& key, std::string_view bcrypt_hash) {
    const loop::Sha256 hash = loop::sha256(bcrypt_hash);
    const std::scoped_lock lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end() || found->second->hash != hash) return false;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return true;
}

void VerifiedKeys::add(const loop::Sha256& key, std::string_view bcrypt_hash) {
    const loop::Sha256 hash = loop::sha256(bcrypt_hash);
    const std::scoped_lock lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
        found->second->hash = hash;
        by_use_.splice(by_use_.begin(), by_use_, found->second);
        return;
    }
    if (by_use_.size() >= proofs_max) {
        by_key_.erase(by_use_.back().key);
        by_use_.pop_back();
    }
    by_use_.push_front({key, hash});
    by_key_.emplace(key, by_use_.begin());
}

}  // namespace fluxgate::oauth
