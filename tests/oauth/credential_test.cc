#include "oauth/credential.h"

#include <gtest/gtest.h>

#include <string>

namespace fluxgate::oauth {
namespace {

using http::Field;

Credential find(Field field, std::string_view value) {
    http::Request request;
    request.known[static_cast<size_t>(field)] = value;
    request.known_count[static_cast<size_t>(field)] = 1;
    return find_credential(request);
}

constexpr std::string_view service_key = "sk_AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJKKKK";
constexpr std::string_view client_key = "fbk_AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJKKK=";

TEST(Credential, IsNoneWithoutAnyHeader) {
    EXPECT_EQ(find_credential(http::Request{}).kind, CredentialKind::none);
}

TEST(Credential, IsFoundInEachOfItsHeaders) {
    EXPECT_EQ(find(Field::x_service_key, service_key).kind, CredentialKind::service_key);
    EXPECT_EQ(find(Field::x_client_key, client_key).kind, CredentialKind::client_key);
    const std::string header = "ServiceKey " + std::string(service_key);
    const Credential found = find(Field::authorization, header);
    EXPECT_EQ(found.kind, CredentialKind::service_key);
    EXPECT_EQ(found.text, service_key);
}

TEST(Credential, TakesTheSchemeWithoutRegardToCase) {
    const std::string header = "servicekey  " + std::string(service_key);
    EXPECT_EQ(find(Field::authorization, header).kind, CredentialKind::service_key);
}

TEST(Credential, LeavesBearerToTheOAuthServer) {
    EXPECT_EQ(find(Field::authorization, "Bearer mcp_at_x").kind, CredentialKind::bearer);
}

TEST(Credential, IsMalformedWithTheWrongPrefix) {
    EXPECT_EQ(find(Field::x_service_key, client_key).kind, CredentialKind::malformed);
    EXPECT_EQ(find(Field::x_client_key, service_key).kind, CredentialKind::malformed);
    EXPECT_EQ(find(Field::x_service_key, "SK_AAAABBBBCCCCDDDD").kind, CredentialKind::malformed);
}

TEST(Credential, IsMalformedWhenTooShortForItsPrefix) {
    const std::string shortest = "sk_" + std::string(service_key_bytes_min - 3, 'a');
    EXPECT_EQ(find(Field::x_service_key, shortest).kind, CredentialKind::service_key);
    EXPECT_EQ(find(Field::x_service_key, shortest.substr(1)).kind, CredentialKind::malformed);
    EXPECT_EQ(find(Field::x_service_key, shortest.substr(0, 15)).kind, CredentialKind::malformed);
}

TEST(Credential, IsMalformedWhenBcryptWouldIgnoreItsEnd) {
    const std::string longest = "sk_" + std::string(service_key_bytes_max - 3, 'a');
    EXPECT_EQ(find(Field::x_service_key, longest).kind, CredentialKind::service_key);
    EXPECT_EQ(find(Field::x_service_key, longest + "a").kind, CredentialKind::malformed);
}

TEST(Credential, IsMalformedWithBytesThatNoKeyHas) {
    EXPECT_EQ(find(Field::x_client_key, "fbk_with space").kind, CredentialKind::malformed);
    EXPECT_EQ(find(Field::x_client_key, "fbk_\xc3\xa4").kind, CredentialKind::malformed);
    EXPECT_EQ(find(Field::x_client_key, "").kind, CredentialKind::malformed);
}

TEST(Credential, IsMalformedWithAnotherSchemeOrNone) {
    EXPECT_EQ(find(Field::authorization, "Basic dXNlcg==").kind, CredentialKind::malformed);
    EXPECT_EQ(find(Field::authorization, service_key).kind, CredentialKind::malformed);
    EXPECT_EQ(find(Field::authorization, "ServiceKey ").kind, CredentialKind::malformed);
}

}  // namespace
}  // namespace fluxgate::oauth
