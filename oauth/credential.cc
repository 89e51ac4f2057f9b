#include "oauth/credential.h"

#include <algorithm>

namespace fluxgate::oauth {
namespace {

using http::Field;

bool is_key_text(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool equal_without_case(std::string_view left, std::string_view right) {
    return std::ranges::equal(left, right, [](char a, char b) {
        auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
        return lower(a) == lower(b);
    });
}

Credential service_key(std::string_view text) {
    const bool ok = text.starts_with("sk_") && text.size() >= service_key_bytes_min &&
                    text.size() <= service_key_bytes_max && is_key_text(text);
    return {ok ? CredentialKind::service_key : CredentialKind::malformed, text};
}

Credential client_key(std::string_view text) {
    const bool ok =
        text.starts_with("fbk_") && text.size() <= client_key_bytes_max && is_key_text(text);
    return {ok ? CredentialKind::client_key : CredentialKind::malformed, text};
}

Credential authorization(std::string_view value) {
    const size_t space = value.find(' ');
    if (space == std::string_view::npos) return {CredentialKind::malformed, value};
    const std::string_view scheme = value.substr(0, space);
    std::string_view text = value.substr(space);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (equal_without_case(scheme, "ServiceKey")) return service_key(text);
    if (equal_without_case(scheme, "Bearer")) return {CredentialKind::bearer, text};
    return {CredentialKind::malformed, text};
}

}  // namespace

Credential find_credential(const http::Request& request) {
    if (request.has(Field::x_service_key)) return service_key(request.get(Field::x_service_key));
    if (request.has(Field::authorization)) return authorization(request.get(Field::authorization));
    if (request.has(Field::x_client_key)) return client_key(request.get(Field::x_client_key));
    return {};
}

}  // namespace fluxgate::oauth
