// What keys look like, as Fluxbase stores them: text, prefix, hash; scopes; expiry.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loop/random.h"
#include "loop/secret.h"
#include "oauth/credential.h"

namespace fluxgate::app {

using oauth::service_key_prefix_bytes;
inline constexpr size_t client_key_prefix_bytes = 12;
inline constexpr int service_key_bcrypt_cost = 10;

struct NewKey {
    loop::Secret text;   // shown once
    std::string prefix;  // key_prefix
    std::string hash;    // key_hash
};

// "sk_" + 32 random bytes in base64url without padding; bcrypt of the whole (takes 50 to 70 ms).
[[nodiscard]] NewKey make_service_key(loop::Entropy& entropy);
// "fbk_" + 32 random bytes in base64url with padding; base64url SHA-256 of the whole, padded.
[[nodiscard]] NewKey make_client_key(loop::Entropy& entropy);

[[nodiscard]] std::span<const std::string_view> known_scopes();

// "read:tables, write:tables" -> its parts, each known and given once. The error names the nearest.
[[nodiscard]] std::expected<std::vector<std::string>, std::string> parse_scopes(
    std::string_view text);

// "720h", "30d" or "2027-01-31T00:00:00Z" -> an SQL expression's argument for
// `coalesce($1::timestamptz, now() + $2::interval)`.
struct Expiry {
    bool is_duration = false;
    std::string text;  // seconds with the unit ("2592000 s"), or the time as given
};
[[nodiscard]] std::expected<Expiry, std::string> parse_expiry(std::string_view text);

[[nodiscard]] bool is_uuid(std::string_view text);

}  // namespace fluxgate::app
