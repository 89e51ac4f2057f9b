// The few cryptographic primitives that the gateway needs, over OpenSSL and libcrypt, and the text
// encodings that go with them. Everything is thread-safe and stateless; no TLS here (loop/tls.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fluxgate::loop {

using Sha256 = std::array<uint8_t, 32>;
inline constexpr size_t sha256_state_bytes = 112;  // an OpenSSL SHA256_CTX; crypto.cc asserts it

[[nodiscard]] Sha256 sha256(std::string_view bytes);

// SHA-256 over what comes in pieces, without a copy of it and without an allocation. What separates
// the pieces is the caller's care.
class Sha256Stream {
public:
    Sha256Stream();
    void add(std::string_view bytes);
    [[nodiscard]] Sha256 finish();  // once; nothing may be added after it

private:
    alignas(8) std::array<std::byte, sha256_state_bytes> state_;
};

// False at once when the lengths differ; else the same time wherever the bytes do.
[[nodiscard]] bool equal_constant_time(std::string_view left, std::string_view right);

// HMAC-SHA-256 with the key's part computed once, for values that are signed or checked per
// request. Its state is as good as the key: it is wiped in the end.
class HmacSha256 {
public:
    explicit HmacSha256(std::string_view key);
    ~HmacSha256();
    HmacSha256(const HmacSha256&) = default;
    HmacSha256& operator=(const HmacSha256&) = default;

    [[nodiscard]] Sha256 sign(std::string_view bytes) const { return sign({bytes}); }
    // Of the concatenation: what separates the parts is the caller's care.
    [[nodiscard]] Sha256 sign(std::initializer_list<std::string_view> parts) const;
    [[nodiscard]] bool verify(std::string_view bytes, std::string_view signature) const;

private:
    struct alignas(8) State {
        std::array<std::byte, sha256_state_bytes> bytes;
    };
    State inner_;  // after the padded key
    State outer_;
};

[[nodiscard]] Sha256 hmac_sha256(std::string_view key, std::string_view bytes);

enum class Base64Padding { none, padded };
[[nodiscard]] std::string base64url(std::span<const uint8_t> bytes, Base64Padding padding);
[[nodiscard]] std::string base64url(std::string_view bytes, Base64Padding padding);
// Strict, so that a value has one spelling: nothing for a character outside the alphabet (a blank
// too), a length that cannot be, unused bits that are not zero, or padding that is not as `padding`
// says.
[[nodiscard]] std::optional<std::string> base64url_decode(std::string_view text,
                                                          Base64Padding padding);
// The same without an allocation: how many bytes it has written to `out`. Nothing also if `out` is
// too small.
[[nodiscard]] std::optional<size_t> base64url_decode_into(std::string_view text,
                                                          Base64Padding padding,
                                                          std::span<uint8_t> out);

// The standard alphabet, padded. encode_into writes base64_bytes(bytes.size()) characters at `out`
// and returns that; pieces whose sizes divide by 3 can be written one after the other.
[[nodiscard]] constexpr size_t base64_bytes(size_t bytes) {
    return (bytes + 2) / 3 * 4;
}
size_t base64_encode_into(std::span<const uint8_t> bytes, char* out);
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

// Lower case; decoding takes both cases, and nothing for an odd length or another character.
[[nodiscard]] std::string hex(std::span<const uint8_t> bytes);
[[nodiscard]] std::optional<std::string> hex_decode(std::string_view text);

// A cost above it is refused: each step doubles the time, and 16 takes about 4 s.
inline constexpr int bcrypt_cost_min = 4;
inline constexpr int bcrypt_cost_max = 16;

// bcrypt through crypt(3): 50 to 70 ms of CPU at cost 10, so only on the BlockingPool. `hash` is
// what the database holds ("$2a$10$...", $2b$ and $2y$ too); false for a malformed one, for a cost
// out of bounds, and for a password with a NUL in it. As in every bcrypt, bytes after the 72nd do
// not count.
[[nodiscard]] bool bcrypt_verify(const std::string& password, const std::string& hash);
// "$2a$" with 16 bytes of `salt`; empty on failure, and for a password with a NUL or over 72 bytes.
[[nodiscard]] std::string bcrypt_hash(const std::string& password, int cost,
                                      std::span<const std::byte, 16> salt);

}  // namespace fluxgate::loop
