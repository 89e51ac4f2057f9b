#include "loop/secret.h"

#include <cstring>
#include <utility>

#include "loop/crypto.h"

namespace fluxgate::loop {

void wipe(std::string& text) noexcept {
    text.resize(text.capacity());  // up to the capacity it never reallocates
    explicit_bzero(text.data(), text.size());
    text.clear();
}

Secret::Secret(std::string text) noexcept : text_(std::move(text)) {
    wipe(text);
}

Secret::~Secret() {
    wipe(text_);
}

Secret::Secret(Secret&& other) noexcept : text_(std::move(other.text_)) {
    wipe(other.text_);
}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        wipe(text_);
        text_ = std::move(other.text_);
        wipe(other.text_);
    }
    return *this;
}

Secret& Secret::operator=(const Secret& other) {
    if (this != &other) {
        wipe(text_);
        text_ = other.text_;
    }
    return *this;
}

bool Secret::equals(std::string_view other) const {
    return equal_constant_time(text_, other);
}

}  // namespace fluxgate::loop
