#include "rpc/session_id.h"

#include <gtest/gtest.h>

#include <limits>

#include "rpc/big_endian.h"
#include "tests/rpc/signed_fixture.h"
#include "tests/support/alloc_counter.h"

namespace fluxgate::rpc {
namespace {

using test::digest_of_subject;
using test::signer_key;

constexpr int64_t issued_s = 1'795'000'000;

class SessionId : public testing::Test {
protected:
    SessionId() {
        session_.protocol = find_protocol("2025-06-18");
        session_.capabilities.add(ClientCapability::roots);
        session_.capabilities.add(ClientCapability::elicitation_url);
        session_.principal = digest_of_subject("alice");
        session_.issued_s = issued_s;
        for (size_t i = 0; i < session_.nonce.size(); ++i) {
            session_.nonce[i] = static_cast<uint8_t>(0xf0 + i);
        }
        id_ = ids_.make(session_);
    }
    [[nodiscard]] bool is_refused(std::string_view id, int64_t now_s = issued_s) const {
        return !ids_.read(id, now_s).has_value();
    }
    // As ids_ would make it, but with any bytes inside.
    [[nodiscard]] std::string payload_of_id() const {
        return signer_.verify(Purpose::session, id_).value();
    }
    [[nodiscard]] bool is_payload_refused(const std::string& payload) const {
        return is_refused(signer_.sign(Purpose::session, payload));
    }

    const Signer signer_{signer_key};
    const SessionIds ids_{&signer_, {.timeout_s = 3600}};
    Session session_;
    std::string id_;
};

TEST_F(SessionId, SaysAllOfTheSession) {
    for (const Protocol& protocol : all_protocols()) {
        if (protocol.is_stateless) continue;
        for (unsigned bits = 0; bits < 256; ++bits) {
            session_.protocol = &protocol;
            session_.capabilities = ClientCapabilities(static_cast<uint8_t>(bits));
            const auto read = ids_.read(ids_.make(session_), issued_s + 17);
            ASSERT_TRUE(read.has_value());
            EXPECT_EQ(read->protocol, &protocol);
            EXPECT_EQ(read->capabilities.bits(), bits);
            EXPECT_EQ(read->principal, session_.principal);
            EXPECT_EQ(read->issued_s, issued_s);
            EXPECT_EQ(read->nonce, session_.nonce);
        }
    }
}

// Made by another program: sessions live on when the server is replaced by a newer release.
TEST_F(SessionId, HasTheSpellingOfEveryRelease) {
    session_.principal = {};
    EXPECT_EQ(ids_.make(session_),
              "v1.AQE0__oJAAAAAAAAAAAAAAAAAAAAAAAAAABq_YbA8PHy8_T19vf4-fr7.rreoHf_EAbCWclsD0AadUg");
}

TEST_F(SessionId, IsAHeaderValueOfAtMost128Bytes) {
    EXPECT_LE(id_.size(), 128U);
    for (const char character : id_) {
        EXPECT_GE(character, 0x21);
        EXPECT_LE(character, 0x7e);
    }
}

TEST_F(SessionId, AnyChangeIsRefused) {
    test::expect_every_change_refused(id_, [this](std::string_view id) { return is_refused(id); });
}

TEST_F(SessionId, OfAnotherKeyIsRefused) {
    const Signer other{test::other_signer_key};
    EXPECT_TRUE(is_refused(SessionIds(&other, {}).make(session_)));
}

TEST_F(SessionId, AValueOfAnotherPurposeIsRefused) {
    const std::string payload = payload_of_id();
    EXPECT_FALSE(is_payload_refused(payload));
    for (const auto purpose :
         {Purpose::cursor, Purpose::request_state, Purpose::event_id, Purpose::sse_endpoint}) {
        EXPECT_TRUE(is_refused(signer_.sign(purpose, payload)));
    }
}

TEST_F(SessionId, ExpiresToTheSecond) {
    EXPECT_FALSE(is_refused(id_, issued_s + 3599));
    EXPECT_TRUE(is_refused(id_, issued_s + 3600));
    EXPECT_TRUE(is_refused(id_, issued_s + 1'000'000'000));
}

TEST_F(SessionId, FromTheFutureIsRefusedBeyondTheSkewOfClocks) {
    EXPECT_FALSE(is_refused(id_, issued_s - clock_skew_s_max));
    EXPECT_TRUE(is_refused(id_, issued_s - clock_skew_s_max - 1));
    EXPECT_TRUE(is_refused(id_, 0));
    EXPECT_TRUE(is_refused(id_, -1));
}

TEST_F(SessionId, AnAbsurdTimeIsRefused) {
    for (const int64_t time_s : {std::numeric_limits<int64_t>::min(), int64_t{-1}, int64_t{0},
                                 std::numeric_limits<int64_t>::max()}) {
        std::string payload = payload_of_id();
        payload.replace(22, 8, BigEndian(static_cast<uint64_t>(time_s)).view());
        EXPECT_TRUE(is_payload_refused(payload)) << time_s;
    }
}

TEST_F(SessionId, OfARevisionThatIsNotServedIsRefused) {
    const std::string payload = payload_of_id();
    ASSERT_EQ(from_big_endian<uint32_t>(payload.substr(1)), 20250618U);
    // No revision, one that was never, and the one that knows no sessions.
    for (const uint32_t date : {0U, 3U, 20241007U, 20250619U, 20260728U, 0xffffffffU}) {
        EXPECT_TRUE(is_payload_refused(std::string(payload).replace(1, 4, BigEndian(date).view())));
    }
}

TEST_F(SessionId, OfAnotherLayoutIsRefused) {
    const std::string payload = payload_of_id();
    EXPECT_TRUE(is_payload_refused("\x02" + payload.substr(1)));
    EXPECT_TRUE(is_payload_refused(std::string(1, '\0') + payload.substr(1)));
    EXPECT_TRUE(is_payload_refused(payload.substr(0, payload.size() - 1)));
    EXPECT_TRUE(is_payload_refused(payload + "x"));
    EXPECT_TRUE(is_payload_refused(""));
    EXPECT_TRUE(is_payload_refused(std::string(6000, '\x01')));
}

TEST_F(SessionId, OfAnotherPrincipalSaysSo) {
    session_.principal = digest_of_subject("bob");
    const auto read = ids_.read(ids_.make(session_), issued_s);
    ASSERT_TRUE(read.has_value());
    EXPECT_NE(read->principal, digest_of_subject("alice"));
    EXPECT_EQ(read->principal, digest_of_subject("bob"));
}

TEST_F(SessionId, IsDueForRenewalAfterHalfOfItsTime) {
    EXPECT_FALSE(ids_.is_due_for_renewal(session_, issued_s - clock_skew_s_max));
    EXPECT_FALSE(ids_.is_due_for_renewal(session_, issued_s + 1799));
    EXPECT_TRUE(ids_.is_due_for_renewal(session_, issued_s + 1800));
    const SessionIds shortest(&signer_, {.timeout_s = 1});
    EXPECT_FALSE(shortest.is_due_for_renewal(session_, issued_s));
    EXPECT_TRUE(shortest.is_due_for_renewal(session_, issued_s + 1));
}

TEST_F(SessionId, ARenewedOneOutlivesTheOld) {
    session_ = ids_.read(id_, issued_s + 1800).value();
    session_.issued_s = issued_s + 1800;
    const std::string renewed = ids_.make(session_);
    EXPECT_TRUE(is_refused(id_, issued_s + 4000));
    ASSERT_FALSE(is_refused(renewed, issued_s + 4000));
    EXPECT_EQ(ids_.read(renewed, issued_s + 4000)->nonce, session_.nonce);
}

TEST_F(SessionId, ReadingAllocatesNothing) {
    if (!test::alloc_counter_works()) GTEST_SKIP() << "a sanitizer has its own malloc";
    const http::Principal principal = test::make_principal(std::string(36, 's'), "key-1");
    std::string changed = id_;
    changed[20] = changed[20] == 'A' ? 'B' : 'A';
    const test::AllocationSpan span;
    const auto read = ids_.read(id_, issued_s);
    const auto refused = ids_.read(changed, issued_s);
    const PrincipalDigest digest = digest_of(&principal);
    EXPECT_EQ(span.allocations(), 0U);
    EXPECT_TRUE(read.has_value() && !refused.has_value() && digest != read->principal);
}

}  // namespace
}  // namespace fluxgate::rpc
