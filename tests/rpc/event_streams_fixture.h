// Streams of two sessions, and what a watcher of one takes.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "rpc/event_streams.h"
#include "tests/rpc/fake_tool.h"

namespace fluxgate::test {

inline constexpr rpc::SessionNonce alice{1};
inline constexpr rpc::SessionNonce bob{2};

class EventStreamsFixture : public testing::Test {
protected:
    using Kind = rpc::EventStreams::Kind;

    EventStreamsFixture() { wakes_.attach(loop_.get()); }
    rpc::EventStreams::StreamPtr open(Kind kind, rpc::StreamId id,
                                      const rpc::SessionNonce& session = alice,
                                      rpc::Interest interest = {}) {
        return streams_.open(kind, id, session, std::move(interest), loop_.get()->now());
    }
    std::unique_ptr<rpc::EventStreams::Watcher> watch(const rpc::EventStreams::StreamPtr& stream,
                                                      uint32_t after = 0) {
        return std::make_unique<rpc::EventStreams::Watcher>(&streams_, stream, after, &wakes_,
                                                            loop_.get());
    }
    // "1a 2b" for the events a and b; "." where the stream is over, "/" where it was replaced.
    static std::string taken(rpc::EventStreams::Watcher& watcher) {
        const rpc::EventStreams::Watcher::Batch batch = watcher.take();
        std::string text;
        for (const rpc::StreamEvent& event : batch.events) {
            if (!text.empty()) text += ' ';
            text += std::to_string(event.number) + *event.data;
        }
        if (batch.is_over) text += '.';
        if (batch.is_replaced) text += '/';
        return text;
    }
    std::string kept(const rpc::EventStreams::StreamPtr& stream, uint32_t after = 0) {
        return taken(*watch(stream, after));
    }
    // Another stream is opened after all that is too old went.
    void sweep() {
        loop_.advance(rpc::EventStreams::kept_for + std::chrono::seconds(6));
        ASSERT_NE(open(Kind::answer, ++sweeper_, bob), nullptr);
    }

    loop::WakeList wakes_;  // outlives the loop
    TestLoop loop_;
    rpc::SessionStates states_;
    rpc::EventStreams streams_{&states_};
    rpc::StreamId sweeper_ = 1'000'000;
};

}  // namespace fluxgate::test
