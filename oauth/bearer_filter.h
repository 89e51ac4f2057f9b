// Authentication of a route: credential -> Principal, or 401, 403, 429, 503.
//
// Runs when the head is complete, so a refused peer is not asked for its body. A cached key
// proceeds without a suspension. Every other credential is an attempt, and an address with too many
// failed ones is refused before any look-up.
//
// An attempt has failed if its key is malformed, unknown, wrong, disabled, expired or revoked,
// whether that was looked up or cached: whoever goes on with such a key guesses, or should stop. It
// has not if the key is good but not allowed here (403), nor if nobody could tell (503): neither
// tells anything about who asks. No credential at all is no attempt.
#pragma once

#include <string>

#include "http/address_limiter.h"
#include "http/exchange.h"
#include "loop/loop.h"
#include "oauth/key_store.h"

namespace fluxgate::oauth {

class BearerFilter final : public http::Filter {
public:
    // `resource_metadata_url`: of RFC 9728, for WWW-Authenticate; empty where nothing is served
    // there, or a client would look for OAuth and report that it failed.
    BearerFilter(loop::Loop* loop, KeyStore* keys, http::AddressLimiter* failures,
                 const std::string& resource_metadata_url);

    [[nodiscard]] http::Next on_head(http::Exchange& exchange) override;
    // Whether the key still holds and gives what it gave (role, scopes): of the cache, or looked
    // up. No attempt, so no failed one either, and no use of the key.
    [[nodiscard]] loop::Task<bool> still_allows(http::Exchange* exchange,
                                                loop::Scope* scope) override;

private:
    [[nodiscard]] loop::Task<void> resolve(http::Exchange* exchange, Credential credential,
                                           loop::Sha256 digest);
    [[nodiscard]] http::Next decide(http::Exchange& exchange, const KeyOutcome& outcome);
    [[nodiscard]] http::Next refuse_attempt(http::Exchange& exchange, int wait_s);
    [[nodiscard]] http::Next refuse(http::Exchange& exchange, bool had_credential);

    loop::Loop* loop_;
    KeyStore* keys_;
    http::AddressLimiter* failures_;
    std::string challenge_;          // WWW-Authenticate without a credential
    std::string challenge_invalid_;  // and with one that is no good
};

}  // namespace fluxgate::oauth
