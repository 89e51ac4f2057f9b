#include "loop/log_line.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace fluxgate::loop::log {
namespace {

constexpr size_t number_bytes_max = 20;  // "-9223372036854775808"
constexpr size_t escaped_bytes_max = 4;  // "\x1b"
constexpr std::string_view cut_mark = "...";

// Whatever is not printable ASCII is escaped: a log is read in terminals, and a peer chooses some
// of the values.
constexpr bool is_escaped(uint8_t byte) {
    return byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\';
}
// Such a value is written as it is, without quotes. No branch in the loop, so it becomes vector
// code.
bool is_plain(std::string_view text) {
    uint8_t other = 0;
    for (char character : text) {
        const auto byte = static_cast<uint8_t>(character);
        other |= static_cast<uint8_t>(static_cast<uint8_t>(byte - 0x21) > 0x7e - 0x21);
        other |= static_cast<uint8_t>((byte == '=') | (byte == '"') | (byte == '\\'));
    }
    return other == 0;
}

constexpr std::string_view level_name(Level level) {
    switch (level) {
        case Level::debug:
            return "debug ";
        case Level::info:
            return "info ";
        case Level::warn:
            return "warn ";
        case Level::error:
            return "error ";
    }
    return "error ";
}

size_t write_escaped(uint8_t byte, char* out) {
    constexpr std::string_view digits = "0123456789abcdef";
    out[0] = '\\';
    switch (byte) {
        case '"':
        case '\\':
            out[1] = static_cast<char>(byte);
            return 2;
        case '\n':
            out[1] = 'n';
            return 2;
        case '\r':
            out[1] = 'r';
            return 2;
        case '\t':
            out[1] = 't';
            return 2;
        default:
            out[1] = 'x';
            out[2] = digits[byte >> 4];
            out[3] = digits[byte & 0xf];
            return 4;
    }
}

void write_digits(char* out, int64_t value, size_t count) {
    while (count-- != 0) {
        out[count] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

}  // namespace

void Timestamp::write(WallTime now, char* out) {
    const auto since = std::chrono::floor<std::chrono::microseconds>(now).time_since_epoch();
    const int64_t microseconds = since.count();
    const int64_t second = microseconds / 1'000'000;
    if (second != second_) {
        second_ = second;
        const std::chrono::sys_seconds at{std::chrono::seconds(second)};
        const auto midnight = std::chrono::floor<std::chrono::days>(at);
        const std::chrono::year_month_day date{midnight};
        const std::chrono::hh_mm_ss time{at - midnight};
        std::memcpy(text_.data(), "0000-00-00T00:00:00.000000Z ", bytes);
        write_digits(&text_[0], int{date.year()}, 4);
        write_digits(&text_[5], unsigned{date.month()}, 2);
        write_digits(&text_[8], unsigned{date.day()}, 2);
        write_digits(&text_[11], time.hours().count(), 2);
        write_digits(&text_[14], time.minutes().count(), 2);
        write_digits(&text_[17], time.seconds().count(), 2);
    }
    std::memcpy(out, text_.data(), bytes);
    write_digits(out + 20, microseconds % 1'000'000, 6);
}

void LineBuffer::append(std::string_view text) {
    std::memcpy(bytes_.data() + size_, text.data(), text.size());
    size_ += text.size();
}

void LineBuffer::append_number(int64_t number) {
    char* first = bytes_.data() + size_;
    const auto [end, failed] = std::to_chars(first, first + number_bytes_max, number);
    size_ += static_cast<size_t>(end - first);
}

bool LineBuffer::append_value(std::string_view text) {
    const bool is_cut = text.size() > value_bytes_max;
    text = text.substr(0, value_bytes_max);
    if (room() >= text.size() && !text.empty() && !is_cut && is_plain(text)) {
        append(text);
        return true;
    }
    if (room() < text.size() * escaped_bytes_max + cut_mark.size() + 2) {
        // It may still fit when it needs few escapes: count.
        size_t bytes = cut_mark.size() + 2;
        for (char byte : text) {
            std::array<char, escaped_bytes_max> ignored;
            const auto value = static_cast<uint8_t>(byte);
            bytes += is_escaped(value) ? write_escaped(value, ignored.data()) : 1;
        }
        if (room() < bytes) return false;
    }
    bytes_[size_++] = '"';
    for (char byte : text) {
        const auto value = static_cast<uint8_t>(byte);
        if (is_escaped(value)) {
            size_ += write_escaped(value, bytes_.data() + size_);
        } else {
            bytes_[size_++] = byte;
        }
    }
    if (is_cut) append(cut_mark);
    bytes_[size_++] = '"';
    return true;
}

bool LineBuffer::append_field(const Field& field) {
    const size_t before = size_;
    if (room() < field.key.size() + 2 + number_bytes_max) return false;
    bytes_[size_++] = ' ';
    append(field.key);
    bytes_[size_++] = '=';
    if (field.is_number) {
        append_number(field.number);
        return true;
    }
    if (append_value(field.text)) return true;
    size_ = before;
    return false;
}

void LineBuffer::format(std::string_view timestamp, Level level, std::string_view event,
                        int64_t core, std::initializer_list<Field> fields) {
    size_ = 0;
    append(timestamp);
    append(level_name(level));
    append(event.substr(0, value_bytes_max));
    if (core >= 0) append_field(Field("loop", core));
    for (const Field& field : fields) {
        if (append_field(field)) continue;
        append(truncated_mark);
        return;
    }
    bytes_[size_++] = '\n';
}

}  // namespace fluxgate::loop::log
