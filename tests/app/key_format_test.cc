#include "app/key_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "loop/crypto.h"

namespace fluxgate::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

class CountingEntropy final : public loop::Entropy {
public:
    void fill(std::span<std::byte> out) override {
        for (std::byte& byte : out)
            byte = static_cast<std::byte>(next_++);
    }

private:
    uint8_t next_ = 0;
};

TEST(KeyFormat, MakesServiceKeysAsFluxbaseStoresThem) {
    CountingEntropy entropy;
    const NewKey key = make_service_key(entropy);
    const std::string text(key.text.reveal());
    EXPECT_EQ(text, "sk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    EXPECT_EQ(text.size(), 46u);
    EXPECT_EQ(key.prefix, text.substr(0, 16));
    EXPECT_TRUE(key.hash.starts_with("$2a$10$")) << key.hash;
    EXPECT_TRUE(loop::bcrypt_verify(text, key.hash));
    EXPECT_FALSE(loop::bcrypt_verify(text + "x", key.hash));
}

TEST(KeyFormat, MakesClientKeysAsFluxbaseStoresThem) {
    CountingEntropy entropy;
    const NewKey key = make_client_key(entropy);
    const std::string text(key.text.reveal());
    EXPECT_EQ(text, "fbk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    EXPECT_EQ(text.size(), 48u);
    EXPECT_EQ(key.prefix, text.substr(0, 12));
    EXPECT_EQ(key.hash.size(), 44u);
    EXPECT_EQ(key.hash.back(), '=');
    EXPECT_EQ(key.hash, loop::base64url(loop::sha256(text), loop::Base64Padding::padded));
}

TEST(KeyFormat, MakesNoKeyTwice) {
    loop::SystemEntropy entropy;
    EXPECT_NE(make_client_key(entropy).hash, make_client_key(entropy).hash);
}

TEST(KeyFormat, TakesKnownScopesOnceEach) {
    EXPECT_THAT(*parse_scopes("read:tables, write:tables,read:tables,"),
                ElementsAre("read:tables", "write:tables"));
    EXPECT_THAT(*parse_scopes("*"), ElementsAre("*"));
}

TEST(KeyFormat, RefusesScopesThatThereAreNot) {
    EXPECT_EQ(parse_scopes("read:table").error(),
              "unknown scope 'read:table'; did you mean read:tables?");
    EXPECT_THAT(parse_scopes("everything").error(), HasSubstr("among others"));
    EXPECT_THAT(parse_scopes("execute:functions:ns").error(), HasSubstr("unknown scope"));
    EXPECT_THAT(parse_scopes("READ:TABLES").error(), HasSubstr("unknown scope"));
    EXPECT_THAT(parse_scopes("").error(), HasSubstr("at least one"));
    EXPECT_THAT(parse_scopes(" , ,").error(), HasSubstr("at least one"));
}

TEST(KeyFormat, HasNoScopeTwice) {
    std::vector<std::string_view> scopes(known_scopes().begin(), known_scopes().end());
    std::ranges::sort(scopes);
    EXPECT_EQ(std::ranges::adjacent_find(scopes), scopes.end());
}

TEST(KeyFormat, ReadsExpiries) {
    EXPECT_EQ(parse_expiry("30d")->text, "2592000 s");
    EXPECT_EQ(parse_expiry("720h")->text, "2592000 s");
    EXPECT_TRUE(parse_expiry("90m")->is_duration);
    for (const char* time : {"2030-01-31T00:00:00Z", "2030-01-31T00:00:00.123456+02:00",
                             "2030-01-31T23:59:59-11:30"}) {
        ASSERT_TRUE(parse_expiry(time)) << time;
        EXPECT_FALSE(parse_expiry(time)->is_duration);
    }
}

TEST(KeyFormat, RefusesExpiriesThatAreNone) {
    for (const char* text : {"", "soon", "tomorrow", "infinity", "30", "0", "0s", "10ms", "-5h",
                             "40000d", "2030-01-31", "2030-01-31 00:00:00Z", "2030-01-31T00:00:00",
                             "2030-01-31T00:00:00Zx", "2030-01-31T00:00:00.Z", "2030-1-1T00:00:00Z",
                             "2030-01-31T00:00:00+0200", "now() + '1 d'"})
        EXPECT_FALSE(parse_expiry(text)) << text;
}

TEST(KeyFormat, KnowsUuids) {
    EXPECT_TRUE(is_uuid("a11ce000-0000-4000-8000-00000000000F"));
    for (const char* text :
         {"", "a11ce000", "a11ce000-0000-4000-8000-00000000000g",
          "a11ce000000040008000000000000001----", "{a11ce000-0000-4000-8000-0000000000}"})
        EXPECT_FALSE(is_uuid(text)) << text;
}

}  // namespace
}  // namespace fluxgate::app
