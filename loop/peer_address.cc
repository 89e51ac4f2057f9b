#include "loop/peer_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace fluxgate::loop {
namespace {

constexpr std::array<uint8_t, 12> mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::string_view unknown_text = "unknown";

uint64_t read_big_endian(const uint8_t* bytes, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i)
        value = value << 8 | bytes[i];
    return value;
}

}  // namespace

PeerAddress PeerAddress::from_sockaddr(const sockaddr_storage& address) {
    PeerAddress peer;
    if (address.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof(v4));
        std::memcpy(peer.bytes_.data(), &v4.sin_addr, sizeof(v4.sin_addr));
        peer.port_ = ntohs(v4.sin_port);
        peer.family_ = AF_INET;
    } else if (address.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address, sizeof(v6));
        std::memcpy(peer.bytes_.data(), &v6.sin6_addr, sizeof(v6.sin6_addr));
        peer.port_ = ntohs(v6.sin6_port);
        peer.family_ = AF_INET6;
        peer.unmap();
    }
    return peer;
}

std::optional<PeerAddress> PeerAddress::parse(std::string_view text, uint16_t port) {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    std::copy(text.begin(), text.end(), terminated.begin());
    PeerAddress peer;
    peer.port_ = port;
    if (::inet_pton(AF_INET, terminated.data(), peer.bytes_.data()) == 1) {
        peer.family_ = AF_INET;
        return peer;
    }
    if (::inet_pton(AF_INET6, terminated.data(), peer.bytes_.data()) != 1) return std::nullopt;
    peer.family_ = AF_INET6;
    peer.unmap();
    return peer;
}

void PeerAddress::unmap() {
    if (!std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes_.begin())) return;
    std::copy_n(bytes_.begin() + mapped_prefix.size(), 4, bytes_.begin());
    std::fill(bytes_.begin() + 4, bytes_.end(), uint8_t{0});
    family_ = AF_INET;
}

uint64_t PeerAddress::prefix_key() const {
    if (is_v4()) return uint64_t{1} << 32 | read_big_endian(bytes_.data(), 4);
    return read_big_endian(bytes_.data(), 8);
}

PeerAddress::Text PeerAddress::text() const {
    Text text{};
    if (is_v4()) {  // each access log line has one, and inet_ntop's sprintf takes longer than the
                    // line
        char* at = text.bytes.data();
        char* const end = at + text.bytes.size();
        for (size_t part = 0; part < 4; ++part) {
            if (part != 0) *at++ = '.';
            at = std::to_chars(at, end, bytes_[part]).ptr;
        }
        text.size = static_cast<uint8_t>(at - text.bytes.data());
        return text;
    }
    if (family_ == AF_UNSPEC || ::inet_ntop(family_, bytes_.data(), text.bytes.data(),
                                            static_cast<socklen_t>(text.bytes.size())) == nullptr) {
        std::copy(unknown_text.begin(), unknown_text.end(), text.bytes.begin());
        text.size = static_cast<uint8_t>(unknown_text.size());
        return text;
    }
    text.size = static_cast<uint8_t>(std::strlen(text.bytes.data()));
    return text;
}

socklen_t PeerAddress::to_sockaddr(sockaddr_storage& out) const {
    out = {};
    if (is_v4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port_);
        std::memcpy(&v4.sin_addr, bytes_.data(), sizeof(v4.sin_addr));
        std::memcpy(&out, &v4, sizeof(v4));
        return sizeof(v4);
    }
    if (is_v6()) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port_);
        std::memcpy(&v6.sin6_addr, bytes_.data(), sizeof(v6.sin6_addr));
        std::memcpy(&out, &v6, sizeof(v6));
        return sizeof(v6);
    }
    return 0;
}

}  // namespace fluxgate::loop
