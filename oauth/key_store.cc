#include "oauth/key_store.h"

#include <charconv>
#include <utility>
#include <vector>

#include "loop/log.h"
#include "loop/sleep.h"

namespace fluxgate::oauth {
namespace {

// Times come as whole seconds since 1970, clamped to what WallTime holds, so that infinities
// compare.
constexpr std::string_view select_service_key =
    "WITH bounds AS (SELECT timestamptz '1970-01-01 UTC' AS first, timestamptz '2200-01-01 UTC' AS "
    "last) "
    "SELECT k.id, k.key_hash, array_to_string(k.scopes, ' '), coalesce(k.enabled, true), "
    "k.revoked_at IS NOT NULL OR EXISTS (SELECT FROM auth.service_key_revocations r "
    "WHERE r.key_id = k.id AND r.revocation_type <> 'rotation'), "
    "CASE WHEN k.expires_at IS NOT NULL THEN floor(extract(epoch FROM least(greatest(k.expires_at, "
    "first), last)))::bigint END, "
    "CASE WHEN k.deprecated_at IS NOT NULL THEN floor(extract(epoch FROM "
    "least(greatest(k.deprecated_at, first), last)))::bigint END, "
    "CASE WHEN k.grace_period_ends_at IS NOT NULL THEN floor(extract(epoch FROM "
    "least(greatest(k.grace_period_ends_at, first), last)))::bigint END "
    "FROM auth.service_keys k, bounds WHERE k.key_prefix = $1";

constexpr std::string_view select_client_key =
    "WITH bounds AS (SELECT timestamptz '1970-01-01 UTC' AS first, timestamptz '2200-01-01 UTC' AS "
    "last) "
    "SELECT k.id, k.user_id, array_to_string(k.scopes, ' '), k.revoked_at IS NOT NULL, "
    "CASE WHEN k.expires_at IS NOT NULL THEN floor(extract(epoch FROM least(greatest(k.expires_at, "
    "first), last)))::bigint END "
    "FROM auth.client_keys k, bounds WHERE k.key_hash = $1";

// Whether Fluxbase's table of settings is there and readable. Asked of the catalog by name: on an
// owner's own database a schema `app` is the owner's, and to_regclass() raises an error where the
// login may not use it. A table of that name with other columns is not Fluxbase's.
constexpr std::string_view select_settings_readable =
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = 'app' AND c.relname = 'settings' "
    "AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') "
    "AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid "
    "AND a.attname = 'key') "
    "AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid "
    "AND a.attname = 'value' AND a.atttypid IN ('json'::regtype, 'jsonb'::regtype)))";
constexpr std::string_view select_user_keys_setting =
    "SELECT value ->> 'value' FROM app.settings WHERE key::text = "
    "'app.auth.allow_user_client_keys'";

// A hash that no key has, so that an unknown prefix costs the same time as a wrong key.
constexpr std::string_view decoy_hash =
    "$2a$10$7EqJtq98hPqEX7fNZaFWoOhi5B0a8wqz8Sg9CwyT9ZJhYJqSOjH4e";

std::optional<loop::WallTime> wall_time(std::optional<std::string_view> epoch_s) {
    if (!epoch_s) return std::nullopt;
    int64_t seconds = 0;
    std::from_chars(epoch_s->data(), epoch_s->data() + epoch_s->size(), seconds);
    return loop::WallTime(std::chrono::seconds(seconds));
}

std::vector<std::string> split_words(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const size_t end = std::min(text.find(' '), text.size());
        if (end > 0) words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

std::string text_of(const pg::Result& result, int column) {
    return std::string(result.value(0, column).value_or(""));
}
bool flag_of(const pg::Result& result, int column) {
    return result.value(0, column) == "t";
}

}  // namespace

std::shared_ptr<loop::SlidingLimit> RateLimitRegistry::find_or_create(const std::string& key,
                                                                      uint32_t per_min) {
    if (per_min == 0) return nullptr;
    const std::scoped_lock lock(mutex_);
    if (const auto found = limits_.find(key); found != limits_.end()) return found->second;
    if (limits_.size() >= limits_max)
        std::erase_if(limits_, [](const auto& entry) { return entry.second.use_count() == 1; });
    auto limit =
        std::make_shared<loop::SlidingLimit>(std::min(per_min, loop::SlidingLimit::limit_max));
    limits_.emplace(key, limit);
    return limit;
}

// A look-up under way. Owned by lookups_under_way_ until its task has told all who wait.
struct KeyStore::Lookup {
    loop::Sha256 digest;
    CredentialKind kind;
    loop::Secret text;  // a service key, until bcrypt has it; a client key is known by its digest
    uint64_t generation;
    std::optional<loop::WallTime> valid_until;
    loop::IntrusiveList<Waiter> waiters;
};

// Suspends until the look-up has ended, or the waiting task's scope is cancelled.
class KeyStore::Waiter : public loop::ListNode<>, public loop::CancelHook {
public:
    Waiter(loop::Scope* scope, Lookup* lookup)
        : loop::CancelHook([](loop::CancelHook& hook) {
              auto& self = static_cast<Waiter&>(hook);
              static_cast<loop::ListNode<>&>(self).unlink();
              self.handle_.resume();
          }),
          scope_(scope),
          lookup_(lookup) {}

    [[nodiscard]] bool await_ready() const noexcept { return scope_->is_cancelled(); }
    void await_suspend(std::coroutine_handle<> handle) {
        handle_ = handle;
        lookup_->waiters.push_back(*this);
        scope_->add_hook(*this);
    }
    KeyOutcome await_resume() {
        return outcome_ ? std::move(*outcome_) : std::unexpected(KeyFailure{std::nullopt, 1});
    }
    void finish(const KeyOutcome& outcome) {
        static_cast<loop::ListNode<loop::CancelTag>&>(*this).unlink();
        outcome_ = outcome;
        handle_.resume();
    }

private:
    loop::Scope* scope_;
    Lookup* lookup_;
    std::coroutine_handle<> handle_;
    std::optional<KeyOutcome> outcome_;
};

KeyStore::KeyStore(const Parts& parts, const KeyStoreOptions& options)
    : parts_(parts), options_(options), scope_(parts.loop) {
}

KeyStore::~KeyStore() = default;

const KeyOutcome* KeyStore::find(const loop::Sha256& digest, KeyPurpose purpose) {
    const auto found = cache_.find(digest);
    if (found == cache_.end()) return nullptr;
    if (parts_.loop->now() >= found->second.until) {
        cache_.erase(found);
        return nullptr;
    }
    const KeyOutcome& outcome = found->second.outcome;
    if (outcome && purpose == KeyPurpose::use) parts_.last_used->note(**outcome);
    return &outcome;
}

loop::Task<KeyOutcome> KeyStore::resolve(loop::Scope* scope, Credential credential,
                                         loop::Sha256 digest, KeyPurpose purpose) {
    auto found = lookups_under_way_.find(digest);
    if (found == lookups_under_way_.end()) {
        auto created = std::make_unique<Lookup>();
        created->digest = digest;
        created->kind = credential.kind;
        if (credential.kind == CredentialKind::service_key)
            created->text = loop::Secret(std::string(credential.text));
        created->generation = generation_;
        found = lookups_under_way_.emplace(digest, std::move(created)).first;
        // It never ends inline: run() first lets a turn pass.
        scope_.spawn("key_lookup", run(found->second.get()));
    }
    Waiter waiter(scope, found->second.get());
    KeyOutcome outcome = co_await waiter;
    if (outcome && purpose == KeyPurpose::use) parts_.last_used->note(**outcome);
    co_return outcome;
}

loop::Task<void> KeyStore::run(Lookup* lookup) {
    ++lookups_;
    KeyOutcome outcome = std::unexpected(KeyFailure{});
    // A turn later, so that whoever started this look-up is among those that wait for it.
    auto slept = co_await loop::sleep_for(scope_, loop::Duration::zero());
    loop::ignore(slept, "a cancelled store still answers those that wait");
    if (lookup->kind == CredentialKind::service_key)
        outcome = co_await look_up_service_key(lookup);
    else
        outcome = co_await look_up_client_key(lookup);

    if (outcome || outcome.error().refusal) failures_.reset();
    store(*lookup, outcome);
    const auto owned = lookups_under_way_.extract(lookup->digest);
    while (Waiter* waiter = lookup->waiters.pop_front())
        waiter->finish(outcome);
}

loop::Task<KeyOutcome> KeyStore::look_up_service_key(Lookup* lookup) {
    const std::string prefix(lookup->text.reveal().substr(0, service_key_prefix_bytes));
    const pg::Parameter parameters[] = {{.bytes = prefix}};
    pg::Query query;
    query.sql = select_service_key;
    query.parameters = parameters;
    query.deadline = loop::Deadline::after(parts_.loop->now(), options_.lookup_timeout);
    auto result = co_await execute(query);
    if (!result) co_return std::unexpected(result.error());

    ServiceKeyRow row;
    const bool found = result->rows() == 1;
    if (found) {
        row.id = text_of(*result, 0);
        row.key_hash = text_of(*result, 1);
        row.scopes = split_words(result->value(0, 2).value_or(""));
        row.enabled = flag_of(*result, 3);
        row.revoked = flag_of(*result, 4);
        row.expires_at = wall_time(result->value(0, 5));
        row.deprecated_at = wall_time(result->value(0, 6));
        row.grace_period_ends_at = wall_time(result->value(0, 7));
        lookup->valid_until = valid_until(row);
    } else {
        row.key_hash = decoy_hash;
    }
    if (!parts_.verified->is_proven(lookup->digest, row.key_hash)) {
        auto verify = [key = std::move(lookup->text), hash = row.key_hash] {
            std::string text(key.reveal());
            const bool matches = loop::bcrypt_verify(text, hash);
            loop::wipe(text);
            return matches;
        };
        auto matches =
            co_await loop::run_blocking(*parts_.blocking, *parts_.loop, std::move(verify));
        if (!matches) co_return std::unexpected(KeyFailure{std::nullopt, 1});
        if (!*matches || !found) co_return std::unexpected(KeyFailure{Refusal::unknown, 0});
        parts_.verified->add(lookup->digest, row.key_hash);
    }
    co_return admit(judge(row, parts_.loop->wall_now()));
}

loop::Task<KeyOutcome> KeyStore::look_up_client_key(Lookup* lookup) {
    // Fluxbase stores the padded base64url of the key's SHA-256: the cache's digest is the look-up
    // key.
    const std::string hash = loop::base64url(lookup->digest, loop::Base64Padding::padded);
    const pg::Parameter parameters[] = {{.bytes = hash}};
    pg::Query query;
    query.sql = select_client_key;
    query.parameters = parameters;
    query.deadline = loop::Deadline::after(parts_.loop->now(), options_.lookup_timeout);
    auto result = co_await execute(query);
    if (!result) co_return std::unexpected(result.error());
    if (result->rows() != 1) co_return std::unexpected(KeyFailure{Refusal::unknown, 0});

    ClientKeyRow row;
    row.id = text_of(*result, 0);
    row.user_id = text_of(*result, 1);
    row.scopes = split_words(result->value(0, 2).value_or(""));
    row.revoked = flag_of(*result, 3);
    row.expires_at = wall_time(result->value(0, 4));
    lookup->valid_until = row.expires_at;

    bool user_keys = true;
    if (!row.user_id.empty()) {
        auto allowed = co_await user_keys_allowed();
        if (!allowed) co_return std::unexpected(allowed.error());
        user_keys = *allowed;
    }
    co_return admit(judge(row, user_keys, parts_.loop->wall_now()));
}

loop::Task<std::expected<bool, KeyFailure>> KeyStore::user_keys_allowed() {
    if (options_.allow_user_client_keys) co_return *options_.allow_user_client_keys;
    pg::Query query;
    query.sql = select_settings_readable;
    query.deadline = loop::Deadline::after(parts_.loop->now(), options_.lookup_timeout);
    auto readable = co_await execute(query);
    if (!readable) co_return std::unexpected(readable.error());
    if (!flag_of(*readable, 0)) co_return true;  // Fluxbase's default

    query.sql = select_user_keys_setting;
    auto setting = co_await execute(query);
    if (!setting) co_return std::unexpected(setting.error());
    co_return setting->rows() == 0 || setting->value(0, 0) != "false";
}

loop::Task<std::expected<pg::Result, KeyFailure>> KeyStore::execute(pg::Query query) {
    const pg::Identity identity{.role = pg::Role::gateway};
    auto result = co_await parts_.pool->execute(&scope_, identity, query);
    if (result) co_return std::move(*result);
    const pg::Error& error = result.error();
    // Each caller of an outage comes here: one line a doubling, not one a look-up.
    if (failures_.add()) {
        loop::log::warn("key_lookup_failed", {{"kind", pg::to_string(error.kind)},
                                              {"sqlstate", error.state()},
                                              {"failures", failures_.in_a_row()}});
    }
    co_return std::unexpected(KeyFailure{std::nullopt, std::max(error.retry_after_s, 1)});
}

KeyOutcome KeyStore::admit(std::expected<http::Principal, Refusal> verdict) {
    if (!verdict) return std::unexpected(KeyFailure{verdict.error(), 0});
    verdict->rate_limit =
        parts_.rate_limits->find_or_create(verdict->key_id, options_.rate_limit_per_min);
    return std::make_shared<const http::Principal>(std::move(*verdict));
}

void KeyStore::store(const Lookup& lookup, const KeyOutcome& outcome) {
    if (lookup.generation != generation_) return;  // changed meanwhile: the row may be the old one
    if (!outcome && !outcome.error().refusal) return;  // nobody could tell: ask again
    const loop::Instant now = parts_.loop->now();
    loop::Duration ttl = options_.refusal_ttl;
    if (outcome) {
        ttl = announced_ ? loop::Duration(options_.cache_ttl) : options_.unannounced_ttl;
        if (lookup.valid_until) {
            const auto left = *lookup.valid_until - parts_.loop->wall_now();
            ttl = std::min(ttl, std::chrono::duration_cast<loop::Duration>(left));
        }
    }
    if (cache_.size() >= options_.entries_max) cache_.clear();
    cache_.insert_or_assign(lookup.digest, Entry{outcome, loop::Deadline::after(now, ttl).at()});
}

void KeyStore::drop_all() {
    ++generation_;
    cache_.clear();
}

void KeyStore::set_announced(bool announced) {
    if (announced_ == announced) return;
    announced_ = announced;
    drop_all();  // what was cached under the other rule, or changed while nobody listened
}

loop::Task<void> KeyStore::close() {
    scope_.cancel();
    co_await scope_.join();
}

}  // namespace fluxgate::oauth
