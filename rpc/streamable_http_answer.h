// The answer to one call while it is being made: JSON in the end, or, as soon as there is something
// to tell before that, a stream of events with the result as the last one.
//
// Up to 2025-11-25 the stream of a session is resumable: what the client missed waits in
// EventStreams. In 2024-11-05's transport all goes to the stream of the client's GET instead.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "http/exchange.h"
#include "loop/scope.h"
#include "rpc/calls.h"
#include "rpc/json_reader.h"
#include "rpc/reply.h"
#include "rpc/sessions.h"

namespace fluxgate::rpc {

class CallAnswer final : public CallLink {
public:
    struct Options {
        http::Exchange* exchange = nullptr;
        Sessions* sessions = nullptr;
        JsonReader* reader = nullptr;
        Caller caller;
        loop::Scope* scope = nullptr;        // the call's
        bool can_stream = false;             // the client takes text/event-stream
        EventStreams::StreamPtr old_stream;  // of 2024-11-05's transport
        std::string_view id;                 // the request's, raw; outlives this
    };
    explicit CallAnswer(Options options);
    ~CallAnswer();  // after stop()

    // ClientLink, CallLink
    [[nodiscard]] loop::Task<void> progress(double progress, double total,
                                            std::string_view message) override;
    [[nodiscard]] loop::Task<void> log(LogLevel level, std::string_view logger,
                                       std::string_view data) override;
    [[nodiscard]] loop::Task<void> hang_up() override;
    [[nodiscard]] loop::Task<std::expected<const Json*, std::string>> ask(
        loop::Scope* scope, const InputRequired* required) override;

    // Tells the client now and then that the call goes on, if it asked for progress and the work
    // tells nothing itself. An open stream ends as the others do (carry_events) when the caller's
    // credential no longer holds, and the call with it.
    void start();
    // Awaited before finish(), abandon(), and the end.
    [[nodiscard]] loop::Task<void> stop();

    [[nodiscard]] bool is_streaming() const { return has_begun_; }
    // The credential no longer holds: the call was cancelled, and its stream is to be abandoned.
    [[nodiscard]] bool is_refused() const { return is_refused_; }
    // The last event, which is moved from, and the end of the stream. Only while is_streaming().
    [[nodiscard]] loop::Task<void> finish(loop::BlockChain* message);
    // The end without a result: the call was cancelled.
    void abandon();

private:
    [[nodiscard]] bool begin();
    [[nodiscard]] loop::Task<void> send(std::string message);
    [[nodiscard]] std::string keep(EventData data);
    [[nodiscard]] loop::Task<void> write(loop::BlockChain frames);
    [[nodiscard]] loop::Task<void> tell_progress(double progress, double total,
                                                 std::string_view message);
    [[nodiscard]] loop::Task<void> tick();
    [[nodiscard]] loop::Task<void> tell_that_it_goes_on(loop::Duration for_so_long);
    [[nodiscard]] bool is_open() const { return has_begun_ && !has_hung_up_; }
    [[nodiscard]] loop::Duration until_next_tick() const;
    [[nodiscard]] std::string event_id(uint32_t number) const;
    Options options_;
    loop::Scope ticking_;
    EventStreams::StreamPtr stream_;  // keeps what is sent; null where nobody can come back
    StreamId stream_id_ = 0;
    double progress_ = 0;  // the last one
    bool has_told_progress_ = false;
    bool is_work_telling_ = false;  // then we do not
    double told_by_us_ = 0;         // until it began
    bool has_begun_ = false;
    bool has_hung_up_ = false;
    bool is_refused_ = false;
    loop::Instant written_at_{};
    loop::Instant checked_at_{};  // the credential
};

}  // namespace fluxgate::rpc
