// What sessions have said beyond what stands in their id: the level of log messages, the resources
// they follow, that they are over. For the whole process, under one lock; off the way of ordinary
// requests.
//
// Bounded, and lost at a restart: a client that comes back is told that its lists may have changed.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "rpc/call_context.h"
#include "rpc/session_id.h"

namespace fluxgate::rpc {

using FollowedUris = std::set<std::string, std::less<>>;
// What a followed URI takes beside its own bytes: a node of the set with its string, and the
// allocator's share of both.
inline constexpr size_t uri_node_bytes = 96;
[[nodiscard]] constexpr size_t cost_of(std::string_view uri) {
    return uri.size() + uri_node_bytes;
}
[[nodiscard]] size_t cost_of(const FollowedUris& uris);
using UriIndex = std::map<std::string_view, size_t>;
// The values of those in `index` that are followed. Each of the fewer is looked up among the
// others: a migration changes thousands, and thousands of clients follow one each.
[[nodiscard]] std::vector<size_t> find_followed(const FollowedUris& uris, const UriIndex& index);

class SessionStates {
public:
    static constexpr size_t sessions_max = 65'536;  // with a state; then the oldest one's goes
    static constexpr size_t uris_max = 100;         // followed by one session
    static constexpr size_t uri_bytes_max = 2048;
    static constexpr size_t uri_bytes_total_max = size_t{64} << 20;  // cost_of() all sessions' ones

    // Any thread. `until_s`: Unix time at which the id would expire anyway; those whose time has
    // come at `now_s` are forgotten.
    void revoke(const SessionNonce& session, int64_t until_s, int64_t now_s);
    // One atomic load while nothing is revoked, else a look under a lock that readers share.
    [[nodiscard]] bool is_revoked(const SessionNonce& session) const;

    void set_log_level(const SessionNonce& session, LogLevel level);
    [[nodiscard]] LogLevel log_level(const SessionNonce& session) const;  // info unless it was set
    // Of sessions whose id was made before the client said it (2024-11-05's transport).
    void set_capabilities(const SessionNonce& session, ClientCapabilities capabilities);
    [[nodiscard]] ClientCapabilities capabilities(const SessionNonce& session) const;

    // False: too many, or too long.
    [[nodiscard]] bool follow(const SessionNonce& session, std::string_view uri);
    void unfollow(const SessionNonce& session, std::string_view uri);
    [[nodiscard]] bool follows(const SessionNonce& session, std::string_view uri) const;
    [[nodiscard]] std::vector<size_t> followed(const SessionNonce& session,
                                               const UriIndex& index) const;

private:
    struct State {
        uint64_t made = 0;  // its place in order_
        LogLevel level = LogLevel::info;
        ClientCapabilities capabilities;
        FollowedUris uris;
    };
    State& state_of(const SessionNonce& session);
    void forget(std::map<SessionNonce, State>::iterator at);
    // An untouched one of a session that has said nothing. Under mutex_.
    [[nodiscard]] const State& known(const SessionNonce& session) const;

    mutable std::mutex mutex_;
    std::map<SessionNonce, State> states_;
    std::map<uint64_t, SessionNonce> order_;  // oldest first
    uint64_t next_ = 0;
    size_t uri_bytes_ = 0;
    mutable std::shared_mutex revoked_mutex_;             // never held together with mutex_
    std::map<SessionNonce, int64_t> revoked_;             // and until when that matters
    std::multimap<int64_t, SessionNonce> revoked_order_;  // the same, first what expires first
    std::atomic<bool> has_revoked_{false};
};

}  // namespace fluxgate::rpc
