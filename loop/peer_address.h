// The address of a peer as a small value: for logs, for allow-lists and as the key of rate limits.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fluxgate::loop {

class PeerAddress {
public:
    PeerAddress() = default;  // unknown: neither v4 nor v6
    // An IPv4 address that arrives as ::ffff:a.b.c.d becomes IPv4. Anything but IP becomes unknown.
    [[nodiscard]] static PeerAddress from_sockaddr(const sockaddr_storage& address);
    // Numeric text without a port: "192.0.2.1", "2001:db8::1". No brackets, no zone.
    [[nodiscard]] static std::optional<PeerAddress> parse(std::string_view text, uint16_t port = 0);

    [[nodiscard]] bool is_v4() const { return family_ == AF_INET; }
    [[nodiscard]] bool is_v6() const { return family_ == AF_INET6; }
    [[nodiscard]] uint16_t port() const { return port_; }
    // The first 4 (v4) or all 16 bytes, in network order.
    [[nodiscard]] const std::array<uint8_t, 16>& bytes() const { return bytes_; }

    // What a rate limit counts as one client: all of a v4 address, the first 64 bits of a v6 one (a
    // customer owns at least a /64). The two kinds never meet: v4 lies in 0::/8, which nobody is
    // given.
    [[nodiscard]] uint64_t prefix_key() const;

    // The text form, without allocation: "192.0.2.1", "2001:db8::1", "unknown". No port.
    struct Text {
        std::array<char, INET6_ADDRSTRLEN> bytes;
        uint8_t size;
        // NOLINTNEXTLINE(google-explicit-constructor): it is text.
        operator std::string_view() const { return {bytes.data(), size}; }
    };
    [[nodiscard]] Text text() const;

    // Fills `out` for bind(2) and connect(2); returns the length, 0 if unknown.
    socklen_t to_sockaddr(sockaddr_storage& out) const;

    friend bool operator==(const PeerAddress&, const PeerAddress&) = default;

private:
    void unmap();

    std::array<uint8_t, 16> bytes_{};
    uint16_t port_ = 0;
    uint8_t family_ = AF_UNSPEC;
};

}  // namespace fluxgate::loop
