// What the tests of oauth/ on a real PostgreSQL share: the key tables with the columns that
// Fluxbase gives them, a KeyStore that reads them as the auth login, and a loop that runs until
// something has happened.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "loop/blocking.h"
#include "oauth/key_store.h"
#include "tests/support/postgres_cluster.h"

namespace fluxgate::oauth {

inline constexpr const char* key_schema = R"sql(
DROP SCHEMA IF EXISTS auth CASCADE;
DROP SCHEMA IF EXISTS app CASCADE;
CREATE SCHEMA auth;
CREATE TABLE auth.service_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL DEFAULT 'k', key_hash text NOT NULL,
    key_prefix text NOT NULL UNIQUE, scopes text[] DEFAULT '{*}', enabled boolean DEFAULT true,
    expires_at timestamptz, last_used_at timestamptz, revoked_at timestamptz, deprecated_at timestamptz,
    grace_period_ends_at timestamptz);
CREATE TABLE auth.service_key_revocations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), key_id uuid, revocation_type text);
CREATE TABLE auth.client_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), key_hash text UNIQUE NOT NULL, user_id uuid,
    scopes text[] DEFAULT '{}', expires_at timestamptz, last_used_at timestamptz, revoked_at timestamptz);
DO $$ BEGIN CREATE ROLE key_reader LOGIN NOINHERIT; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT USAGE ON SCHEMA auth TO key_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA auth TO key_reader;
GRANT UPDATE (last_used_at) ON auth.service_keys, auth.client_keys TO key_reader;
)sql";

// The auth login: what bootstrap grants it, and no more.
inline constexpr const char* key_reader = "key_reader";
inline constexpr std::string_view service_key = "sk_AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJKKKK";
inline constexpr std::string_view client_key = "fbk_AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJKKK=";
inline constexpr const char* owner = "a11ce000-0000-4000-8000-000000000001";

inline pg::Options options_for(const test::PostgresCluster& cluster) {
    pg::Options options;
    options.host = "127.0.0.1";
    options.port = cluster.port();
    options.database = "postgres";
    options.user_login.user = options.service_login.user = "postgres";
    options.auth_login.user = key_reader;
    return options;
}

class KeyFixture : public testing::Test {
protected:
    // `clock` outlives it; null: the system's.
    explicit KeyFixture(const loop::Clock* clock = nullptr)
        : cluster(test::PostgresCluster::shared()),
          loop(std::move(*loop::Loop::create({.clock = clock}))),
          blocking({}),
          pool(std::make_unique<pg::Pool>(loop.get(), &blocking, options_for(cluster))),
          last_used(loop.get(), pool.get()) {
        cluster.execute(key_schema);
        make_store({});
    }
    ~KeyFixture() override {
        run_task(close_all(this));
        store.reset();
    }

    void make_store(const KeyStoreOptions& options) {
        if (store) run_task(store->close());
        store = std::make_unique<KeyStore>(
            KeyStore::Parts{loop.get(), pool.get(), &blocking, &verified, &rate_limits, &last_used},
            options);
    }
    static loop::Task<void> close_all(KeyFixture* self) {
        co_await self->store->close();
        co_await self->last_used.close(loop::Deadline::never());
        const loop::Deadline deadline =
            loop::Deadline::after(self->loop->now(), std::chrono::seconds(2));
        co_await self->pool->close(deadline);
    }
    static loop::Task<void> run_and_note(loop::Task<void> task, bool* done) {
        co_await std::move(task);
        *done = true;
    }
    void run_until(const std::function<bool()>& done) {
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!done()) {
            loop->run_turn(std::chrono::milliseconds(10));
            ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "nothing happened for 30 s";
        }
    }
    void run_task(loop::Task<void> task) {
        bool done = false;
        loop::Scope scope(loop.get());
        scope.spawn("test", run_and_note(std::move(task), &done));
        run_until([&] { return done && scope.empty(); });
    }
    static loop::Task<void> resolve_into(KeyFixture* self, loop::Scope* scope,
                                         Credential credential, std::optional<KeyOutcome>* out) {
        const loop::Sha256 digest = loop::sha256(credential.text);
        KeyOutcome outcome = co_await self->store->resolve(scope, credential, digest);
        *out = std::move(outcome);
    }
    KeyOutcome resolve(std::string_view key) {
        const CredentialKind kind =
            key.starts_with("sk_") ? CredentialKind::service_key : CredentialKind::client_key;
        std::optional<KeyOutcome> outcome;
        loop::Scope scope(loop.get());
        scope.spawn("resolve", resolve_into(this, &scope, Credential{kind, key}, &outcome));
        run_until([&] { return outcome.has_value() && scope.empty(); });
        return std::move(*outcome);
    }
    [[nodiscard]] const KeyOutcome* find(std::string_view key) {
        return store->find(loop::sha256(key));
    }
    void add_service_key(const std::string& more_columns = "",
                         const std::string& more_values = "") {
        std::array<std::byte, 16> salt{};
        // Cost 4 is bcrypt's least: the tests are about what is done with it.
        const std::string hash = loop::bcrypt_hash(std::string(service_key), 4, salt);
        cluster.execute("INSERT INTO auth.service_keys (key_hash, key_prefix" + more_columns +
                        ") VALUES ('" + hash + "', '" + std::string(service_key.substr(0, 16)) +
                        "'" + more_values + ")");
    }
    void add_client_key(const std::string& more_columns = "", const std::string& more_values = "") {
        const std::string hash =
            loop::base64url(loop::sha256(client_key), loop::Base64Padding::padded);
        cluster.execute("INSERT INTO auth.client_keys (key_hash, user_id, scopes" + more_columns +
                        ") VALUES ('" + hash + "', '" + owner + "', '{read:tables}'" + more_values +
                        ")");
    }

    test::PostgresCluster& cluster;
    std::unique_ptr<loop::Loop> loop;
    loop::BlockingPool blocking;
    std::unique_ptr<pg::Pool> pool;
    VerifiedKeys verified;
    RateLimitRegistry rate_limits;
    LastUsed last_used;
    std::unique_ptr<KeyStore> store;
};

}  // namespace fluxgate::oauth
