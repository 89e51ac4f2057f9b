// Authentication of a route: credential -> Principal, or 401, 403, 429, 503.
//
// Runs when the head is complete, so a refused peer is not asked for its body. A cached key
// proceeds without a suspension. Every other credential is an attempt, counted per address, and an
// address over the limit is refused before any look-up.
#pragma once

#include <string>

#include "http/address_limiter.h"
#include "http/exchange.h"
#include "loop/loop.h"
#include "oauth/key_store.h"

namespace fluxgate::oauth {

class BearerFilter final : public http::Filter {
public:
    // `base_url` is the public one, without a slash at its end; it names the metadata in
    // WWW-Authenticate.
    BearerFilter(loop::Loop* loop, KeyStore* keys, http::AddressLimiter* failures,
                 const std::string& base_url);

    [[nodiscard]] http::Next on_head(http::Exchange& exchange) override;

private:
    [[nodiscard]] loop::Task<void> resolve(http::Exchange* exchange, Credential credential,
                                           loop::Sha256 digest);
    [[nodiscard]] http::Next decide(http::Exchange& exchange, const KeyOutcome& outcome);
    [[nodiscard]] http::Next attempt(http::Exchange& exchange, Credential credential,
                                     const loop::Sha256& digest);
    http::Next refuse(http::Exchange& exchange, bool had_credential);

    loop::Loop* loop_;
    KeyStore* keys_;
    http::AddressLimiter* failures_;
    std::string challenge_;          // WWW-Authenticate without a credential
    std::string challenge_invalid_;  // and with one that is no good
};

}  // namespace fluxgate::oauth
