#include "oauth/bearer_filter.h"

#include "loop/log.h"

namespace fluxgate::oauth {
namespace {

// The rule at the top of the header, the one place that decides it.
bool is_failed_attempt(const KeyOutcome& outcome) {
    return !outcome && outcome.error().refusal &&
           *outcome.error().refusal != Refusal::user_keys_disabled;
}

// As far as anybody can tell. With other rights its client comes back and is judged anew.
bool is_as_good(const KeyOutcome& now, const http::Principal& before) {
    if (!now) return !now.error().refusal;
    const http::Principal& principal = **now;
    return principal.role == before.role && principal.subject == before.subject &&
           principal.all_scopes == before.all_scopes && principal.scopes == before.scopes;
}

}  // namespace

BearerFilter::BearerFilter(loop::Loop* loop, KeyStore* keys, http::AddressLimiter* failures,
                           const std::string& resource_metadata_url)
    : loop_(loop),
      keys_(keys),
      failures_(failures),
      challenge_(resource_metadata_url.empty()
                     ? "Bearer realm=\"fluxgate\""
                     : "Bearer resource_metadata=\"" + resource_metadata_url + "\""),
      challenge_invalid_(challenge_ + ", error=\"invalid_token\"") {
}

http::Next BearerFilter::on_head(http::Exchange& exchange) {
    const Credential credential = find_credential(exchange.request());
    if (credential.kind == CredentialKind::none) return refuse(exchange, false);
    const bool is_key = credential.kind == CredentialKind::service_key ||
                        credential.kind == CredentialKind::client_key;
    const loop::Sha256 digest = loop::sha256(credential.text);
    // By its form first: in another field than its own a key is none, cached or not.
    const KeyOutcome* known = is_key ? keys_->find(digest) : nullptr;
    if (known != nullptr && *known) return decide(exchange, *known);

    const loop::PeerAddress& peer = exchange.request().peer;
    const uint64_t hash = Sha256Hash()(digest);
    if (const int wait_s = failures_->begin_attempt(peer, hash, loop_->now()); wait_s > 0)
        return refuse_attempt(exchange, wait_s);
    if (is_key && known == nullptr) {
        exchange.scope().spawn("resolve_key", resolve(&exchange, credential, digest));
        return http::Next::wait;
    }
    const KeyOutcome outcome =
        known != nullptr ? *known : std::unexpected(KeyFailure{Refusal::unknown, 0});
    failures_->end_attempt(peer, hash, loop_->now(), is_failed_attempt(outcome));
    return decide(exchange, outcome);
}

loop::Task<void> BearerFilter::resolve(http::Exchange* exchange, Credential credential,
                                       loop::Sha256 digest) {
    KeyOutcome outcome = co_await keys_->resolve(&exchange->scope(), credential, digest);
    failures_->end_attempt(exchange->request().peer, Sha256Hash()(digest), loop_->now(),
                           is_failed_attempt(outcome));
    if (exchange->scope().is_cancelled()) co_return;  // the peer is gone: nobody to answer
    exchange->resume_head(decide(*exchange, outcome));
}

loop::Task<bool> BearerFilter::still_allows(http::Exchange* exchange, loop::Scope* scope) {
    const Credential credential = find_credential(exchange->request());
    const loop::Sha256 digest = loop::sha256(credential.text);
    const http::PrincipalPtr before = exchange->principal();
    if (const KeyOutcome* known = keys_->find(digest, KeyPurpose::check); known != nullptr)
        co_return is_as_good(*known, *before);
    const KeyOutcome outcome =
        co_await keys_->resolve(scope, credential, digest, KeyPurpose::check);
    co_return is_as_good(outcome, *before);
}

http::Next BearerFilter::decide(http::Exchange& exchange, const KeyOutcome& outcome) {
    if (outcome) {
        exchange.set_principal(*outcome);
        return http::Next::proceed;
    }
    const KeyFailure& failure = outcome.error();
    if (!failure.refusal) {
        http::Response response =
            http::error_response(503, "unavailable", "the key can not be checked at the moment");
        response.add("Retry-After", exchange.arena().copy(std::to_string(failure.retry_after_s)));
        exchange.respond(std::move(response));
        return http::Next::answered;
    }
    if (*failure.refusal == Refusal::user_keys_disabled) {
        exchange.respond(http::error_response(
            403, "forbidden", "client keys of users are disabled; contact an administrator"));
        return http::Next::answered;
    }
    return refuse(exchange, true);
}

http::Next BearerFilter::refuse_attempt(http::Exchange& exchange, int wait_s) {
    http::Response response = http::error_response(429, "rate_limited", "too many failed attempts");
    response.add("Retry-After", exchange.arena().copy(std::to_string(wait_s)));
    exchange.respond(std::move(response));
    return http::Next::answered;
}

http::Next BearerFilter::refuse(http::Exchange& exchange, bool had_credential) {
    http::Response response = had_credential
                                  ? http::error_response(401, "unauthorized", "invalid credentials")
                                  : http::error_response(401, "unauthorized",
                                                         "authentication required: send a key in "
                                                         "X-Client-Key or X-Service-Key");
    response.add("WWW-Authenticate", had_credential ? challenge_invalid_ : challenge_);
    exchange.respond(std::move(response));
    return http::Next::answered;
}

}  // namespace fluxgate::oauth
