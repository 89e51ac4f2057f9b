// Proofs that a key matches a bcrypt hash, shared by all loops of the process.
//
// bcrypt costs 50 to 70 ms. That a given key (by its SHA-256) fits a given hash stays true for
// ever, so it is proven once; whether the key may still be used is asked of the database each time
// a cache entry runs out. Asked on a cache miss only, hence a mutex. Holds no key: SHA-256 of the
// key and of the hash.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "loop/crypto.h"

namespace fluxgate::oauth {

struct Sha256Hash {
    size_t operator()(const loop::Sha256& digest) const noexcept;
};

class VerifiedKeys {
public:
    static constexpr size_t proofs_max = 10'000;  // least recently used goes first

    [[nodiscard]] bool is_proven(const loop::Sha256& key, std::string_view bcrypt_hash);
    void add(const loop::Sha256& key, std::string_view bcrypt_hash);

private:
    struct Proof {
        loop::Sha256 key;
        loop::Sha256 hash;
    };
    std::mutex mutex_;
    std::list<Proof> by_use_;  // most recent first
    std::unordered_map<loop::Sha256, std::list<Proof>::iterator, Sha256Hash> by_key_;
};

}  // namespace fluxgate::oauth
