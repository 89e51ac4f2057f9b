// SIGTERM, SIGINT and SIGHUP as calls on one loop's thread (a signalfd that its ring polls).
#pragma once

#include <cstdint>
#include <memory>

#include "loop/loop.h"
#include "loop/poll.h"
#include "loop/result.h"

namespace fluxgate::loop {

class Signals final : private PollOp::Sink {
public:
    enum class Kind : uint8_t {
        drain,      // the first SIGTERM or SIGINT
        terminate,  // any later one: at once
        reload,     // SIGHUP
    };
    class Handler {
    public:
        virtual void signal_received(Kind kind) = 0;
        virtual void signals_closed() = 0;  // after close(); the last call

    protected:
        ~Handler() = default;
    };

    // Blocks them for this thread and all that it starts. Call in main() before any thread exists;
    // SIGPIPE is ignored too.
    static void block();

    [[nodiscard]] static Result<std::unique_ptr<Signals>> create(Loop& loop, Handler& handler);
    ~Signals();  // only after signals_closed()
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    void close() { poll_.close(); }

private:
    Signals(Loop& loop, Handler& handler, int fd);
    void poll_ready(uint32_t events) override;
    void poll_quiet() override;

    Handler& handler_;
    int fd_;
    bool draining_ = false;
    PollOp poll_;
};

}  // namespace fluxgate::loop
