#include "http/media_type.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "http/text.h"

namespace fluxgate::http {

namespace {

// Cuts and returns what stands before the next `separator` that is not inside a quoted string.
std::string_view take_until(std::string_view& text, char separator) {
    bool is_quoted = false;
    size_t at = 0;
    while (at < text.size() && (is_quoted || text[at] != separator)) {
        if (is_quoted && text[at] == '\\')
            ++at;  // the next byte has no meaning
        else if (text[at] == '"')
            is_quoted = !is_quoted;
        ++at;
    }
    at = std::min(at, text.size());
    const std::string_view part = text.substr(0, at);
    text.remove_prefix(std::min(at + 1, text.size()));
    return trim(part);
}

// q=0, q=0.0 to q=0.000 (RFC 9110 section 12.4.2).
bool is_zero_weight(std::string_view parameter) {
    if (parameter.size() < 3 || to_lower(parameter[0]) != 'q' || parameter[1] != '=') return false;
    return parameter[2] == '0' && parameter.find_first_not_of("0.", 2) == std::string_view::npos;
}

bool accepts_one_of(std::string_view accept, std::span<const std::string_view> ranges) {
    while (!accept.empty()) {
        std::string_view element = take_until(accept, ',');
        const std::string_view range = take_until(element, ';');
        bool is_refused = false;
        while (!element.empty()) {
            is_refused |= is_zero_weight(take_until(element, ';'));
        }
        const bool is_known = std::ranges::any_of(
            ranges, [range](std::string_view known) { return equal_ignoring_case(range, known); });
        if (is_known && !is_refused) return true;
    }
    return false;
}

bool any_accept(const Request& request, bool (*accepts)(std::string_view)) {
    if (request.known_count[static_cast<size_t>(Field::accept)] <= 1) {
        return accepts(request.get(Field::accept));
    }
    return std::ranges::any_of(request.fields, [accepts](const HeaderField& field) {
        return equal_ignoring_case(field.name, "accept") && accepts(field.value);
    });
}

}  // namespace

bool is_json_type(std::string_view content_type) {
    if (content_type == "application/json") return true;  // what nearly everybody sends
    return equal_ignoring_case(take_until(content_type, ';'), "application/json");
}

bool accepts_answer(std::string_view accept) {
    if (accept == "application/json, text/event-stream" || accept == "*/*") return true;
    static constexpr std::array<std::string_view, 5> ranges = {
        "application/json", "text/event-stream", "*/*", "application/*", "text/*"};
    return accepts_one_of(accept, ranges);
}

bool accepts_events(std::string_view accept) {
    if (accept == "application/json, text/event-stream") return true;
    static constexpr std::array<std::string_view, 2> ranges = {"text/event-stream", "text/*"};
    return accepts_one_of(accept, ranges);
}

bool accepts_answer(const Request& request) {
    return !request.has(Field::accept) || request.get(Field::accept).empty() ||
           any_accept(request, accepts_answer);
}

bool accepts_events(const Request& request) {
    return any_accept(request, accepts_events);
}

}  // namespace fluxgate::http
