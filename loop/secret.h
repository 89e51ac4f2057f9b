// Text that must not be seen: no formatter, no comparison but a constant-time one, wiped when it
// dies.
//
// Wiped means every byte that this object held, the small-string buffer of a moved-from one
// included. It does not reach copies that others made of reveal().
#pragma once

#include <string>
#include <string_view>

namespace fluxgate::loop {

class Secret {
public:
    Secret() = default;
    explicit Secret(std::string text) noexcept;
    ~Secret();
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    Secret(const Secret& other) = default;
    Secret& operator=(const Secret& other);

    [[nodiscard]] bool empty() const { return text_.empty(); }
    // The one way out, easy to search for in a review.
    [[nodiscard]] std::string_view reveal() const { return text_; }
    // Takes the same time wherever the two differ; tells only whether the lengths are equal.
    [[nodiscard]] bool equals(std::string_view other) const;
    bool operator==(const Secret&) const = delete;

private:
    std::string text_;
};

// Overwrites all of `text`, its unused capacity too, and leaves it empty.
void wipe(std::string& text) noexcept;

}  // namespace fluxgate::loop
