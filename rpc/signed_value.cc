#include "rpc/signed_value.h"

#include <algorithm>

#include "loop/check.h"
#include "rpc/big_endian.h"

namespace fluxgate::rpc {

namespace {

using loop::Base64Padding;

constexpr std::string_view prefix = "v1.";
// Stands before what is signed, so that the key could serve for something else too. With it the
// payload of a session id still fits into one block of SHA-256.
constexpr std::string_view mac_label = "fluxgate.v1";
constexpr size_t mac_bytes = 16;
constexpr size_t mac_characters = 22;  // of base64url without padding
constexpr size_t frame_bytes = prefix.size() + 1 + mac_characters;

std::string_view cut_mac(const loop::Sha256& digest) {
    return {reinterpret_cast<const char*>(digest.data()), mac_bytes};
}

std::span<uint8_t> as_bytes(std::span<char> text) {
    return {reinterpret_cast<uint8_t*>(text.data()), text.size()};
}

// Numbers that stay what they are when the enums change: instances of two releases may share
// clients.
uint8_t tag_of(http::PrincipalKind kind) {
    switch (kind) {
        case http::PrincipalKind::service_key:
            return 1;
        case http::PrincipalKind::client_key:
            return 2;
        case http::PrincipalKind::oauth_token:
            return 3;
        case http::PrincipalKind::jwt:
            return 4;
    }
    return 0;
}
uint8_t tag_of(http::Role role) {
    switch (role) {
        case http::Role::anon:
            return 1;
        case http::Role::authenticated:
            return 2;
        case http::Role::service_role:
            return 3;
    }
    return 0;
}

void add_text(loop::Sha256Stream& digest, std::string_view text) {
    digest.add(BigEndian<uint64_t>(text.size()).view());
    digest.add(text);
}

}  // namespace

Signer::Signer(std::string_view key) : mac_(key) {
    FLUX_CHECK_OP(key.size(), >=, signer_key_bytes_min);
}

loop::Sha256 Signer::mac_of(Purpose purpose, std::string_view payload) const {
    const char tag = static_cast<char>(purpose);
    return mac_.sign({mac_label, {&tag, 1}, payload});
}

std::string Signer::sign(Purpose purpose, std::string_view payload) const {
    const std::string text = loop::base64url(payload, Base64Padding::none);
    if (text.size() + frame_bytes > signed_value_bytes_max) return "";
    const loop::Sha256 digest = mac_of(purpose, payload);
    std::string value;
    value.reserve(text.size() + frame_bytes);
    value += prefix;
    value += text;
    value += '.';
    value += loop::base64url(cut_mac(digest), Base64Padding::none);
    return value;
}

std::optional<std::string_view> Signer::verify_into(Purpose purpose, std::string_view value,
                                                    std::span<char> buffer) const {
    if (value.size() > signed_value_bytes_max || value.size() < frame_bytes) return std::nullopt;
    const size_t payload_characters = value.size() - frame_bytes;
    if (!value.starts_with(prefix) || value[prefix.size() + payload_characters] != '.') {
        return std::nullopt;
    }
    std::array<char, mac_bytes> mac{};
    const auto mac_size = loop::base64url_decode_into(value.substr(value.size() - mac_characters),
                                                      Base64Padding::none, as_bytes(mac));
    const auto size = loop::base64url_decode_into(value.substr(prefix.size(), payload_characters),
                                                  Base64Padding::none, as_bytes(buffer));
    if (!mac_size || !size) return std::nullopt;
    const std::string_view payload(buffer.data(), *size);
    const loop::Sha256 digest = mac_of(purpose, payload);
    if (!loop::equal_constant_time(cut_mac(digest), {mac.data(), mac.size()})) return std::nullopt;
    return payload;
}

std::optional<std::string> Signer::verify(Purpose purpose, std::string_view value) const {
    if (value.size() > signed_value_bytes_max) return std::nullopt;
    std::string payload(value.size(), '\0');  // more than it decodes to
    const auto verified = verify_into(purpose, value, payload);
    if (!verified) return std::nullopt;
    payload.resize(verified->size());
    return payload;
}

PrincipalDigest digest_of(const http::Principal* principal) {
    loop::Sha256Stream stream;
    stream.add("fluxgate.principal.v1");
    if (principal != nullptr) {
        const std::array<char, 2> tags = {static_cast<char>(tag_of(principal->kind)),
                                          static_cast<char>(tag_of(principal->role))};
        stream.add({tags.data(), tags.size()});
        add_text(stream, principal->key_id);
        add_text(stream, principal->subject);
    }
    const loop::Sha256 full = stream.finish();
    PrincipalDigest digest{};
    std::copy_n(full.begin(), digest.size(), digest.begin());
    return digest;
}

}  // namespace fluxgate::rpc
