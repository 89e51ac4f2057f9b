#include "rpc/event_streams.h"

#include <utility>

#include "loop/check.h"
#include "loop/loop.h"
#include "rpc/list_changed.h"

namespace fluxgate::rpc {

namespace {

constexpr loop::Duration sweep_every = std::chrono::seconds(5);

// Whoever loses the connection to such a stream can come back for what it missed.
bool is_resumable(EventStreams::Kind kind) {
    return kind == EventStreams::Kind::answer || kind == EventStreams::Kind::session;
}

EventData share(std::string data) {
    return std::make_shared<const std::string>(std::move(data));
}

// Results leave room for notifications: those are small, and nothing else says what they say.
size_t total_max(EventStreams::Kind kind) {
    const bool has_results =
        kind == EventStreams::Kind::answer || kind == EventStreams::Kind::old_transport;
    return has_results ? EventStreams::bytes_total_max / 2 : EventStreams::bytes_total_max;
}

}  // namespace

// All of it is guarded but what is const.
struct EventStreams::Stream {
    const Kind kind;
    const StreamId id;
    const SessionNonce session;
    const Interest interest;
    std::deque<StreamEvent> events = {};
    size_t bytes = 0;
    uint32_t last = 0;   // the number of the newest event
    uint32_t taken = 0;  // of the newest one that a watcher has taken
    bool is_over = false;
    Watcher* watcher = nullptr;
    loop::Instant left_at{};  // since when nobody is attached
};

EventStreams::StreamPtr EventStreams::open(Kind kind, StreamId id, const SessionNonce& session,
                                           Interest interest, loop::Instant now) {
    const std::scoped_lock lock(mutex_);
    sweep(now);
    if (kind == Kind::session) {  // two cores may want it at the same time
        if (const auto own = by_session_.find(session); own != by_session_.end()) {
            return own->second;
        }
    }
    const size_t uri_bytes = cost_of(interest.uris);
    if (streams_.size() >= streams_max || uri_bytes_ + uri_bytes > uri_bytes_total_max) {
        return nullptr;
    }
    StreamPtr stream(new Stream{.kind = kind,
                                .id = id,
                                .session = session,
                                .interest = std::move(interest),
                                .is_over = is_closed_ && kind != Kind::answer,
                                .left_at = now});
    if (!streams_.emplace(id, stream).second) return nullptr;
    uri_bytes_ += uri_bytes;
    if (kind == Kind::session) by_session_[session] = stream;
    return stream;
}

EventStreams::StreamPtr EventStreams::find(StreamId id, const SessionNonce& session) {
    const std::scoped_lock lock(mutex_);
    const auto at = streams_.find(id);
    if (at == streams_.end() || at->second->session != session) return nullptr;
    return at->second;
}

EventStreams::StreamPtr EventStreams::find_session_stream(const SessionNonce& session) {
    const std::scoped_lock lock(mutex_);
    const auto at = by_session_.find(session);
    return at == by_session_.end() ? nullptr : at->second;
}

StreamId EventStreams::id_of(const StreamPtr& stream) {
    return stream->id;
}

uint32_t EventStreams::append(const StreamPtr& stream, EventData data) {
    const std::scoped_lock lock(mutex_);
    return append_locked(*stream, std::move(data));
}

uint32_t EventStreams::append_locked(Stream& stream, EventData data) {
    const size_t bytes = data->size();
    const size_t most = stream.kind == Kind::old_transport ? old_bytes_max : bytes_max;
    if (stream.is_over || bytes > most) return 0;
    if (bytes_ + bytes > bytes_total_max / 2) {
        // Room for what nobody has heard of goes before the past of those who may come back.
        while (!stream.events.empty() && stream.events.front().number <= stream.taken) {
            drop_front(stream);
        }
    }
    if (bytes_ + bytes > total_max(stream.kind)) return 0;
    stream.bytes += bytes;
    bytes_ += bytes;
    stream.events.push_back({.number = ++stream.last, .data = std::move(data)});
    while (stream.events.size() > events_max || stream.bytes > most) {
        drop_front(stream);
    }
    if (stream.watcher != nullptr) stream.watcher->waiter_.wake();
    return stream.last;
}

void EventStreams::drop_front(Stream& stream) {
    const size_t bytes = stream.events.front().data->size();
    stream.bytes -= bytes;
    bytes_ -= bytes;
    stream.events.pop_front();
}

void EventStreams::end(const StreamPtr& stream, loop::Instant now) {
    const std::scoped_lock lock(mutex_);
    stream->is_over = true;
    if (stream->watcher != nullptr) {
        stream->watcher->waiter_.wake();
    } else {
        stream->left_at = now;
    }
}

void EventStreams::end_session(const SessionNonce& session, loop::Instant now) {
    const std::scoped_lock lock(mutex_);
    for (auto at = streams_.begin(); at != streams_.end();) {
        const auto next = std::next(at);
        Stream& stream = *at->second;
        if (stream.session == session) {
            stream.is_over = true;
            stream.left_at = now;
            if (stream.watcher != nullptr) stream.watcher->waiter_.wake();
            forget(at);
        }
        at = next;
    }
}

void EventStreams::forget(std::map<StreamId, StreamPtr>::iterator at) {
    const StreamPtr stream = at->second;
    streams_.erase(at);
    uri_bytes_ -= cost_of(stream->interest.uris);
    stream->is_over = true;  // whoever still writes to it would fill a queue that nobody empties
    while (!stream->events.empty() && stream->watcher == nullptr) {
        drop_front(*stream);
    }
    const auto own = by_session_.find(stream->session);
    if (own != by_session_.end() && own->second == stream) by_session_.erase(own);
}

void EventStreams::sweep(loop::Instant now) {
    if (now - swept_ < sweep_every) return;
    swept_ = now;
    for (auto at = streams_.begin(); at != streams_.end();) {
        const auto next = std::next(at);
        const Stream& stream = *at->second;
        // An answer's stream without a watcher may still be written by its call.
        const bool is_running = stream.kind == Kind::answer && !stream.is_over;
        if (stream.watcher == nullptr && !is_running && now - stream.left_at >= kept_for) {
            forget(at);
        }
        at = next;
    }
}

uint32_t EventStreams::taken(const StreamPtr& stream) const {
    const std::scoped_lock lock(mutex_);
    return stream->taken;
}

void EventStreams::publish(const ListChanges& changes) {
    UriIndex updated;
    for (size_t i = 0; i < changes.updated.size(); ++i)
        updated.emplace(changes.updated[i].uri, i);
    // What all who have no subscription's id are told, once for all of them.
    const EventData tools = share(tools_list_changed({}));
    const EventData prompts = share(prompts_list_changed({}));
    const EventData resources = share(resources_list_changed({}));
    std::vector<EventData> updates(changes.updated.size());  // as they are needed
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, stream] : streams_) {
        if (stream->kind == Kind::answer) continue;
        const bool is_subscription = stream->kind == Kind::subscription;
        const Interest& interest = stream->interest;
        const std::string_view id = interest.subscription_id;
        const bool is_reader = (changes.readers & UpdatedResource::bit(interest.role)) != 0;
        if (is_reader && changes.tools && (!is_subscription || interest.tools)) {
            append_locked(*stream, is_subscription ? share(tools_list_changed(id)) : tools);
        }
        if (is_reader && changes.prompts && (!is_subscription || interest.prompts)) {
            append_locked(*stream, is_subscription ? share(prompts_list_changed(id)) : prompts);
        }
        if (is_reader && changes.resources && (!is_subscription || interest.resources)) {
            append_locked(*stream, is_subscription ? share(resources_list_changed(id)) : resources);
        }
        for (const size_t i : is_subscription ? find_followed(interest.uris, updated)
                                              : states_.followed(stream->session, updated)) {
            append_update(*stream, changes.updated[i], updates[i]);
        }
    }
}

void EventStreams::append_update(Stream& stream, const UpdatedResource& resource,
                                 EventData& common) {
    const Interest& interest = stream.interest;
    if ((resource.readers & UpdatedResource::bit(interest.role)) == 0) return;
    if (!interest.subscription_id.empty()) {
        append_locked(stream, share(resource_updated(resource.uri, interest.subscription_id)));
        return;
    }
    if (common == nullptr) common = share(resource_updated(resource.uri, {}));
    append_locked(stream, common);
}

void EventStreams::close() {
    const std::scoped_lock lock(mutex_);
    is_closed_ = true;
    for (const auto& [id, stream] : streams_) {
        if (stream->kind == Kind::answer) continue;  // its call ends it
        stream->is_over = true;
        if (stream->watcher != nullptr) stream->watcher->waiter_.wake();
    }
}

size_t EventStreams::count() const {
    const std::scoped_lock lock(mutex_);
    return streams_.size();
}

EventStreams::Watcher::Watcher(EventStreams* streams, StreamPtr stream, uint32_t after,
                               loop::WakeList* wakes, loop::Loop* loop)
    : streams_(*streams), stream_(std::move(stream)), after_(after), loop_(*loop), waiter_(wakes) {
    const std::scoped_lock lock(streams_.mutex_);
    if (Watcher* before = std::exchange(stream_->watcher, this); before != nullptr) {
        before->is_replaced_ = true;
        before->waiter_.wake();
    }
}

EventStreams::Watcher::~Watcher() {
    const std::scoped_lock lock(streams_.mutex_);
    if (stream_->watcher != this) return;
    stream_->watcher = nullptr;
    stream_->left_at = loop_.now();
    const auto at = streams_.streams_.find(stream_->id);
    const bool is_forgotten = at == streams_.streams_.end() || at->second != stream_;
    if (is_forgotten) {
        while (!stream_->events.empty()) {
            streams_.drop_front(*stream_);
        }
    } else if (stream_->kind == Kind::subscription || stream_->kind == Kind::old_transport) {
        streams_.forget(at);  // nobody can come back to it
    }
}

EventStreams::Watcher::Batch EventStreams::Watcher::take() {
    Batch batch;
    const std::scoped_lock lock(streams_.mutex_);
    batch.is_replaced = is_replaced_;
    if (is_replaced_) return batch;
    for (const StreamEvent& event : stream_->events) {
        if (event.number > after_) batch.events.push_back(event);
    }
    after_ = std::max(after_, stream_->last);
    stream_->taken = std::max(stream_->taken, after_);
    while (!is_resumable(stream_->kind) && !stream_->events.empty()) {
        streams_.drop_front(*stream_);
    }
    batch.is_over = stream_->is_over;
    return batch;
}

}  // namespace fluxgate::rpc
