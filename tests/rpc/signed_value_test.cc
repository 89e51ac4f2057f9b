#include "rpc/signed_value.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

#include "tests/rpc/signed_fixture.h"

namespace fluxgate::rpc {
namespace {

using test::expect_every_change_refused;
using test::make_principal;
using test::signer_key;

constexpr std::array purposes = {Purpose::session, Purpose::cursor, Purpose::request_state,
                                 Purpose::event_id, Purpose::sse_endpoint};

class SignedValue : public testing::Test {
protected:
    [[nodiscard]] bool is_refused(std::string_view value) const {
        return !signer_.verify(Purpose::cursor, value).has_value();
    }
    const Signer signer_{signer_key};
};

TEST_F(SignedValue, GivesBackWhatWasSigned) {
    std::mt19937_64 random(3);
    for (size_t size = 0; size < 200; ++size) {
        std::string payload(size, '\0');
        for (char& byte : payload) {
            byte = static_cast<char>(random());
        }
        const std::string value = signer_.sign(Purpose::event_id, payload);
        EXPECT_EQ(signer_.verify(Purpose::event_id, value), payload);
        EXPECT_EQ(value.find_first_not_of(test::signed_alphabet), std::string::npos);
    }
}

// Made by another program: values outlive the release that made them.
TEST_F(SignedValue, HasTheSpellingOfEveryRelease) {
    EXPECT_EQ(signer_.sign(Purpose::session, "payload"), "v1.cGF5bG9hZA.lmf3pmEUVJT8ie_q1EOE8A");
    EXPECT_EQ(signer_.sign(Purpose::sse_endpoint, ""), "v1..18H0OAoTtBIn-TxWeYt5GA");
}

TEST_F(SignedValue, AnyChangeIsRefused) {
    for (const std::string_view payload : {"", "p", "pa", "pay", "a payload of some length"}) {
        expect_every_change_refused(signer_.sign(Purpose::cursor, payload),
                                    [this](std::string_view value) { return is_refused(value); });
    }
}

TEST_F(SignedValue, WhatIsNoSignedValueIsRefused) {
    const std::string mac(22, 'A');
    for (const std::string& value :
         {std::string(), std::string("v1."), std::string("v1.."), "v1." + mac, "v1.." + mac,
          "v1.cA." + mac, "v1.c." + mac, "v1.c A." + mac, "v1.cA==." + mac, "v1.cA.." + mac,
          "v1.\xc3\xa9." + mac, std::string(200, '.'), std::string(200, '\xff'),
          std::string(200, '\0')}) {
        EXPECT_TRUE(is_refused(value)) << value;
    }
}

TEST_F(SignedValue, OfAnotherPurposeIsRefused) {
    for (const Purpose made : purposes) {
        const std::string value = signer_.sign(made, "payload");
        for (const Purpose read : purposes) {
            EXPECT_EQ(signer_.verify(read, value).has_value(), made == read);
        }
    }
}

TEST_F(SignedValue, OfAnotherKeyIsRefused) {
    const std::string long_key(100, 'k');
    for (const std::string& key :
         {std::string(test::other_signer_key), std::string(signer_key) + "0", long_key}) {
        EXPECT_TRUE(is_refused(Signer(key).sign(Purpose::cursor, "payload")));
    }
    const Signer same{signer_key};
    EXPECT_FALSE(is_refused(same.sign(Purpose::cursor, "payload")));
}

TEST_F(SignedValue, APayloadWithAnotherOnesMacIsRefused) {
    const std::string one = signer_.sign(Purpose::cursor, "one");
    const std::string two = signer_.sign(Purpose::cursor, "two");
    EXPECT_TRUE(is_refused(one.substr(0, 8) + two.substr(8)));
    EXPECT_TRUE(is_refused(two.substr(0, 8) + one.substr(8)));
}

TEST_F(SignedValue, IsNeverLongerThanWhatIsTakenBack) {
    size_t longest = 0;
    for (size_t size = 6000; size < 6200; ++size) {
        const std::string value = signer_.sign(Purpose::cursor, std::string(size, 'x'));
        if (value.empty()) break;
        longest = value.size();
        EXPECT_FALSE(is_refused(value)) << size;
    }
    EXPECT_LE(longest, signed_value_bytes_max);
    EXPECT_GT(longest, signed_value_bytes_max - 4);
    EXPECT_EQ(signer_.sign(Purpose::cursor, std::string(1 << 20, 'x')), "");
}

TEST_F(SignedValue, DoesNotWriteBeyondTheBuffer) {
    const std::string payload = "sixteen bytes...";
    const std::string value = signer_.sign(Purpose::cursor, payload);
    for (size_t size = 0; size < 2 * payload.size(); ++size) {
        std::vector<char> buffer(size);
        const auto verified = signer_.verify_into(Purpose::cursor, value, buffer);
        EXPECT_EQ(verified.has_value(), size >= payload.size());
        if (verified) {
            EXPECT_EQ(*verified, payload);
        }
    }
}

TEST(SignerDeathTest, WantsAWholeKey) {
    EXPECT_DEATH(Signer(signer_key.substr(1)), "signer_key_bytes_min");
}

TEST(PrincipalDigest, IsEqualForAllRequestsOfOnePrincipal) {
    const http::Principal one = make_principal("alice", "key-1");
    http::Principal again = one;
    again.claims = R"({"role":"authenticated","sub":"alice","iat":17})";
    again.scopes = {"read:tables"};
    again.all_scopes = true;
    EXPECT_EQ(digest_of(&one), digest_of(&again));
    EXPECT_EQ(digest_of(nullptr), digest_of(nullptr));
}

// Made by another program: it is inside values that outlive a release.
TEST(PrincipalDigest, IsThatOfEveryRelease) {
    http::Principal principal = make_principal("alice", "key-1");
    principal.kind = http::PrincipalKind::client_key;
    principal.role = http::Role::anon;
    EXPECT_EQ(loop::hex(digest_of(&principal)), "1f9e5209d8ff6f56147ac9ab7b5b5e1d");
}

TEST(PrincipalDigest, DiffersInEveryPartOfWhoItIs) {
    std::set<PrincipalDigest> digests = {digest_of(nullptr), PrincipalDigest{}};
    size_t expected = digests.size();
    for (const auto& [subject, key_id] :
         std::vector<std::pair<const char*, const char*>>{{"", ""},
                                                          {"alice", "key-1"},
                                                          {"alic", "ekey-1"},
                                                          {"alicek", "ey-1"},
                                                          {"", "alice"},
                                                          {"alice", ""},
                                                          {"key-1", "alice"},
                                                          {"bob", "key-1"},
                                                          {"alice", "key-2"}}) {
        for (const auto role :
             {http::Role::anon, http::Role::authenticated, http::Role::service_role}) {
            for (const auto kind :
                 {http::PrincipalKind::service_key, http::PrincipalKind::client_key,
                  http::PrincipalKind::oauth_token, http::PrincipalKind::jwt}) {
                http::Principal principal = make_principal(subject, key_id);
                principal.role = role;
                principal.kind = kind;
                digests.insert(digest_of(&principal));
                ++expected;
            }
        }
    }
    EXPECT_EQ(digests.size(), expected);
}

}  // namespace
}  // namespace fluxgate::rpc
