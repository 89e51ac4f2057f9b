// Formats one log line; a part of loop/log.cc that can be tested without threads. Not for others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "loop/clock.h"
#include "loop/log.h"

namespace fluxgate::loop::log {

// "2027-01-15T08:00:00.123456Z ". The part down to the second is kept from line to line.
class Timestamp {
public:
    static constexpr size_t bytes = 28;
    // Writes `bytes` characters.
    void write(WallTime now, char* out);

private:
    int64_t second_ = -1;
    std::array<char, bytes> text_{};
};

// One line with its newline, at most line_bytes_max.
class LineBuffer {
public:
    void format(std::string_view timestamp, Level level, std::string_view event, int64_t core,
                std::initializer_list<Field> fields);
    [[nodiscard]] std::string_view line() const { return {bytes_.data(), size_}; }

private:
    static constexpr std::string_view truncated_mark = " truncated=1\n";
    static constexpr size_t body_bytes_max = line_bytes_max - truncated_mark.size();

    [[nodiscard]] size_t room() const { return body_bytes_max - size_; }
    // False, and nothing written, where it does not fit.
    bool append_field(const Field& field);
    bool append_value(std::string_view text);
    void append(std::string_view text);
    void append_number(int64_t number);

    std::array<char, line_bytes_max> bytes_;
    size_t size_ = 0;
};

}  // namespace fluxgate::loop::log
