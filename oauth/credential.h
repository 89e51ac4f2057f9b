// Which credential a request carries, by form alone: no look-up, no hashing.
//
// The order and the forms are Fluxbase's: X-Service-Key, Authorization: ServiceKey, Authorization:
// Bearer, X-Client-Key. Two of them, or one twice, is refused by http/ before this is asked. Scheme
// names are compared without case (RFC 9110 11.1).
#pragma once

#include <cstdint>
#include <string_view>

#include "http/request.h"

namespace fluxgate::oauth {

enum class CredentialKind : uint8_t {
    none,
    service_key,  // sk_…
    client_key,   // fbk_…
    bearer,       // an OAuth token or a JWT: not served yet, refused as invalid_token
    malformed,    // a known header whose value can not be a key: wrong prefix, too short, too long
};

struct Credential {
    CredentialKind kind = CredentialKind::none;
    std::string_view text;  // into the request; a secret: never log it
};

// bcrypt reads 72 bytes and ignores the rest, so a longer service key would match by its beginning.
inline constexpr size_t service_key_bytes_max = 72;
inline constexpr size_t service_key_bytes_min = 16;
inline constexpr size_t service_key_prefix_bytes = 16;
inline constexpr size_t client_key_bytes_max = 128;

[[nodiscard]] Credential find_credential(const http::Request& request);

}  // namespace fluxgate::oauth
