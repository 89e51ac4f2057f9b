// BearerFilter with a KeyStore on a real PostgreSQL: what is answered, and what counts as a failed
// attempt. Each request comes from an address of its own unless it says otherwise.
#include "oauth/bearer_filter.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tests/oauth/key_fixture.h"
#include "tests/support/recording_exchange.h"

namespace fluxgate::oauth {
namespace {

using Exchange = std::unique_ptr<test::RecordingExchange>;
using http::Field;

class BearerFilterTest : public KeyFixture {
protected:
    Exchange make_exchange() {
        auto exchange = std::make_unique<test::RecordingExchange>(loop.get());
        exchange->edit_request().peer =
            *loop::PeerAddress::parse("192.0.2." + std::to_string(++addresses_used_));
        return exchange;
    }
    // The filter has decided when this returns.
    void run(test::RecordingExchange& exchange) {
        BearerFilter filter(loop.get(), store.get(), &failures,
                            "https://gw.test/.well-known/oauth-protected-resource");
        http::Next next = filter.on_head(exchange);
        if (next == http::Next::wait) {
            run_until([&] { return exchange.resumed().has_value() && exchange.scope().empty(); });
            next = *exchange.resumed();
        }
        EXPECT_EQ(next, exchange.is_answered() ? http::Next::answered : http::Next::proceed);
        EXPECT_EQ(exchange.principal() != nullptr, next == http::Next::proceed);
    }
    Exchange ask(Field field, std::string_view value) {
        Exchange exchange = make_exchange();
        exchange->add_field(field, "Credential", value);
        run(*exchange);
        return exchange;
    }
    Exchange ask_with_service_key(std::string_view key = service_key) {
        return ask(Field::x_service_key, key);
    }
    Exchange ask_with_client_key() { return ask(Field::x_client_key, client_key); }
    bool is_still_allowed(test::RecordingExchange& exchange) {
        BearerFilter filter(loop.get(), store.get(), &failures, "");
        std::optional<bool> answer;
        exchange.scope().spawn(
            "ask", note_answer(filter.still_allows(&exchange, &exchange.scope()), &answer));
        run_until([&] { return exchange.scope().empty(); });
        return answer.value();
    }
    static loop::Task<void> note_answer(loop::Task<bool> asked, std::optional<bool>* answer) {
        *answer = co_await std::move(asked);
    }
    // One failure is the limit: its address may not try another key.
    bool has_failed(const Exchange& exchange) {
        const loop::PeerAddress& peer = exchange->request().peer;
        if (failures.begin_attempt(peer, 0, loop->now()) > 0) return true;
        failures.end_attempt(peer, 0, loop->now(), false);
        return false;
    }
    // The same key twice: looked up, then from the cache.
    void expect_both(const char* what, const std::function<Exchange()>& once, int status,
                     bool is_failure) {
        store->drop_all();
        const uint64_t before = store->lookups();
        const Exchange looked_up = once();
        EXPECT_EQ(store->lookups(), before + 1) << what;
        const Exchange cached = once();
        EXPECT_EQ(store->lookups(), before + 1) << what;
        for (const Exchange* exchange : {&looked_up, &cached}) {
            const char* which = exchange == &cached ? ", cached" : ", looked up";
            EXPECT_EQ((*exchange)->status(), status) << what << which;
            EXPECT_EQ(has_failed(*exchange), is_failure) << what << which;
        }
    }

    http::AddressLimiter failures{{.failures_per_min = 1}};

private:
    int addresses_used_ = 0;
};

constexpr int proceeds = 0;

TEST_F(BearerFilterTest, LetsGoodKeysThrough) {
    add_service_key();
    add_client_key();
    expect_both("service key", [this] { return ask_with_service_key(); }, proceeds, false);
    expect_both("client key", [this] { return ask_with_client_key(); }, proceeds, false);
    EXPECT_EQ(ask_with_client_key()->principal()->subject, owner);
}

TEST_F(BearerFilterTest, CountsEachKeyThatIsNoGoodAsAFailedAttempt) {
    const auto service = [this] { return ask_with_service_key(); };
    const auto client = [this] { return ask_with_client_key(); };
    expect_both("unknown service key", service, 401, true);
    expect_both("unknown client key", client, 401, true);
    add_service_key();
    add_client_key();
    const std::string wrong = std::string(service_key.substr(0, 40)) + "zzzzzz";
    expect_both("wrong key", [&] { return ask_with_service_key(wrong); }, 401, true);
    cluster.execute("UPDATE auth.service_keys SET enabled = false");
    expect_both("disabled service key", service, 401, true);
    cluster.execute("UPDATE auth.service_keys SET enabled = true, expires_at = now()");
    expect_both("expired service key", service, 401, true);
    cluster.execute("UPDATE auth.client_keys SET expires_at = now()");
    expect_both("expired client key", client, 401, true);
    cluster.execute("UPDATE auth.service_keys SET revoked_at = now()");
    expect_both("revoked service key", service, 401, true);
    cluster.execute("UPDATE auth.client_keys SET revoked_at = now()");
    expect_both("revoked client key", client, 401, true);
}

TEST_F(BearerFilterTest, CountsNoFailureForAGoodKeyThatIsNotAllowed) {
    KeyStoreOptions options;
    options.allow_user_client_keys = false;
    make_store(options);
    add_client_key();
    expect_both("user's key", [this] { return ask_with_client_key(); }, 403, false);
}

TEST_F(BearerFilterTest, CountsNoFailureWhereNobodyCouldTell) {
    cluster.execute("ALTER TABLE auth.client_keys RENAME TO away");
    for (int i = 0; i < 2; ++i) {
        const Exchange exchange = ask_with_client_key();
        EXPECT_EQ(exchange->status(), 503);
        EXPECT_NE(exchange->header("Retry-After"), nullptr);
        EXPECT_FALSE(has_failed(exchange));
    }
}

TEST_F(BearerFilterTest, CountsWhatCanNotBeAKeyWithoutALookUp) {
    for (const auto& [field, value] :
         {std::pair{Field::x_service_key, "sk_short"}, std::pair{Field::x_client_key, ""},
          std::pair{Field::authorization, "Basic YTpi"},
          std::pair{Field::authorization, "Bearer mcp_at_of_nobody"}}) {
        const Exchange exchange = ask(field, value);
        EXPECT_EQ(exchange->status(), 401) << value;
        EXPECT_TRUE(has_failed(exchange)) << value;
        ASSERT_NE(exchange->header("WWW-Authenticate"), nullptr);
        EXPECT_TRUE(exchange->header("WWW-Authenticate")->ends_with(", error=\"invalid_token\""));
    }
    EXPECT_EQ(store->lookups(), 0u);
}

TEST_F(BearerFilterTest, RefusesAGoodKeyInTheWrongFieldThoughItIsCached) {
    add_service_key();
    add_client_key();
    ASSERT_EQ(ask_with_service_key()->status(), proceeds);
    ASSERT_EQ(ask_with_client_key()->status(), proceeds);
    for (const Exchange& exchange :
         {ask(Field::x_client_key, service_key), ask(Field::x_service_key, client_key),
          ask(Field::authorization, "Bearer " + std::string(service_key)),
          ask(Field::authorization, "ServiceKey " + std::string(client_key))}) {
        EXPECT_EQ(exchange->status(), 401);
        EXPECT_TRUE(has_failed(exchange));
    }
}

TEST_F(BearerFilterTest, AsksForACredentialWhereThereIsNone) {
    const Exchange exchange = make_exchange();
    run(*exchange);
    EXPECT_EQ(exchange->status(), 401);
    EXPECT_FALSE(has_failed(exchange)) << "nothing was tried";
    ASSERT_NE(exchange->header("WWW-Authenticate"), nullptr);
    EXPECT_EQ(*exchange->header("WWW-Authenticate"),
              "Bearer resource_metadata=\"https://gw.test/.well-known/oauth-protected-resource\"");
}

TEST_F(BearerFilterTest, RefusesAnAddressOverItsLimitBeforeAnyLookUpButNotItsGoodKey) {
    add_client_key();
    ASSERT_EQ(ask_with_client_key()->status(), proceeds);
    const Exchange first = ask_with_service_key();
    ASSERT_EQ(first->status(), 401);
    const uint64_t before = store->lookups();
    const auto from_there = [&](Field field, std::string_view value) {
        Exchange exchange = make_exchange();
        exchange->edit_request().peer = first->request().peer;
        exchange->add_field(field, "Credential", value);
        run(*exchange);
        return exchange;
    };
    const Exchange second = from_there(Field::x_service_key, "sk_another_key_that_is_unknown");
    EXPECT_EQ(second->status(), 429);
    EXPECT_NE(second->header("Retry-After"), nullptr);
    EXPECT_EQ(store->lookups(), before);
    EXPECT_EQ(from_there(Field::x_client_key, client_key)->status(), proceeds);
}

// ---- whether an answer that lasts may go on

TEST_F(BearerFilterTest, LetsAnAnswerGoOnWhileItsKeyHolds) {
    add_service_key();
    add_client_key();
    const Exchange service = ask_with_service_key();
    const Exchange client = ask_with_client_key();
    for (const Exchange* exchange : {&service, &client}) {
        EXPECT_TRUE(is_still_allowed(**exchange));
        store->drop_all();
        EXPECT_TRUE(is_still_allowed(**exchange));  // looked up
    }
}

TEST_F(BearerFilterTest, EndsAnAnswerWhoseKeyIsRefusedAndCountsNoAttempt) {
    add_service_key();
    add_client_key();
    const Exchange service = ask_with_service_key();
    const Exchange client = ask_with_client_key();
    cluster.execute("UPDATE auth.service_keys SET revoked_at = now()");
    cluster.execute("DELETE FROM auth.client_keys");
    store->drop_all();
    for (const Exchange* exchange : {&service, &client}) {
        EXPECT_FALSE(is_still_allowed(**exchange));
        EXPECT_FALSE(is_still_allowed(**exchange));  // cached
        EXPECT_FALSE((*exchange)->is_answered());
        EXPECT_FALSE(has_failed(*exchange));
    }
}

TEST_F(BearerFilterTest, EndsAnAnswerWhoseKeyHasOtherRights) {
    add_service_key();
    add_client_key();
    const Exchange service = ask_with_service_key();
    const Exchange client = ask_with_client_key();
    cluster.execute("UPDATE auth.service_keys SET scopes = '{read:tables}'");
    cluster.execute("UPDATE auth.client_keys SET scopes = '{}'");
    store->drop_all();
    for (const Exchange* exchange : {&service, &client}) {
        EXPECT_FALSE(is_still_allowed(**exchange));
        EXPECT_FALSE(is_still_allowed(**exchange));  // cached
    }
    EXPECT_TRUE(is_still_allowed(*ask_with_service_key()));  // let in with what it has now
    EXPECT_TRUE(is_still_allowed(*ask_with_client_key()));
    cluster.execute("UPDATE auth.client_keys SET user_id = NULL");
    const Exchange owned = ask_with_client_key();
    store->drop_all();
    EXPECT_FALSE(is_still_allowed(*owned));
}

// Else the key of an idle stream would look used for as long as the stream is open.
TEST_F(BearerFilterTest, NotesNoUseWhereAnAnswerGoesOn) {
    add_client_key();
    const Exchange exchange = make_exchange();
    exchange->add_field(Field::x_client_key, "Credential", client_key);
    exchange->set_principal(std::make_shared<const http::Principal>());
    for (int i = 0; i < 2; ++i) {  // looked up, then of the cache
        EXPECT_FALSE(is_still_allowed(*exchange));
        EXPECT_EQ(last_used.noted_for_test(), 0U);
    }
    EXPECT_EQ(store->lookups(), 1U);
    EXPECT_EQ(ask_with_client_key()->status(), proceeds);
    EXPECT_EQ(last_used.noted_for_test(), 1U);
}

TEST_F(BearerFilterTest, LetsAnAnswerGoOnWhereNobodyCanTell) {
    add_client_key();
    const Exchange exchange = ask_with_client_key();
    cluster.execute("ALTER TABLE auth.client_keys RENAME TO away");
    store->drop_all();
    EXPECT_TRUE(is_still_allowed(*exchange));
}

}  // namespace
}  // namespace fluxgate::oauth
