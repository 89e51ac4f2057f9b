// The open streams of the process, and what is on its way to their clients.
//
// A stream is a bounded queue of events under the process's lock. At most one connection at a time
// is attached to it (a Watcher, on whichever core the client came to); it takes what is new and is
// woken when there is more. So any core can tell any client something, and a client that lost its
// connection finds what it missed, for a while, wherever it comes back.
//
//   answer         of a POST; resumable                       (2025-03-26 to 2025-11-25)
//   session        of a GET: what nobody asked for; resumable (the same)
//   old_transport  of a GET: all that the server says         (2024-11-05)
//   subscription   of subscriptions/listen                    (2026-07-28)
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/principal.h"
#include "loop/clock.h"
#include "loop/wake.h"
#include "rpc/session_states.h"

namespace fluxgate::rpc {

using StreamId = uint64_t;  // unguessable; given out inside signed values only

// JSON. Shared, so that whoever holds the process's lock moves pointers: a text is written under it
// only where it is a subscription's own (its id is in it), and once for each changed URI that some
// session follows.
using EventData = std::shared_ptr<const std::string>;

struct StreamEvent {
    uint32_t number = 0;  // counts from 1 in its stream
    EventData data;
};

// A resource that reads differently now, and who may hear of it: following a name must not tell
// whether it exists.
struct UpdatedResource {
    static constexpr uint8_t everybody = 0xFF;
    static constexpr uint8_t bit(http::Role role) {
        return static_cast<uint8_t>(1u << static_cast<unsigned>(role));
    }
    std::string uri;
    uint8_t readers = everybody;  // the bits of the roles
};

// Something has changed that clients may hold a copy of.
struct ListChanges {
    bool tools = false;
    bool prompts = false;
    bool resources = false;
    std::vector<UpdatedResource> updated;
    // The roles for which a list may read differently: what others make is nobody else's business.
    uint8_t readers = UpdatedResource::everybody;
};

// What a subscription wants to hear of, and what it has heard it will.
struct Interest {
    bool tools = false;
    bool prompts = false;
    bool resources = false;
    http::Role role = http::Role::anon;  // the caller's; of a session's stream too
    FollowedUris uris;
    std::string subscription_id;  // the JSON token of the listen request's id
};

class EventStreams {
public:
    enum class Kind : uint8_t { answer, session, old_transport, subscription };
    static constexpr size_t events_max = 128;                  // of one stream; then the oldest go
    static constexpr size_t bytes_max = 1u << 20;              // likewise
    static constexpr size_t old_bytes_max = size_t{16} << 20;  // of old_transport: whole results
    static constexpr size_t bytes_total_max = size_t{64} << 20;  // of all; half for results
    static constexpr size_t streams_max = 65'536;
    // cost_of() what all subscriptions follow; what sessions follow is in SessionStates.
    static constexpr size_t uri_bytes_total_max = size_t{64} << 20;
    static constexpr loop::Duration kept_for = std::chrono::seconds(60);  // with nobody attached

    struct Stream;
    using StreamPtr = std::shared_ptr<Stream>;

    // `states` outlives it.
    explicit EventStreams(const SessionStates* states) : states_(*states) {}

    // `id` is fresh and random. Null: streams_max, or uri_bytes_total_max. A session's own stream
    // that is there already is given instead of a second one.
    [[nodiscard]] StreamPtr open(Kind kind, StreamId id, const SessionNonce& session,
                                 Interest interest, loop::Instant now);
    // Null: never opened, over for too long, or of another session.
    [[nodiscard]] StreamPtr find(StreamId id, const SessionNonce& session);
    // The session's own stream; null until it was opened.
    [[nodiscard]] StreamPtr find_session_stream(const SessionNonce& session);

    [[nodiscard]] static StreamId id_of(const StreamPtr& stream);

    // The event's number; 0 where it was not kept.
    uint32_t append(const StreamPtr& stream, EventData data);
    uint32_t append(const StreamPtr& stream, std::string data) {
        return append(stream, std::make_shared<const std::string>(std::move(data)));
    }
    // No more events come. What is there can still be taken.
    void end(const StreamPtr& stream, loop::Instant now);
    // The session is over: its streams end and nobody finds them again.
    void end_session(const SessionNonce& session, loop::Instant now);

    // One connection's hold on a stream, in the frame of the task that serves it. The watcher
    // before it, if there is one, is told to end.
    class Watcher {
    public:
        // Begins behind event `after`.
        Watcher(EventStreams* streams, StreamPtr stream, uint32_t after, loop::WakeList* wakes,
                loop::Loop* loop);
        ~Watcher();
        Watcher(const Watcher&) = delete;
        Watcher& operator=(const Watcher&) = delete;

        struct Batch {
            std::vector<StreamEvent> events;
            bool is_over = false;      // and there will be no more
            bool is_replaced = false;  // another connection has the stream now
        };
        // What came since the last time. Then await waiter().wait().
        [[nodiscard]] Batch take();
        [[nodiscard]] loop::Waiter& waiter() { return waiter_; }

    private:
        friend class EventStreams;
        EventStreams& streams_;
        const StreamPtr stream_;
        uint32_t after_;
        bool is_replaced_ = false;  // guarded
        loop::Loop& loop_;
        loop::Waiter waiter_;
    };
    // Behind what the last watcher has taken: for a client that comes back without an event's id.
    [[nodiscard]] uint32_t taken(const StreamPtr& stream) const;

    // To every session's stream and to the subscriptions that want it. Any thread.
    void publish(const ListChanges& changes);
    // The server drains: every stream is over.
    void close();
    [[nodiscard]] size_t count() const;

private:
    uint32_t append_locked(Stream& stream, EventData data);
    // `common`: the text for all who have no subscription's id, written by the first of them.
    void append_update(Stream& stream, const UpdatedResource& resource, EventData& common);
    void drop_front(Stream& stream);
    void forget(std::map<StreamId, StreamPtr>::iterator at);
    void sweep(loop::Instant now);

    const SessionStates& states_;
    mutable std::mutex mutex_;
    std::map<StreamId, StreamPtr> streams_;
    std::map<SessionNonce, StreamPtr> by_session_;
    size_t bytes_ = 0;
    size_t uri_bytes_ = 0;
    loop::Instant swept_{};
    bool is_closed_ = false;
};

}  // namespace fluxgate::rpc
