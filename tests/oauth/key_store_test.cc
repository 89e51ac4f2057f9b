// KeyStore against a real PostgreSQL.
#include "oauth/key_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/oauth/key_fixture.h"
#include "tests/support/log_capture.h"

namespace fluxgate::oauth {
namespace {

using KeyStoreTest = KeyFixture;

constexpr char mask = 0x55;

// How often a text stands in the writable memory of this process. It is given with each byte
// masked, so that looking for it makes no copy of it.
size_t copies_in_memory(std::string_view masked) {
    static std::array<char, 1 << 16> block;
    const auto own = reinterpret_cast<uintptr_t>(block.data());
    size_t copies = 0;
    std::ifstream maps("/proc/self/maps");
    const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    EXPECT_GE(memory, 0);
    for (std::string line; std::getline(maps, line);) {
        uintptr_t begin = 0, end = 0;
        char access[5] = {};
        if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, access) != 3) continue;
        if (access[0] != 'r' || access[1] != 'w') continue;
        if (end - begin > uintptr_t{1} << 30) continue;  // a sanitizer's shadow
        // What lies across two blocks is read again with the second one.
        for (uintptr_t at = begin; at < end; at += block.size() - masked.size()) {
            const size_t wanted = std::min<size_t>(block.size(), end - at);
            const ssize_t got = pread(memory, block.data(), wanted, static_cast<off_t>(at));
            if (got <= 0) break;
            const std::span seen_bytes(block.data(), static_cast<size_t>(got));
            for (char& byte : seen_bytes)
                byte = static_cast<char>(byte ^ mask);
            const std::string_view seen(seen_bytes.data(), seen_bytes.size());
            for (size_t found = seen.find(masked); found != std::string_view::npos;
                 found = seen.find(masked, found + 1))
                copies += at + found - own < block.size() ? 0 : 1;
        }
    }
    close(memory);
    return copies;
}

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
        "('app.auth.allow_user_client_keys', '{\"value\": false}'); "
        "GRANT USAGE ON SCHEMA app TO key_reader; GRANT SELECT ON app.settings TO key_reader");
    EXPECT_EQ(resolve(client_key).error().refusal, Refusal::user_keys_disabled);
    cluster.execute("UPDATE app.settings SET value = '{\"value\": true}'");
    store->drop_all();
    EXPECT_TRUE(resolve(client_key));
}

TEST_F(KeyStoreTest, AdmitsUsersKeysBesideASchemaAppThatItMayNotUse) {
    add_client_key();
    cluster.execute(
        "CREATE SCHEMA app; CREATE TABLE app.settings (key text, value jsonb); "
        "GRANT SELECT ON app.settings TO key_reader");
    EXPECT_TRUE(resolve(client_key));
    cluster.execute(
        "GRANT USAGE ON SCHEMA app TO key_reader; REVOKE SELECT ON app.settings FROM key_reader");
    store->drop_all();
    EXPECT_TRUE(resolve(client_key));
}

TEST_F(KeyStoreTest, AdmitsUsersKeysBesideAnotherTableOfTheSameName) {
    add_client_key();
    cluster.execute(
        "CREATE SCHEMA app; CREATE TABLE app.settings (key integer, value text); "
        "INSERT INTO app.settings VALUES (1, 'false'); "
        "GRANT USAGE ON SCHEMA app TO key_reader; GRANT SELECT ON app.settings TO key_reader");
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

TEST_F(KeyStoreTest, LogsAnOutageOnceADoublingOfItsFailures) {
    cluster.execute("ALTER TABLE auth.client_keys RENAME TO away");
    test::LogCapture log;
    for (int i = 0; i < 9; ++i)
        EXPECT_FALSE(resolve(client_key).error().refusal);
    EXPECT_EQ(log.count_of("key_lookup_failed"), 4u) << log.text();
    EXPECT_NE(log.text().find("sqlstate=42P01 failures=8"), std::string::npos) << log.text();
    cluster.execute("ALTER TABLE auth.away RENAME TO client_keys");
    EXPECT_EQ(resolve(client_key).error().refusal, Refusal::unknown);
    cluster.execute("ALTER TABLE auth.client_keys RENAME TO away");
    store->drop_all();
    EXPECT_FALSE(resolve(client_key).error().refusal);
    EXPECT_EQ(log.count_of("key_lookup_failed"), 5u) << "a new outage is told at once";
}

TEST_F(KeyStoreTest, LeavesNoServiceKeyInMemory) {
    add_service_key();
    // Never in one piece but while it is looked up: a copy in the test would be found as well.
    std::string masked(service_key.substr(0, 20));
    masked += "TheEndOfAKeyThatIsNoOnes00";
    for (char& byte : masked)
        byte = static_cast<char>(byte ^ mask);
    // The allocator writes over the beginning of what is freed.
    const std::string_view masked_end = std::string_view(masked).substr(20);
    std::string plain = masked;
    for (char& byte : plain)
        byte = static_cast<char>(byte ^ mask);
    EXPECT_EQ(resolve(plain).error().refusal, Refusal::unknown);
    EXPECT_EQ(copies_in_memory(masked_end), 1u) << "the caller's own, and no other";
    loop::wipe(plain);
}

TEST_F(KeyStoreTest, SharesOneLimitBetweenTheEntriesOfAKey) {
    add_client_key();
    const KeyOutcome first = resolve(client_key);
    store->drop_all();
    const KeyOutcome second = resolve(client_key);
    ASSERT_TRUE(first && second);
    EXPECT_EQ((*first)->rate_limit, (*second)->rate_limit);
    EXPECT_EQ((*first)->rate_limit->limit(), 100u);
}

TEST_F(KeyStoreTest, NotesEachUseOfAKey) {
    add_client_key();
    ASSERT_TRUE(resolve(client_key));
    EXPECT_EQ(last_used.noted_for_test(), 1u);
    run_task(last_used.close(loop::Deadline::never()));
    EXPECT_NE(find(client_key), nullptr);
    EXPECT_EQ(last_used.noted_for_test(), 1u) << "from the cache too";
}

}  // namespace
}  // namespace fluxgate::oauth
