// A text with the readable bytes behind it that the JSON reader wants, and nothing readable behind
// those under AddressSanitizer.
#pragma once

#include <cstring>
#include <memory>
#include <string_view>

namespace fluxgate::test {

class Padded {
public:
    static constexpr size_t padding_bytes = 64;
    // `fill`: what stands behind the text; peers' slots hold zeros, hostile neighbours anything.
    explicit Padded(std::string_view text, char fill = '\0')
        : bytes_(new char[text.size() + padding_bytes]), size_(text.size()) {
        if (!text.empty()) std::memcpy(bytes_.get(), text.data(), text.size());
        std::memset(bytes_.get() + text.size(), fill, padding_bytes);
    }
    [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }

private:
    std::unique_ptr<char[]> bytes_;
    size_t size_;
};

}  // namespace fluxgate::test
