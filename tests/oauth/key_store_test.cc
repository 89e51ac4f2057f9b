// KeyStore against a real PostgreSQL: the key tables with the columns that Fluxbase gives them.
#include "oauth/key_store.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "loop/blocking.h"
#include "tests/support/postgres_cluster.h"

namespace fluxgate::oauth {
namespace {

using fluxgate::test::PostgresCluster;

constexpr const char* schema = R"sql(
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
)sql";

constexpr std::string_view service_key = "sk_AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJKKKK";
constexpr std::string_view client_key = "fbk_AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJKKK=";
constexpr const char* owner = "a11ce000-0000-4000-8000-000000000001";

pg::Options options_for(const PostgresCluster& cluster) {
    pg::Options options;
    options.host = "127.0.0.1";
    options.port = cluster.port();
    options.database = "postgres";
    options.user_login.user = options.service_login.user = options.auth_login.user = "postgres";
    return options;
}

class KeyStoreTest : public testing::Test {
protected:
    KeyStoreTest()
        : cluster(PostgresCluster::shared()),
          loop(std::move(*loop::Loop::create({}))),
          blocking({}),
          pool(std::make_unique<pg::Pool>(loop.get(), &blocking, options_for(cluster))),
          last_used(loop.get(), pool.get()) {
        cluster.execute(schema);
        make_store({});
    }
    ~KeyStoreTest() override {
        run_task(close_all(this));
        store.reset();
    }

    void make_store(const KeyStoreOptions& options) {
        if (store) run_task(store->close());
        store = std::make_unique<KeyStore>(
            KeyStore::Parts{loop.get(), pool.get(), &blocking, &verified, &buckets, &last_used},
            options);
    }
    static loop::Task<void> close_all(KeyStoreTest* self) {
        co_await self->store->close();
        co_await self->last_used.close();
        const loop::Deadline deadline =
            loop::Deadline::after(self->loop->now(), std::chrono::seconds(2));
        co_await self->pool->close(deadline);
    }
    static loop::Task<void> run_and_note(loop::Task<void> task, bool* done) {
        co_await std::move(task);
        *done = true;
    }
    void run_until(const std::function<bool()>& done) {
        const loop::Instant give_up = loop->clock_now() + std::chrono::seconds(30);
        while (!done()) {
            loop->run_turn(std::chrono::milliseconds(10));
            ASSERT_LT(loop->clock_now(), give_up) << "nothing happened for 30 s";
        }
    }
    void run_task(loop::Task<void> task) {
        bool done = false;
        loop::Scope scope(loop.get());
        scope.spawn("test", run_and_note(std::move(task), &done));
        run_until([&] { return done && scope.empty(); });
    }
    static loop::Task<void> resolve_into(KeyStoreTest* self, loop::Scope* scope,
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

    PostgresCluster& cluster;
    std::unique_ptr<loop::Loop> loop;
    loop::BlockingPool blocking;
    std::unique_ptr<pg::Pool> pool;
    VerifiedKeys verified;
    BucketRegistry buckets;
    LastUsed last_used;
    std::unique_ptr<KeyStore> store;
};

TEST_F(KeyStoreTest, RefusesAServiceKeyThatIsNotThere) {
    const KeyOutcome outcome = resolve(service_key);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().refusal, Refusal::unknown);
}

TEST_F(KeyStoreTest, RefusesAWrongKeyWithTheRightPrefix) {
    add_service_key();
    const std::string wrong = std::string(service_key.substr(0, 40)) + "zzzzzz";
    const KeyOutcome outcome = resolve(wrong);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().refusal, Refusal::unknown);
}

TEST_F(KeyStoreTest, AdmitsAServiceKeyAndThenAnswersFromTheCache) {
    add_service_key();
    const KeyOutcome outcome = resolve(service_key);
    ASSERT_TRUE(outcome);
    EXPECT_EQ((*outcome)->role, http::Role::service_role);
    ASSERT_NE(find(service_key), nullptr);
    EXPECT_EQ(store->lookups(), 1u);
}

TEST_F(KeyStoreTest, AdmitsAClientKeyAsItsOwner) {
    add_client_key();
    const KeyOutcome outcome = resolve(client_key);
    ASSERT_TRUE(outcome);
    EXPECT_EQ((*outcome)->role, http::Role::authenticated);
    EXPECT_EQ((*outcome)->subject, owner);
    EXPECT_TRUE((*outcome)->has_scope("read:tables"));
    EXPECT_FALSE((*outcome)->has_scope("write:tables"));
}

TEST_F(KeyStoreTest, RefusesRevokedExpiredAndDisabledKeys) {
    add_service_key(", revoked_at", ", now()");
    EXPECT_EQ(resolve(service_key).error().refusal, Refusal::revoked);
    cluster.execute("UPDATE auth.service_keys SET revoked_at = NULL, enabled = false");
    store->drop_all();
    EXPECT_EQ(resolve(service_key).error().refusal, Refusal::disabled);
    cluster.execute("UPDATE auth.service_keys SET enabled = true, expires_at = '-infinity'");
    store->drop_all();
    EXPECT_EQ(resolve(service_key).error().refusal, Refusal::expired);
    cluster.execute("UPDATE auth.service_keys SET expires_at = 'infinity'");
    store->drop_all();
    EXPECT_TRUE(resolve(service_key));
}

TEST_F(KeyStoreTest, RefusesAKeyThatWasRevokedInAnEmergencyButNotOneThatWasRotated) {
    add_service_key();
    cluster.execute(
        "INSERT INTO auth.service_key_revocations (key_id, revocation_type) "
        "SELECT id, 'rotation' FROM auth.service_keys");
    EXPECT_TRUE(resolve(service_key));
    cluster.execute("UPDATE auth.service_key_revocations SET revocation_type = 'emergency'");
    store->drop_all();
    EXPECT_EQ(resolve(service_key).error().refusal, Refusal::revoked);
}

TEST_F(KeyStoreTest, RefusesUsersKeysWhenTheSettingOfTheDatabaseSaysSo) {
    add_client_key();
    cluster.execute(
        "CREATE SCHEMA app; CREATE TABLE app.settings (key text, value jsonb); "
        "INSERT INTO app.settings VALUES "
        "('app.auth.allow_user_client_keys', '{\"value\": false}')");
    EXPECT_EQ(resolve(client_key).error().refusal, Refusal::user_keys_disabled);
    cluster.execute("UPDATE app.settings SET value = '{\"value\": true}'");
    store->drop_all();
    EXPECT_TRUE(resolve(client_key));
}

TEST_F(KeyStoreTest, LooksUpOnceForAllWhoWaitForTheSameKey) {
    add_client_key();
    constexpr size_t callers = 20;
    std::array<std::optional<KeyOutcome>, callers> outcomes;
    loop::Scope scope(loop.get());
    for (auto& outcome : outcomes) {
        scope.spawn("resolve",
                    resolve_into(this, &scope, Credential{CredentialKind::client_key, client_key},
                                 &outcome));
    }
    run_until([&] { return scope.empty(); });
    for (const auto& outcome : outcomes)
        EXPECT_TRUE(outcome && *outcome);
    EXPECT_EQ(store->lookups(), 1u);
}

TEST_F(KeyStoreTest, DoesNotCacheWhatChangedDuringTheLookUp) {
    add_client_key();
    std::optional<KeyOutcome> outcome;
    loop::Scope scope(loop.get());
    scope.spawn(
        "resolve",
        resolve_into(this, &scope, Credential{CredentialKind::client_key, client_key}, &outcome));
    store->drop_all();
    run_until([&] { return scope.empty(); });
    ASSERT_TRUE(outcome && *outcome);
    EXPECT_EQ(find(client_key), nullptr);
}

TEST_F(KeyStoreTest, LetsACancelledCallerGoAndFinishesForTheOthers) {
    add_client_key();
    std::optional<KeyOutcome> first;
    std::optional<KeyOutcome> second;
    loop::Scope leaving(loop.get());
    loop::Scope staying(loop.get());
    const Credential credential{CredentialKind::client_key, client_key};
    leaving.spawn("resolve", resolve_into(this, &leaving, credential, &first));
    staying.spawn("resolve", resolve_into(this, &staying, credential, &second));
    leaving.cancel();
    EXPECT_TRUE(leaving.empty());
    ASSERT_TRUE(first);
    EXPECT_FALSE(*first);
    run_until([&] { return staying.empty(); });
    EXPECT_TRUE(second && *second);
}

TEST_F(KeyStoreTest, SaysThatNobodyCouldTellWhenTheDatabaseIsAway) {
    cluster.stop_immediately();
    const KeyOutcome outcome = resolve(client_key);
    ASSERT_FALSE(outcome);
    EXPECT_FALSE(outcome.error().refusal);
    EXPECT_GT(outcome.error().retry_after_s, 0);
    EXPECT_EQ(find(client_key), nullptr) << "not an answer worth keeping";
    cluster.start();
}

TEST_F(KeyStoreTest, SharesOneLimitBetweenTheEntriesOfAKey) {
    add_client_key();
    const KeyOutcome first = resolve(client_key);
    store->drop_all();
    const KeyOutcome second = resolve(client_key);
    ASSERT_TRUE(first && second);
    EXPECT_EQ((*first)->bucket, (*second)->bucket);
    EXPECT_EQ((*first)->bucket->limit(), 100u);
}

TEST_F(KeyStoreTest, WritesLastUsedInOneBatchAtTheEnd) {
    add_client_key();
    ASSERT_TRUE(resolve(client_key));
    EXPECT_EQ(cluster.value_of("SELECT count(last_used_at) FROM auth.client_keys"), "0");
    EXPECT_EQ(last_used.noted_for_test(), 1u);
    run_task(last_used.close());
    EXPECT_EQ(cluster.value_of("SELECT count(last_used_at) FROM auth.client_keys"), "1");
}

}  // namespace
}  // namespace fluxgate::oauth
