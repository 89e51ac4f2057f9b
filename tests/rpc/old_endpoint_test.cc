#include "rpc/old_endpoint.h"

#include <gtest/gtest.h>

#include "tests/rpc/signed_fixture.h"

namespace fluxgate::rpc {
namespace {

const OldEndpoint one{.stream = 0x8877665544332211,
                      .session = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255}};

class OldEndpointTest : public testing::Test {
protected:
    [[nodiscard]] std::string make() const { return make_old_endpoint(signer_, alice_, one); }
    [[nodiscard]] bool is_refused(std::string_view text) const {
        return !read_old_endpoint(signer_, alice_, text).has_value();
    }
    [[nodiscard]] std::string payload() const {
        return signer_.verify(Purpose::sse_endpoint, make()).value();
    }

    Signer signer_{test::signer_key};
    PrincipalDigest alice_ = test::digest_of_subject("alice");
};

TEST_F(OldEndpointTest, LeadsToItsStream) {
    const auto read = read_old_endpoint(signer_, alice_, make());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->stream, one.stream);
    EXPECT_EQ(read->session, one.session);
}

TEST_F(OldEndpointTest, MeansTheSameOnEveryMachine) {
    const std::string principal(reinterpret_cast<const char*>(alice_.data()), alice_.size());
    EXPECT_EQ(payload(), "\x01" + principal +
                             "\x88\x77\x66\x55\x44\x33\x22\x11"
                             "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\xff");
}

// It stands in a query as it is.
TEST_F(OldEndpointTest, NeedsNoEscapes) {
    EXPECT_EQ(make().find_first_not_of(test::signed_alphabet), std::string::npos);
}

TEST_F(OldEndpointTest, IsRefusedWithEveryChange) {
    test::expect_every_change_refused(make(),
                                      [&](const std::string& text) { return is_refused(text); });
}

TEST_F(OldEndpointTest, OfAnotherPrincipalIsRefused) {
    const std::string text = make();
    EXPECT_FALSE(read_old_endpoint(signer_, test::digest_of_subject("bob"), text));
    EXPECT_FALSE(read_old_endpoint(signer_, digest_of(nullptr), text));
    const http::Principal other_key = test::make_principal("alice", "key-2");
    EXPECT_FALSE(read_old_endpoint(signer_, digest_of(&other_key), text));
    EXPECT_TRUE(is_refused(make_old_endpoint(signer_, digest_of(nullptr), one)));
}

TEST_F(OldEndpointTest, OfAnotherKeyOrPurposeIsRefused) {
    const Signer other(test::other_signer_key);
    EXPECT_FALSE(read_old_endpoint(other, alice_, make()));
    EXPECT_FALSE(is_refused(signer_.sign(Purpose::sse_endpoint, payload())));
    for (const Purpose purpose :
         {Purpose::session, Purpose::cursor, Purpose::request_state, Purpose::event_id}) {
        EXPECT_TRUE(is_refused(signer_.sign(purpose, payload())));
    }
}

TEST_F(OldEndpointTest, WithAnotherPayloadIsRefused) {
    const auto signed_again = [&](const std::string& changed) {
        return signer_.sign(Purpose::sse_endpoint, changed);
    };
    std::string other_version = payload();
    other_version[0] = 2;
    for (const std::string& changed : {std::string(), payload().substr(1), payload() + '\0',
                                       payload().substr(0, payload().size() - 1), other_version}) {
        EXPECT_TRUE(is_refused(signed_again(changed)));
    }
}

}  // namespace
}  // namespace fluxgate::rpc
