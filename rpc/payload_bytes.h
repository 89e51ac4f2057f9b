// Nonces and digests inside signed payloads: arrays of bytes as text, and back.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fluxgate::rpc {

template <size_t size>
[[nodiscard]] std::string_view as_text(const std::array<uint8_t, size>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), size};
}

// `text` holds that many behind `at`.
template <size_t size>
void copy_bytes(std::string_view text, size_t at, std::array<uint8_t, size>& to) {
    std::copy_n(text.data() + at, size, to.begin());
}

}  // namespace fluxgate::rpc
