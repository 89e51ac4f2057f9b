#include "app/config_value.h"

#include <algorithm>
#include <charconv>

#include "app/duration.h"

namespace fluxgate::app {
namespace {

using Failure = std::optional<std::string>;

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

std::string_view trim(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool has_control_character(std::string_view text) {
    return std::ranges::any_of(
        text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

// Binds one field; one overload for each type that Field can hold.
struct Setter {
    const Key& key;
    const RawValue& value;

    [[nodiscard]] Failure operator()(bool& field) const {
        const std::string text = lower_case(value.text);
        const bool is_true = text == "true" || text == "yes" || text == "on" || text == "1";
        const bool is_false = text == "false" || text == "no" || text == "off" || text == "0";
        if (!is_true && !is_false) return in_quotes(value.text) + " is not true or false";
        field = is_true;
        return {};
    }

    [[nodiscard]] Failure operator()(std::optional<bool>& field) const {
        bool truth = false;
        if (Failure failure = (*this)(truth)) return failure;
        field = truth;
        return {};
    }

    template <class Integer>
        requires std::is_integral_v<Integer>
    [[nodiscard]] Failure operator()(Integer& field) const {
        uint64_t number = 0;
        const char* end = value.text.data() + value.text.size();
        const auto [stop, code] = std::from_chars(value.text.data(), end, number);
        const bool is_number =
            stop == end && !value.text.empty() && code != std::errc::invalid_argument;
        if (!is_number) return in_quotes(value.text) + " is not a whole number" + range_text();
        if (code != std::errc() || number < key.min || number > key.max)
            return value.text + " is out of range" + range_text();
        field = static_cast<Integer>(number);
        return {};
    }

    [[nodiscard]] Failure operator()(Milliseconds& field) const {
        const auto duration = parse_duration(value.text);
        if (!duration) return in_quotes(value.text) + " " + duration.error();
        const auto count = static_cast<uint64_t>(duration->count());
        if (count < key.min || count > key.max)
            return value.text + " is out of range; it must be from " + bound(key.min) + " to " +
                   bound(key.max);
        field = *duration;
        return {};
    }

    [[nodiscard]] Failure operator()(std::string& field) const {
        if (Failure failure = check_text(value.text)) return failure;
        field = value.text;
        return {};
    }

    [[nodiscard]] Failure operator()(loop::Secret& field) const {
        if (value.text.contains('\0')) return "holds a NUL, which no password can";
        field = loop::Secret(value.text);
        return {};
    }

    [[nodiscard]] Failure operator()(std::filesystem::path& field) const {
        if (Failure failure = check_text(value.text)) return failure;
        field = value.text.empty() ? std::filesystem::path() : value.base / value.text;
        return {};
    }

    [[nodiscard]] Failure operator()(std::vector<std::string>& field) const {
        std::vector<std::string> items = value.is_list ? value.items : split();
        for (const std::string& item : items)
            if (Failure failure = check_text(item)) return failure;
        field = std::move(items);
        return {};
    }

private:
    [[nodiscard]] static std::string bound(uint64_t milliseconds) {
        return render_duration(Milliseconds(milliseconds));
    }

    // People write 10MB there.
    [[nodiscard]] bool counts_bytes() const {
        return key.path.ends_with("message_size") || key.path.ends_with("bytes_max");
    }

    [[nodiscard]] std::string range_text() const {
        return "; it must be from " + std::to_string(key.min) + " to " + std::to_string(key.max) +
               (counts_bytes() ? ", in bytes and without a unit" : "");
    }

    [[nodiscard]] Failure check_text(std::string_view text) const {
        if (has_control_character(text)) return in_quotes(text) + " holds a control character";
        const char* wrong = key.rule == nullptr ? nullptr : key.rule(text);
        if (wrong == nullptr) return {};
        return in_quotes(text) + " will not do: it " + wrong;
    }

    // "a, b": as the environment writes lists. Empty parts do not count.
    [[nodiscard]] std::vector<std::string> split() const {
        std::vector<std::string> items;
        std::string_view rest = value.text;
        while (!rest.empty()) {
            const size_t comma = rest.find(',');
            const std::string_view item = trim(rest.substr(0, comma));
            if (!item.empty()) items.emplace_back(item);
            rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
        }
        return items;
    }
};

}  // namespace

std::string in_quotes(std::string_view text) {
    static constexpr size_t shown_max = 60;
    std::string shown = "'";
    for (const char c : text.substr(0, shown_max))
        shown += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
    return shown + (text.size() > shown_max ? "...'" : "'");
}

std::optional<std::string> set_value(const Key& key, const RawValue& value, Config& config) {
    const bool wants_list = std::holds_alternative<FieldOf<std::vector<std::string>>>(key.field);
    if (value.is_list && !wants_list) return "is a list; it must be one value";
    return std::visit([&](auto access) { return Setter{key, value}(*access(config)); }, key.field);
}

}  // namespace fluxgate::app
