// A byte stream of one connection, as its protocol sees it: plain TCP (loop/socket), TLS later, and
// an in-memory pair in tests. One reader, one writer.
//
// Completion style: the stream calls its Sink, on the loop's thread, never from inside a call that
// the sink made. Closing is: close() -> the kernel gives every buffer back ->
// Sink::stream_closed(), the last call; only then may the stream, or what it was given to send, be
// freed.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>

#include "loop/result.h"

namespace fluxgate::loop {

class Stream {
public:
    // Readable bytes that are guaranteed behind what stream_received() is given.
    static constexpr size_t receive_padding_bytes = 64;

    class Sink {
    public:
        // `bytes` is valid during the call only.
        virtual void stream_received(std::span<const char> bytes) = 0;
        // The peer sent FIN (`closed`), or the connection broke. No stream_received() follows.
        virtual void stream_ended(const Error& reason) = 0;
        // The send() that was under way has ended: all of it, or the error.
        virtual void stream_sent(Result<size_t> result) = 0;
        virtual void stream_closed() = 0;

    protected:
        ~Sink() = default;
    };

    virtual ~Stream() = default;
    virtual void set_sink(Sink& sink) = 0;

    // Receiving is off at first. Turning it off may still deliver what was under way.
    virtual void start_receiving() = 0;
    virtual void stop_receiving() = 0;
    // At most one send at a time. `parts` (at most send_parts_max) are copied, what they point to
    // is not: it must stay until stream_sent().
    virtual void send(std::span<const iovec> parts) = 0;
    static constexpr size_t send_parts_max = 64;

    // Sends FIN after what was sent; receiving goes on.
    virtual void shutdown_send() = 0;
    // reset: the peer gets RST and unsent bytes are dropped.
    enum class CloseMode { orderly, reset };
    virtual void close(CloseMode mode) = 0;
};

}  // namespace fluxgate::loop
