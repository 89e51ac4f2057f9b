// Every maximum of the HTTP side, with its answer. Sizes in bytes, times in milliseconds.
//
// The defaults of docs/configuration.md; only what an operator has a reason to change is a key
// there (app/config_options.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace fluxgate::http {

struct Limits {
    size_t target_bytes_max = 8192;  // 414, close
    size_t method_bytes_max = 16;    // 501, close
    size_t head_bytes_max = 16384;   // request line + fields + trailers, <= 65,535: 431, close
    size_t fields_max = 100;         // with trailers, <= 255: 431, close
    size_t empty_lines_max = 2;      // before a request: 400, close
    size_t chunk_overhead_bytes_max = 16384;  // size lines, extensions, zero padding: 400, close;
    size_t chunk_body_bytes_per_overhead_byte = 16;  // so much body allows one more, or 10 MiB in
                                                     // small chunks would not pass
    size_t chunk_line_bytes_max = 64;                // 400, close
    size_t body_bytes_max = 10'485'760;              // passes; one more: 413, close
    size_t bodies_bytes_max = 128u << 20;            // of all connections of a core: 503, close
    uint32_t head_timeout_ms = 10'000;        // from the first byte, not reset by later ones: 408
    uint32_t body_idle_timeout_ms = 30'000;   // without progress: 408
    uint32_t body_rate_grace_ms = 10'000;     // after it, the average must be
    size_t body_bytes_per_second_min = 4096;  // at least this: 408
    uint32_t write_idle_timeout_ms = 30'000;  // without progress: RST
    uint32_t write_rate_grace_ms = 30'000;
    size_t write_bytes_per_second_min = 4096;
    uint32_t keep_alive_timeout_ms = 75'000;
    uint32_t requests_per_connection_max = 10'000;
    size_t pipelined_requests_max = 16;       // answered ahead of the peer's reading
    size_t read_ahead_bytes_max = 64 * 1024;  // received behind a request that is being answered
    size_t unsent_bytes_max = 256 * 1024;     // then no more is read until below half
    size_t send_bytes_max = 64 * 1024;        // of one send: progress is seen between sends
    size_t lingering_bytes_max =
        64 * 1024;  // discarded after a refusal, so that RST does not eat it
    uint32_t lingering_timeout_ms = 1'000;
    size_t connections_per_address_max = 256;  // v6: per /64
    uint32_t drain_timeout_ms = 30'000;
};

}  // namespace fluxgate::http
