// Credential -> Principal, for one loop: a cache by SHA-256 in front of one pipelined look-up.
//
// A hit is one hash and one probe. A miss asks PostgreSQL once, whoever else waits for the same key
// (single flight), and proves a service key by bcrypt on the blocking pool, once for the process
// (verified_keys). Entries live `cache_ttl` while changes are announced (NOTIFY -> drop_all()), and
// `unannounced_ttl` while they are not, so that a revoked key is dead within a second either way;
// never past the key's own expiry. Refusals are cached for `refusal_ttl`. Keys themselves are not
// kept.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "http/principal.h"
#include "loop/blocking.h"
#include "loop/crypto.h"
#include "loop/failure_count.h"
#include "loop/intrusive_list.h"
#include "loop/loop.h"
#include "loop/scope.h"
#include "loop/secret.h"
#include "oauth/credential.h"
#include "oauth/key_rules.h"
#include "oauth/last_used.h"
#include "oauth/verified_keys.h"
#include "pg/pool.h"

namespace fluxgate::oauth {

struct KeyStoreOptions {
    std::chrono::seconds cache_ttl{60};
    std::chrono::milliseconds unannounced_ttl{1'000};
    std::chrono::seconds refusal_ttl{10};
    std::chrono::seconds lookup_timeout{5};
    size_t entries_max = 10'000;        // then the cache starts over
    uint32_t rate_limit_per_min = 100;  // 0: none
    // FLUXBASE_AUTH_ALLOW_USER_CLIENT_KEYS; unset: app.settings decides where it can be read.
    std::optional<bool> allow_user_client_keys;
};

// Why there is no principal: the key is no good, or nobody could tell.
struct KeyFailure {
    std::optional<Refusal> refusal;  // nothing: the database or the bcrypt queue was not available
    int retry_after_s = 0;
};
using KeyOutcome = std::expected<http::PrincipalPtr, KeyFailure>;

// What a key is looked at for. Only a use counts for last_used_at.
enum class KeyPurpose : uint8_t {
    use,    // to let a request in
    check,  // whether one that was let in may go on
};

// Rate limits by key, shared by all loops, so that the limit holds for the process.
class RateLimitRegistry {
public:
    static constexpr size_t limits_max = 100'000;  // then those that nobody holds are dropped

    // Null where `per_min` is 0.
    [[nodiscard]] std::shared_ptr<loop::SlidingLimit> find_or_create(const std::string& key,
                                                                     uint32_t per_min);

private:
    std::mutex mutex_;
    std::unordered_map<std::string, std::shared_ptr<loop::SlidingLimit>> limits_;
};

class KeyStore {
public:
    // Everything given outlives the store; `verified` and `rate_limits` are the process's.
    struct Parts {
        loop::Loop* loop;
        pg::Pool* pool;
        loop::BlockingPool* blocking;
        VerifiedKeys* verified;
        RateLimitRegistry* rate_limits;
        LastUsed* last_used;
    };
    KeyStore(const Parts& parts, const KeyStoreOptions& options);
    ~KeyStore();  // after close() was awaited

    // The cached verdict, if there is one; also notes the use. No system call, no allocation.
    [[nodiscard]] const KeyOutcome* find(const loop::Sha256& digest,
                                         KeyPurpose purpose = KeyPurpose::use);
    // Suspends. The credential's text need not outlive the first suspension; a copy of it is wiped.
    // Cancelling `scope` leaves the look-up running for the others that wait.
    [[nodiscard]] loop::Task<KeyOutcome> resolve(loop::Scope* scope, Credential credential,
                                                 loop::Sha256 digest,
                                                 KeyPurpose purpose = KeyPurpose::use);

    // A key table has changed: forget all. A look-up under way is answered, but not cached.
    void drop_all();
    // Whether changes are announced at the moment (the LISTEN connection is up and triggers exist).
    void set_announced(bool announced);

    [[nodiscard]] loop::Task<void> close();
    [[nodiscard]] uint64_t lookups() const { return lookups_; }

private:
    struct Entry {
        KeyOutcome outcome;
        loop::Instant until;
    };
    struct Lookup;
    class Waiter;

    loop::Task<void> run(Lookup* lookup);
    loop::Task<KeyOutcome> look_up_service_key(Lookup* lookup);
    loop::Task<KeyOutcome> look_up_client_key(Lookup* lookup);
    loop::Task<std::expected<bool, KeyFailure>> user_keys_allowed();
    // On the gateway's login; logs failures.
    loop::Task<std::expected<pg::Result, KeyFailure>> execute(pg::Query query);
    KeyOutcome admit(std::expected<http::Principal, Refusal> verdict);
    void store(const Lookup& lookup, const KeyOutcome& outcome);

    Parts parts_;
    KeyStoreOptions options_;
    loop::Scope scope_;
    std::unordered_map<loop::Sha256, Entry, Sha256Hash> cache_;
    std::unordered_map<loop::Sha256, std::unique_ptr<Lookup>, Sha256Hash> lookups_under_way_;
    uint64_t generation_ = 0;  // grows with drop_all()
    uint64_t lookups_ = 0;
    loop::FailureCount failures_;  // look-ups that PostgreSQL failed since one was answered
    bool announced_ = false;
};

}  // namespace fluxgate::oauth
