#include "rpc/session_states.h"

namespace fluxgate::rpc {

namespace {

// Of ended sessions; beyond it those that expire first are forgotten.
constexpr size_t revoked_max = 65'536;

}  // namespace

size_t cost_of(const FollowedUris& uris) {
    size_t cost = 0;
    for (const std::string& uri : uris)
        cost += cost_of(uri);
    return cost;
}

std::vector<size_t> find_followed(const FollowedUris& uris, const UriIndex& index) {
    std::vector<size_t> found;
    if (uris.size() <= index.size()) {
        for (const std::string& uri : uris)
            if (const auto at = index.find(uri); at != index.end()) found.push_back(at->second);
    } else {
        for (const auto& [uri, value] : index)
            if (uris.contains(uri)) found.push_back(value);
    }
    return found;
}

void SessionStates::revoke(const SessionNonce& session, int64_t until_s, int64_t now_s) {
    {
        const std::scoped_lock lock(revoked_mutex_);
        const size_t most = revoked_.contains(session) ? revoked_max + 1 : revoked_max;
        while (!revoked_order_.empty() &&
               (revoked_order_.begin()->first < now_s || revoked_order_.size() >= most)) {
            revoked_.erase(revoked_order_.begin()->second);
            revoked_order_.erase(revoked_order_.begin());
        }
        if (revoked_.emplace(session, until_s).second) revoked_order_.emplace(until_s, session);
        has_revoked_.store(true, std::memory_order_release);
    }
    const std::scoped_lock lock(mutex_);
    if (const auto at = states_.find(session); at != states_.end()) forget(at);
}

bool SessionStates::is_revoked(const SessionNonce& session) const {
    if (!has_revoked_.load(std::memory_order_acquire)) return false;
    const std::shared_lock lock(revoked_mutex_);
    return revoked_.contains(session);
}

SessionStates::State& SessionStates::state_of(const SessionNonce& session) {
    const auto [at, is_new] = states_.try_emplace(session);
    if (is_new) {
        at->second.made = next_++;
        order_.emplace(at->second.made, session);
        if (states_.size() > sessions_max) forget(states_.find(order_.begin()->second));
    }
    return at->second;
}

void SessionStates::forget(std::map<SessionNonce, State>::iterator at) {
    uri_bytes_ -= cost_of(at->second.uris);
    order_.erase(at->second.made);
    states_.erase(at);
}

const SessionStates::State& SessionStates::known(const SessionNonce& session) const {
    static const State nothing_said;
    const auto at = states_.find(session);
    return at == states_.end() ? nothing_said : at->second;
}

void SessionStates::set_log_level(const SessionNonce& session, LogLevel level) {
    const std::scoped_lock lock(mutex_);
    state_of(session).level = level;
}

LogLevel SessionStates::log_level(const SessionNonce& session) const {
    const std::scoped_lock lock(mutex_);
    return known(session).level;
}

void SessionStates::set_capabilities(const SessionNonce& session, ClientCapabilities capabilities) {
    const std::scoped_lock lock(mutex_);
    state_of(session).capabilities = capabilities;
}

ClientCapabilities SessionStates::capabilities(const SessionNonce& session) const {
    const std::scoped_lock lock(mutex_);
    return known(session).capabilities;
}

bool SessionStates::follow(const SessionNonce& session, std::string_view uri) {
    if (uri.size() > uri_bytes_max) return false;
    const std::scoped_lock lock(mutex_);
    State& state = state_of(session);
    if (state.uris.contains(uri)) return true;
    if (state.uris.size() >= uris_max || uri_bytes_ + cost_of(uri) > uri_bytes_total_max)
        return false;
    state.uris.emplace(uri);
    uri_bytes_ += cost_of(uri);
    return true;
}

void SessionStates::unfollow(const SessionNonce& session, std::string_view uri) {
    const std::scoped_lock lock(mutex_);
    const auto at = states_.find(session);
    if (at == states_.end()) return;
    if (const auto found = at->second.uris.find(uri); found != at->second.uris.end()) {
        uri_bytes_ -= cost_of(uri);
        at->second.uris.erase(found);
    }
}

std::vector<size_t> SessionStates::followed(const SessionNonce& session,
                                            const UriIndex& index) const {
    const std::scoped_lock lock(mutex_);
    return find_followed(known(session).uris, index);
}

bool SessionStates::follows(const SessionNonce& session, std::string_view uri) const {
    const std::scoped_lock lock(mutex_);
    return known(session).uris.contains(uri);
}

}  // namespace fluxgate::rpc
