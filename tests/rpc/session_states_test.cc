#include "rpc/session_states.h"

#include <gtest/gtest.h>

#include <string>

namespace fluxgate::rpc {
namespace {

constexpr SessionNonce alice{1};
constexpr SessionNonce bob{2};

SessionNonce numbered(uint32_t number) {
    SessionNonce nonce{9};
    for (size_t i = 0; i < 4; ++i)
        nonce[4 + i] = static_cast<uint8_t>(number >> (8 * i));
    return nonce;
}

TEST(SessionStates, LogsFromInfoOnUnlessTheSessionSaidOtherwise) {
    SessionStates states;
    EXPECT_EQ(states.log_level(alice), LogLevel::info);
    states.set_log_level(alice, LogLevel::error);
    EXPECT_EQ(states.log_level(alice), LogLevel::error);
    EXPECT_EQ(states.log_level(bob), LogLevel::info);
    states.set_log_level(alice, LogLevel::debug);
    EXPECT_EQ(states.log_level(alice), LogLevel::debug);
}

TEST(SessionStates, KnowsWhatAClientCanDo) {
    SessionStates states;
    EXPECT_EQ(states.capabilities(alice).bits(), 0);
    ClientCapabilities capabilities;
    capabilities.add(ClientCapability::sampling);
    states.set_capabilities(alice, capabilities);
    EXPECT_TRUE(states.capabilities(alice).has(ClientCapability::sampling));
    EXPECT_FALSE(states.capabilities(alice).has(ClientCapability::roots));
    EXPECT_EQ(states.capabilities(bob).bits(), 0);
}

TEST(SessionStates, FollowsForOneSessionOnly) {
    SessionStates states;
    EXPECT_FALSE(states.follows(alice, "a://1"));
    EXPECT_TRUE(states.follow(alice, "a://1"));
    EXPECT_TRUE(states.follows(alice, "a://1"));
    EXPECT_FALSE(states.follows(alice, "a://"));
    EXPECT_FALSE(states.follows(alice, "a://11"));
    EXPECT_FALSE(states.follows(bob, "a://1"));
    states.unfollow(bob, "a://1");
    states.unfollow(alice, "a://2");
    EXPECT_TRUE(states.follows(alice, "a://1"));
    states.unfollow(alice, "a://1");
    EXPECT_FALSE(states.follows(alice, "a://1"));
    states.unfollow(alice, "a://1");
}

TEST(SessionStates, FindsWhatIsFollowedWhicheverSideIsLonger) {
    const FollowedUris few = {"b", "d", "x"};
    const UriIndex many = {{"a", 10}, {"b", 11}, {"c", 12}, {"d", 13}};
    EXPECT_EQ(find_followed(few, many), (std::vector<size_t>{11, 13}));
    const FollowedUris more = {"a", "b", "c", "d", "e", "f"};
    EXPECT_EQ(find_followed(more, many), (std::vector<size_t>{10, 11, 12, 13}));
    EXPECT_EQ(find_followed(more, {{"A", 0}, {"g", 1}}), std::vector<size_t>());
    EXPECT_EQ(find_followed({}, many), std::vector<size_t>());
    EXPECT_EQ(find_followed(more, {}), std::vector<size_t>());
}

TEST(SessionStates, RefusesToFollowTooMuch) {
    SessionStates states;
    for (size_t i = 0; i < SessionStates::uris_max; ++i)
        ASSERT_TRUE(states.follow(alice, "a://" + std::to_string(i)));
    EXPECT_FALSE(states.follow(alice, "a://more"));
    EXPECT_FALSE(states.follows(alice, "a://more"));
    EXPECT_TRUE(states.follow(alice, "a://7"));  // it does already
    EXPECT_TRUE(states.follow(bob, "a://more"));
    states.unfollow(alice, "a://7");
    EXPECT_TRUE(states.follow(alice, "a://more"));
}

TEST(SessionStates, RefusesToFollowALongUri) {
    SessionStates states;
    EXPECT_TRUE(states.follow(alice, std::string(SessionStates::uri_bytes_max, 'u')));
    EXPECT_FALSE(states.follow(alice, std::string(SessionStates::uri_bytes_max + 1, 'u')));
}

// What sessions are allowed one by one would be gigabytes together.
TEST(SessionStates, BoundsTheBytesOfAllUris) {
    SessionStates states;
    const std::string uri(SessionStates::uri_bytes_max, 'u');
    constexpr size_t cost = SessionStates::uri_bytes_max + uri_node_bytes;
    constexpr size_t most = SessionStates::uri_bytes_total_max / cost;
    for (uint32_t i = 0; i < most; ++i)
        ASSERT_TRUE(states.follow(numbered(i), uri));
    const std::string filler(SessionStates::uri_bytes_total_max % cost - uri_node_bytes, 'u');
    ASSERT_TRUE(states.follow(numbered(most), filler));
    EXPECT_FALSE(states.follow(alice, uri));
    EXPECT_FALSE(states.follow(alice, "u"));
    EXPECT_TRUE(states.follow(numbered(0), uri));  // it does already
    states.unfollow(numbered(0), uri);
    EXPECT_TRUE(states.follow(alice, uri));
    EXPECT_FALSE(states.follow(bob, "u"));
    states.revoke(numbered(1), 1, 0);
    EXPECT_TRUE(states.follow(bob, uri));
    EXPECT_FALSE(states.follow(bob, "u"));
}

// A short one takes the room of its node too.
TEST(SessionStates, CountsMoreOfAUriThanItsBytes) {
    SessionStates states;
    constexpr size_t most = SessionStates::uri_bytes_total_max / (1 + uri_node_bytes);
    constexpr uint32_t each = 90;
    for (uint32_t i = 0; i < most; ++i) {
        const std::string uri(1, static_cast<char>('!' + i % each));
        ASSERT_TRUE(states.follow(numbered(i / each), uri));
    }
    EXPECT_FALSE(states.follow(bob, "u"));
}

TEST(SessionStates, ForgetsTheOldestStateWhereThereAreTooMany) {
    SessionStates states;
    states.set_log_level(alice, LogLevel::error);
    ASSERT_TRUE(states.follow(bob, "a://1"));
    for (uint32_t i = 0; i < SessionStates::sessions_max - 2; ++i)
        states.set_log_level(numbered(i), LogLevel::debug);
    EXPECT_EQ(states.log_level(alice), LogLevel::error);
    states.set_log_level(alice, LogLevel::alert);  // no new one
    EXPECT_EQ(states.log_level(alice), LogLevel::alert);
    states.set_log_level(SessionNonce{3}, LogLevel::debug);
    EXPECT_EQ(states.log_level(alice), LogLevel::info);
    EXPECT_TRUE(states.follows(bob, "a://1"));
    states.set_log_level(SessionNonce{4}, LogLevel::debug);
    EXPECT_FALSE(states.follows(bob, "a://1"));
    EXPECT_EQ(states.log_level(SessionNonce{4}), LogLevel::debug);
}

TEST(SessionStates, RevokesOneSessionWithItsState) {
    SessionStates states;
    EXPECT_FALSE(states.is_revoked(alice));
    states.set_log_level(alice, LogLevel::error);
    ASSERT_TRUE(states.follow(alice, "a://1"));
    states.revoke(alice, 100, 0);
    EXPECT_TRUE(states.is_revoked(alice));
    EXPECT_FALSE(states.is_revoked(bob));
    EXPECT_EQ(states.log_level(alice), LogLevel::info);
    EXPECT_FALSE(states.follows(alice, "a://1"));
    states.revoke(alice, 200, 0);  // twice is as once
    EXPECT_TRUE(states.is_revoked(alice));
}

TEST(SessionStates, ForgetsTheRevokedSessionThatExpiresFirst) {
    SessionStates states;
    states.revoke(alice, 10, 0);
    states.revoke(bob, 1'000'000, 0);
    for (uint32_t i = 0; i < 65'536 - 2; ++i)
        states.revoke(numbered(i), 100 + i, 0);
    EXPECT_TRUE(states.is_revoked(alice));
    states.revoke(SessionNonce{3}, 5, 0);
    EXPECT_FALSE(states.is_revoked(alice));
    EXPECT_TRUE(states.is_revoked(bob));
    EXPECT_TRUE(states.is_revoked(SessionNonce{3}));
    states.revoke(bob, 2'000'000, 0);  // is there already: nobody goes for it
    EXPECT_TRUE(states.is_revoked(SessionNonce{3}));
}

TEST(SessionStates, ForgetsRevokedSessionsWhoseIdHasExpired) {
    SessionStates states;
    states.revoke(alice, 10, 0);
    states.revoke(bob, 30, 20);
    EXPECT_FALSE(states.is_revoked(alice));
    EXPECT_TRUE(states.is_revoked(bob));
}

}  // namespace
}  // namespace fluxgate::rpc
