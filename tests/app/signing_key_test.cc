#include "app/signing_key.h"

#include <algorithm>
#include <string>

#include "rpc/signed_value.h"
#include "tests/app/config_fixture.h"
#include "tests/support/log_capture.h"

namespace fluxgate::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string secret(32, 's');
const std::string other_secret(32, 't');

class CountedEntropy final : public loop::Entropy {
public:
    int calls = 0;
    void fill(std::span<std::byte> out) override {
        ++calls;
        std::ranges::fill(out, static_cast<std::byte>(calls));
    }
};

class SigningKey : public ConfigFixture {
protected:
    // The key of a process that starts with `yaml`.
    std::string key_of(const std::string& yaml, Environment environment = {}) {
        const auto config = load(yaml, std::move(environment));
        EXPECT_TRUE(config) << config.error()[0];
        return config ? signing_key(*config, entropy_) : std::string();
    }

    CountedEntropy entropy_;
    test::LogCapture log_;
};

TEST_F(SigningKey, IsTheSameForEveryProcessWithTheSecret) {
    const std::string key = key_of("gateway: {keys: {signing_key: " + secret + "}}");
    EXPECT_EQ(key.size(), rpc::signer_key_bytes_min);
    EXPECT_EQ(key_of("", {{"FLUXBASE_GATEWAY_KEYS_SIGNING_KEY", secret}}), key);
    write("signing.key", secret + "\n");
    EXPECT_EQ(key_of("gateway: {keys: {signing_key_file: signing.key}}"), key);
    EXPECT_NE(key_of("gateway: {keys: {signing_key: " + other_secret + "}}"), key);
    EXPECT_EQ(entropy_.calls, 0);
    EXPECT_EQ(log_.text(), "");
}

TEST_F(SigningKey, IsNotTheSecret) {
    EXPECT_NE(key_of("gateway: {keys: {signing_key: " + secret + "}}"), secret);
}

TEST_F(SigningKey, ComesOfFluxbasesSecretWhereNoneIsSet) {
    const std::string key = key_of("auth: {jwt_secret: " + secret + "}");
    EXPECT_EQ(key_of("", {{"FLUXBASE_AUTH_JWT_SECRET", secret}}), key);
    EXPECT_EQ(entropy_.calls, 0);
    EXPECT_EQ(log_.text(), "");
}

TEST_F(SigningKey, PrefersItsOwnSecretToFluxbases) {
    const std::string own = "gateway: {keys: {signing_key: " + secret + "}}\n";
    EXPECT_EQ(key_of(own + "auth: {jwt_secret: " + other_secret + "}"), key_of(own));
}

TEST_F(SigningKey, IsRandomAndWarnedOfWithoutASecret) {
    const std::string key = key_of("");
    EXPECT_EQ(key.size(), rpc::signer_key_bytes_min);
    EXPECT_EQ(log_.count_of("sessions_end_with_the_process"), 1U);
    EXPECT_THAT(log_.text(), HasSubstr(" warn sessions_end_with_the_process "));
    for (const char* remedy :
         {"gateway.keys.signing_key_file", "gateway.keys.signing_key ", "auth.jwt_secret"})
        EXPECT_THAT(log_.text(), HasSubstr(remedy));
    EXPECT_NE(key_of(""), key);
}

TEST_F(SigningKey, IsNotWarnedOfWhereThereAreOnlyFixtures) {
    auto config = load("");
    ASSERT_TRUE(config);
    config->conformance = true;
    EXPECT_EQ(signing_key(*config, entropy_).size(), rpc::signer_key_bytes_min);
    EXPECT_EQ(log_.text(), "");
}

TEST_F(SigningKey, IsNotMadeOfAShortSecretOfFluxbases) {
    const std::string yaml = "auth: {jwt_secret: " + secret.substr(1) + "}";
    EXPECT_THAT(load(yaml)->notes, ElementsAre(HasSubstr("auth.jwt_secret: has fewer than 32")));
    EXPECT_NE(key_of(yaml), key_of(yaml));
    EXPECT_EQ(entropy_.calls, 2);
    EXPECT_THAT(load(yaml, {{"FLUXBASE_GATEWAY_KEYS_SIGNING_KEY", secret}})->notes, IsEmpty());
}

TEST_F(SigningKey, RefusesAShortSecret) {
    EXPECT_THAT(errors_of("gateway: {keys: {signing_key: " + secret.substr(1) + "}}"),
                ElementsAre("fluxbase.yaml:1: gateway.keys.signing_key: must have at least 32 "
                            "characters"));
    EXPECT_THAT(errors_of("", {{"FLUXBASE_GATEWAY_KEYS_SIGNING_KEY", "hunter2"}}),
                ElementsAre(HasSubstr("FLUXBASE_GATEWAY_KEYS_SIGNING_KEY: ")));
    EXPECT_THAT(errors_of("", {{"FLUXBASE_GATEWAY_KEYS_SIGNING_KEY", "hunter2"}}),
                Not(ElementsAre(HasSubstr("hunter2"))));
    write("short.key", secret.substr(1) + "\n");
    EXPECT_THAT(errors_of("gateway: {keys: {signing_key_file: short.key}}"),
                ElementsAre("fluxbase.yaml:1: gateway.keys.signing_key_file: short.key must hold "
                            "at least 32 characters"));
}

TEST_F(SigningKey, RefusesASecretAndAFileInOneLayer) {
    write("signing.key", secret);
    EXPECT_THAT(
        errors_of("gateway: {keys: {signing_key: " + secret + ", signing_key_file: signing.key}}"),
        ElementsAre(HasSubstr("gateway.keys.signing_key is set too; keep one of them")));
}

TEST_F(SigningKey, TakesTheOneOfTheHigherLayer) {
    const std::string key = key_of("gateway: {keys: {signing_key: " + secret + "}}");
    EXPECT_EQ(key_of("gateway: {keys: {signing_key_file: absent}}",
                     {{"FLUXBASE_GATEWAY_KEYS_SIGNING_KEY", secret}}),
              key);
    // A file above a secret that alone would be refused.
    EXPECT_EQ(key_of("gateway: {keys: {signing_key: short}}",
                     {{"FLUXBASE_GATEWAY_KEYS_SIGNING_KEY_FILE", write("k", secret).string()}}),
              key);
}

TEST_F(SigningKey, RefusesAFileThatCanNotBeUsed) {
    EXPECT_THAT(errors_of("gateway: {keys: {signing_key_file: none}}"),
                ElementsAre("fluxbase.yaml:1: gateway.keys.signing_key_file: none does not exist; "
                            "fluxgate bootstrap makes it"));
    write("open", secret, 0644);
    EXPECT_THAT(errors_of("gateway: {keys: {signing_key_file: open}}"),
                ElementsAre(HasSubstr("chmod 600")));
    write("empty", "\n");
    EXPECT_THAT(errors_of("gateway: {keys: {signing_key_file: empty}}"),
                ElementsAre("fluxbase.yaml:1: gateway.keys.signing_key_file: empty is empty"));
    write("lines", secret + "\n" + secret);
    EXPECT_THAT(errors_of("gateway: {keys: {signing_key_file: lines}}"),
                ElementsAre(HasSubstr("one line")));
    EXPECT_THAT(errors_of("gateway: {keys: {signing_key_file: .}}"),
                ElementsAre(HasSubstr("not a regular file")));
}

}  // namespace
}  // namespace fluxgate::app
