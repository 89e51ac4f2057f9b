#include "app/key_format.h"

#include <algorithm>
#include <array>

#include "app/config_value.h"
#include "app/duration.h"
#include "app/nearest.h"
#include "loop/check.h"
#include "loop/crypto.h"

namespace fluxgate::app {
namespace {

constexpr size_t key_random_bytes = 32;

// What Fluxbase lets a client key have, and what its MCP tools ask for beyond that.
constexpr std::string_view scopes[] = {
    "*",
    "read:tables",
    "write:tables",
    "read:storage",
    "write:storage",
    "read:functions",
    "execute:functions",
    "read:auth",
    "write:auth",
    "read:clientkeys",
    "write:clientkeys",
    "read:webhooks",
    "write:webhooks",
    "read:monitoring",
    "realtime:connect",
    "realtime:broadcast",
    "read:rpc",
    "execute:rpc",
    "read:jobs",
    "write:jobs",
    "execute:jobs",
    "read:ai",
    "write:ai",
    "read:secrets",
    "write:secrets",
    "migrations:read",
    "migrations:execute",
    "read:vectors",
    "read:schema",
    "read:projects",
    "write:projects",
    "execute:http",
    "execute:sql",
    "admin:schemas",
    "admin:ddl",
    "sync:functions",
    "sync:jobs",
    "sync:rpc",
    "sync:migrations",
    "sync:chatbots",
    "branch:read",
    "branch:write",
    "branch:access",
    "github:read",
    "github:write",
    "execute:custom",
    "read:custom",
};

std::string random_text(loop::Entropy& entropy, loop::Base64Padding padding) {
    std::array<std::byte, key_random_bytes> bytes{};
    entropy.fill(bytes);
    std::array<uint8_t, key_random_bytes> numbers{};
    for (size_t i = 0; i < bytes.size(); ++i)
        numbers[i] = static_cast<uint8_t>(bytes[i]);
    return loop::base64url(numbers, padding);
}

// Digits and the punctuation of RFC 3339 at their places; PostgreSQL checks the calendar.
bool is_rfc3339(std::string_view text) {
    static constexpr std::string_view pattern = "dddd-dd-ddTdd:dd:dd";
    if (text.size() <= pattern.size()) return false;
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    for (size_t i = 0; i < pattern.size(); ++i) {
        const bool fits = pattern[i] == 'd' ? is_digit(text[i]) : text[i] == pattern[i];
        if (!fits) return false;
    }
    std::string_view rest = text.substr(pattern.size());
    if (rest.starts_with('.')) {
        const size_t end = rest.find_first_not_of("0123456789", 1);
        if (end == std::string_view::npos || end == 1 || end > 7) return false;
        rest = rest.substr(end);
    }
    if (rest == "Z") return true;
    return rest.size() == 6 && (rest[0] == '+' || rest[0] == '-') && is_digit(rest[1]) &&
           is_digit(rest[2]) && rest[3] == ':' && is_digit(rest[4]) && is_digit(rest[5]);
}

}  // namespace

NewKey make_service_key(loop::Entropy& entropy) {
    std::string text = "sk_" + random_text(entropy, loop::Base64Padding::none);
    std::array<std::byte, 16> salt{};
    entropy.fill(salt);
    std::string hash = loop::bcrypt_hash(text, service_key_bcrypt_cost, salt);
    FLUX_CHECK(!hash.empty());  // 46 bytes without a NUL: bcrypt has no reason to refuse
    std::string prefix = text.substr(0, service_key_prefix_bytes);
    return {loop::Secret(std::move(text)), std::move(prefix), std::move(hash)};
}

NewKey make_client_key(loop::Entropy& entropy) {
    std::string text = "fbk_" + random_text(entropy, loop::Base64Padding::padded);
    std::string hash = loop::base64url(loop::sha256(text), loop::Base64Padding::padded);
    std::string prefix = text.substr(0, client_key_prefix_bytes);
    return {loop::Secret(std::move(text)), std::move(prefix), std::move(hash)};
}

std::span<const std::string_view> known_scopes() {
    return scopes;
}

std::expected<std::vector<std::string>, std::string> parse_scopes(std::string_view text) {
    std::vector<std::string> list;
    while (!text.empty()) {
        const size_t comma = text.find(',');
        std::string_view scope = text.substr(0, comma);
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
        while (scope.starts_with(' '))
            scope.remove_prefix(1);
        while (scope.ends_with(' '))
            scope.remove_suffix(1);
        if (scope.empty()) continue;
        if (std::ranges::find(scopes, scope) == std::end(scopes)) {
            const std::string_view near = nearest(scope, scopes);
            return std::unexpected("unknown scope " + in_quotes(scope) +
                                   (near.empty() ? "; there are, among others, read:tables, "
                                                   "write:tables and *"
                                                 : "; did you mean " + std::string(near) + "?"));
        }
        if (std::ranges::find(list, scope) == list.end()) list.emplace_back(scope);
    }
    if (list.empty()) return std::unexpected("needs at least one scope, such as read:tables");
    return list;
}

std::expected<Expiry, std::string> parse_expiry(std::string_view text) {
    if (is_rfc3339(text)) return Expiry{false, std::string(text)};
    static constexpr std::chrono::hours longest{24 * 36'500};
    const auto duration = parse_duration(text);
    if (!duration)
        return std::unexpected(in_quotes(text) +
                               " is neither a duration (720h, 30d) nor an RFC 3339 time "
                               "(2027-01-31T00:00:00Z)");
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*duration);
    if (seconds.count() < 1 || seconds > longest)
        return std::unexpected(in_quotes(text) + " must be from 1s to 36500d");
    return Expiry{true, std::to_string(seconds.count()) + " s"};
}

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool is_hex =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        const bool is_dash_place = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash_place ? c != '-' : !is_hex) return false;
    }
    return true;
}

}  // namespace fluxgate::app
