#include "rpc/session_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "rpc/big_endian.h"
#include "tests/rpc/signed_fixture.h"
#include "tests/support/alloc_counter.h"

namespace fluxgate::rpc {
namespace {

class SessionCacheTest : public testing::Test {
protected:
    SessionCacheTest() { id_ = make(1); }

    [[nodiscard]] std::string make(uint32_t number) {
        session_.protocol = find_protocol("2025-06-18");
        session_.issued_s = 1'795'000'000;
        std::ranges::copy(BigEndian(number).view(), session_.nonce.begin());
        return ids_.make(session_);
    }
    [[nodiscard]] static http::PrincipalPtr principal(std::string subject) {
        auto made = std::make_shared<http::Principal>();
        made->subject = std::move(subject);
        return made;
    }

    Signer signer_{test::signer_key};
    SessionIds ids_{&signer_, {}};
    Session session_;
    std::string id_;
    http::PrincipalPtr alice_ = principal("alice");
    SessionCache cache_;
};

TEST_F(SessionCacheTest, KnowsNothingAtFirst) {
    EXPECT_EQ(cache_.find(id_, alice_), nullptr);
    EXPECT_EQ(cache_.find(id_, nullptr), nullptr);
    EXPECT_EQ(cache_.find(std::string(session_id_bytes, '\0'), nullptr), nullptr);
}

TEST_F(SessionCacheTest, FindsWhatItKept) {
    cache_.keep(id_, alice_, session_);
    const Session* found = cache_.find(id_, alice_);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->nonce, session_.nonce);
    EXPECT_EQ(found->protocol, session_.protocol);
    EXPECT_EQ(found->issued_s, session_.issued_s);
}

TEST_F(SessionCacheTest, DoesNotFindAnIdWithAnyByteChanged) {
    cache_.keep(id_, alice_, session_);
    for (size_t i = 0; i < id_.size(); ++i) {
        std::string changed = id_;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_EQ(cache_.find(changed, alice_), nullptr) << i;
    }
}

TEST_F(SessionCacheTest, DoesNotFindAnIdOfAnotherLength) {
    cache_.keep(id_, alice_, session_);
    EXPECT_EQ(cache_.find("", alice_), nullptr);
    EXPECT_EQ(cache_.find(id_.substr(1), alice_), nullptr);
    EXPECT_EQ(cache_.find(id_.substr(0, id_.size() - 1), alice_), nullptr);
    EXPECT_EQ(cache_.find(id_ + "A", alice_), nullptr);
}

TEST_F(SessionCacheTest, DoesNotFindAnotherPrincipalsSession) {
    cache_.keep(id_, alice_, session_);
    EXPECT_EQ(cache_.find(id_, principal("bob")), nullptr);
    EXPECT_EQ(cache_.find(id_, nullptr), nullptr);
}

TEST_F(SessionCacheTest, AsksAgainForAPrincipalThatWasResolvedAnew) {
    cache_.keep(id_, alice_, session_);
    EXPECT_EQ(cache_.find(id_, principal("alice")), nullptr);
}

TEST_F(SessionCacheTest, NeverTakesALaterPrincipalForOneThatIsGone) {
    cache_.keep(id_, std::exchange(alice_, nullptr), session_);
    // Were it not held, one of these would have its address.
    for (int i = 0; i < 64; ++i)
        EXPECT_EQ(cache_.find(id_, principal("bob")), nullptr);
}

TEST_F(SessionCacheTest, FindsSessionsWithoutAPrincipalWhereAuthIsOff) {
    cache_.keep(id_, nullptr, session_);
    EXPECT_NE(cache_.find(id_, nullptr), nullptr);
    EXPECT_EQ(cache_.find(id_, alice_), nullptr);
}

TEST_F(SessionCacheTest, LetsGoOfWhatIsDroppedAndOfAPrincipalThatIsReplaced) {
    cache_.keep(id_, alice_, session_);
    EXPECT_EQ(alice_.use_count(), 2);
    const http::PrincipalPtr again = principal("alice");
    cache_.keep(id_, again, session_);
    EXPECT_EQ(alice_.use_count(), 1);
    cache_.drop(id_);
    EXPECT_EQ(again.use_count(), 1);
    EXPECT_EQ(cache_.find(id_, again), nullptr);
    cache_.keep(id_, again, session_);
    EXPECT_NE(cache_.find(id_, again), nullptr);
}

TEST_F(SessionCacheTest, StaysBoundedAndNeverMixesSessionsUp) {
    constexpr uint32_t sessions = 4 * SessionCache::slot_count;
    for (uint32_t i = 0; i < sessions; ++i) {
        const std::string id = make(i);
        cache_.keep(id, alice_, session_);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < sessions; ++i) {
        const std::string id = make(i);
        const Session* found = cache_.find(id, alice_);
        if (found == nullptr) continue;
        ++kept;
        EXPECT_EQ(found->nonce, session_.nonce);
    }
    EXPECT_LE(kept, SessionCache::slot_count);
    EXPECT_GT(kept, SessionCache::slot_count / 2);
}

TEST_F(SessionCacheTest, AllocatesNothing) {
    const test::AllocationSpan span;
    cache_.keep(id_, alice_, session_);
    EXPECT_NE(cache_.find(id_, alice_), nullptr);
    EXPECT_EQ(span.allocations(), 0);
}

}  // namespace
}  // namespace fluxgate::rpc
