// Values that the server gives out and takes back, and that nobody else can make or change: session
// ids, cursors, request states, event ids. Any core and any instance with the same key can check
// them; nothing is stored.
//
//   v1.<base64url of the payload>.<base64url of 16 bytes of HMAC-SHA-256 over purpose and payload>
//
// The payload is readable by its holder. One spelling per value: a changed, added or missing
// character is refused.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/principal.h"
#include "loop/crypto.h"

namespace fluxgate::rpc {

// Values of one purpose are never taken for another's.
enum class Purpose : uint8_t { session = 1, cursor, request_state, event_id, sse_endpoint };

inline constexpr size_t signed_value_bytes_max = 8192;  // longer ones are refused unread
inline constexpr size_t signer_key_bytes_min = 32;
// How far the clocks of two instances may differ: a value from further in the future is refused.
inline constexpr int64_t clock_skew_s_max = 60;

class Signer {
public:
    // `key` of at least signer_key_bytes_min; instances that share clients share it.
    explicit Signer(std::string_view key);

    // Empty if the value would be longer than signed_value_bytes_max.
    [[nodiscard]] std::string sign(Purpose purpose, std::string_view payload) const;
    // The payload; nothing for a value that this key has not signed for this purpose.
    [[nodiscard]] std::optional<std::string> verify(Purpose purpose, std::string_view value) const;
    // The same without an allocation, for what is checked with every request: the payload is in
    // `buffer`. Nothing also where it does not fit.
    [[nodiscard]] std::optional<std::string_view> verify_into(Purpose purpose,
                                                              std::string_view value,
                                                              std::span<char> buffer) const;

private:
    [[nodiscard]] loop::Sha256 mac_of(Purpose purpose, std::string_view payload) const;

    loop::HmacSha256 mac_;
};

// What identifies a caller inside signed values: SHA-256 over kind, role, key id and subject, cut
// to 16 bytes. Equal for all requests of one principal, on every instance; null: nobody's.
using PrincipalDigest = std::array<uint8_t, 16>;
[[nodiscard]] PrincipalDigest digest_of(const http::Principal* principal);

}  // namespace fluxgate::rpc
