// Structured log lines: one event a line, `time level event key=value ...`, written by one thread.
//
//   2027-01-15T08:00:00.123456Z info request loop=0 method=POST path=/mcp status=200 us=412
//
// The request path appends to its thread's own ring buffer and never blocks or allocates (after the
// first line): when the buffer is full the line is dropped and counted. It makes a system call only
// to wake a writer that sleeps, which in a busy stretch it does not. A writer thread drains all
// buffers in batches, about `batch_ms` apart, and tells of drops in a line of its own. Values are
// escaped; never give it a credential, SQL text, a parameter or a body.
//
// Nothing is written, and nothing costs more than one load, before set_fd().
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>

#include "loop/clock.h"

namespace fluxgate::loop::log {

inline constexpr size_t thread_buffer_bytes = 256 * 1024;
inline constexpr size_t line_bytes_max = 2048;  // what does not fit is left out: `truncated=1`
inline constexpr size_t value_bytes_max = 512;  // a longer value ends in `...`
inline constexpr int batch_ms = 10;

enum class Level : uint8_t { debug, info, warn, error };

struct Field {
    std::string_view key;  // static text: [a-z0-9_]+
    std::string_view text;
    int64_t number = 0;
    bool is_number = false;
    Field(std::string_view key, std::string_view text) : key(key), text(text) {}
    Field(std::string_view key, const char* text) : key(key), text(text) {}
    template <class Integer>
        requires std::is_integral_v<Integer>
    Field(std::string_view key, Integer number)
        : key(key), number(static_cast<int64_t>(number)), is_number(true) {}
};

// `event` is static text: one fixed word or words_with_underscores. From any thread.
void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});
inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::info, event, fields);
}
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::warn, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::error, event, fields);
}
// A line of another format that is complete but for its newline, at most line_bytes_max - 1 bytes
// (a longer one is dropped and counted). For the access log; goes the same way and obeys set_fd(),
// not the level.
void write_line(std::string_view line);
// Whether write() at this level does anything, where the fields cost something to compute.
[[nodiscard]] bool enabled(Level level);

void set_level(Level minimum);
// Where lines go; app/ sets stderr. Starts the writer thread. Until then nothing is written
// (library folders never print). -1 writes what there is, ends the writer thread and silences the
// log again. The fd stays the caller's. Not from two threads at once.
void set_fd(int fd);
// Adds `loop=<core>` to the lines of this thread from now on.
void set_loop(uint32_t core);
// Waits until all lines that this thread wrote before are written, `wait_max` at the most (the
// reader of the pipe may be stuck); false then. For exit and tests, never on a loop's request path.
bool flush(Duration wait_max = std::chrono::seconds(2));
// Lines dropped because the writer was behind, or because the fd failed.
[[nodiscard]] uint64_t dropped();

}  // namespace fluxgate::loop::log
