#include "app/signing_key.h"

#include <array>
#include <span>
#include <string_view>

#include "loop/crypto.h"
#include "loop/log.h"

namespace fluxgate::app {
namespace {

// No token has this as its signed part: it holds blanks. Another label would end all sessions.
constexpr std::string_view key_label = "fluxgate key of signed values, 1";

// Empty: none is configured.
std::string_view secret_of(const Config& config) {
    const std::string_view own = config.gateway.keys.signing_key.reveal();
    if (!own.empty()) return own;
    const std::string_view fluxbases = config.jwt_secret.reveal();
    return fluxbases.size() < signing_secret_bytes_min ? std::string_view() : fluxbases;
}

void warn_of_random_key() {
    loop::log::warn("sessions_end_with_the_process",
                    {{"why", "no signing key is configured"},
                     {"set",
                      "gateway.keys.signing_key_file, gateway.keys.signing_key or "
                      "auth.jwt_secret"}});
}

}  // namespace

std::string signing_key(const Config& config, loop::Entropy& entropy) {
    loop::Sha256 key{};
    if (const std::string_view secret = secret_of(config); !secret.empty()) {
        key = loop::hmac_sha256(secret, key_label);
    } else {
        // Nobody comes back to a server of fixtures.
        if (!config.conformance) warn_of_random_key();
        entropy.fill(std::as_writable_bytes(std::span(key)));
    }
    return {reinterpret_cast<const char*>(key.data()), key.size()};
}

}  // namespace fluxgate::app
