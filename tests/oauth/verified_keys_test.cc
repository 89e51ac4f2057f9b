#include "oauth/verified_keys.h"

#include <gtest/gtest.h>

#include <string>

namespace fluxgate::oauth {
namespace {

TEST(VerifiedKeys, KnowNothingAtFirst) {
    VerifiedKeys keys;
    EXPECT_FALSE(keys.is_proven(loop::sha256("key"), "hash"));
}

TEST(VerifiedKeys, ProveAKeyForItsOwnHashOnly) {
    VerifiedKeys keys;
    keys.add(loop::sha256("key"), "hash");
    EXPECT_TRUE(keys.is_proven(loop::sha256("key"), "hash"));
    EXPECT_FALSE(keys.is_proven(loop::sha256("key"), "another hash"));
    EXPECT_FALSE(keys.is_proven(loop::sha256("another key"), "hash"));
}

TEST(VerifiedKeys, FollowAHashThatWasReplaced) {
    VerifiedKeys keys;
    keys.add(loop::sha256("key"), "old");
    keys.add(loop::sha256("key"), "new");
    EXPECT_FALSE(keys.is_proven(loop::sha256("key"), "old"));
    EXPECT_TRUE(keys.is_proven(loop::sha256("key"), "new"));
}

TEST(VerifiedKeys, ForgetTheLeastRecentlyUsedWhenFull) {
    VerifiedKeys keys;
    auto key = [](size_t n) { return loop::sha256("key" + std::to_string(n)); };
    for (size_t n = 0; n < VerifiedKeys::proofs_max; ++n)
        keys.add(key(n), "hash");
    EXPECT_TRUE(keys.is_proven(key(0), "hash"));  // now the most recent
    keys.add(loop::sha256("one more"), "hash");
    EXPECT_TRUE(keys.is_proven(key(0), "hash"));
    EXPECT_FALSE(keys.is_proven(key(1), "hash"));
}

}  // namespace
}  // namespace fluxgate::oauth
