// Numbers of fixed width inside signed payloads and digests, the highest byte first. Here so that a
// value means the same on every machine.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>

namespace fluxgate::rpc {

template <std::unsigned_integral T>
struct BigEndian {
    std::array<char, sizeof(T)> bytes{};

    explicit constexpr BigEndian(T value) {
        for (size_t i = sizeof(T); i > 0; --i, value = static_cast<T>(value >> 8)) {
            bytes[i - 1] = static_cast<char>(value & 0xff);
        }
    }
    [[nodiscard]] constexpr std::string_view view() const { return {bytes.data(), bytes.size()}; }
};

// `bytes` holds sizeof(T) of them.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T from_big_endian(std::string_view bytes) {
    T value = 0;
    for (size_t i = 0; i < sizeof(T); ++i) {
        value = static_cast<T>(value << 8 | static_cast<unsigned char>(bytes[i]));
    }
    return value;
}

}  // namespace fluxgate::rpc
