#include "tools/scalar_json.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace fluxgate::tools {
namespace {

using loop::BlockChain;
using rpc::Escape;

// Key, value and quote go into one reserved piece up to this size; BlockChain::reserve allows more.
constexpr size_t piece_bytes_max = 4096;

template <Escape level>
constexpr std::string_view quote = level == Escape::once ? "\"" : "\\\"";

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Copies up to 32 bytes with fixed moves where `from` has them to read; the target has room for
// them.
char* copy_key(char* out, std::string_view key) {
    std::memcpy(out, key.data(), KeyText::readable_bytes);
    if (key.size() > KeyText::readable_bytes) [[unlikely]] {
        std::memcpy(out, key.data(), key.size());
    }
    return out + key.size();
}

// As memcpy, for values that are mostly short: two moves that overlap instead of a call.
template <size_t bytes>
void copy_ends(char* out, const char* from, size_t size) {
    std::memcpy(out, from, bytes);
    std::memcpy(out + size - bytes, from + size - bytes, bytes);
}
inline char* copy_short(char* out, std::string_view text) {
    const size_t size = text.size();
    if (size > 32) {
        std::memcpy(out, text.data(), size);
    } else if (size >= 16) {
        copy_ends<16>(out, text.data(), size);
    } else if (size >= 8) {
        copy_ends<8>(out, text.data(), size);
    } else if (size >= 4) {
        copy_ends<4>(out, text.data(), size);
    } else {
        for (size_t i = 0; i < size; ++i) {
            out[i] = text[i];
        }
    }
    return out + size;
}

// Copies 16 bytes; false (and then what was written does not count) if an escaper has to look at
// one of them: a control character, a quote, a backslash, or what is beyond ASCII.
inline bool copy_clean_16(char* out, const char* from) {
#if defined(__SSE2__)
    __m128i bytes;
    std::memcpy(&bytes, from, sizeof bytes);
    std::memcpy(out, &bytes, sizeof bytes);
    // Signed: what is beyond ASCII is below 0x20 too.
    const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
    const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    return _mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quotes, backslashes))) == 0;
#else
    bool is_clean = true;
    for (size_t i = 0; i < 16; ++i) {
        const char c = from[i];
        is_clean = is_clean && static_cast<signed char>(c) >= 0x20 && c != '"' && c != '\\';
        out[i] = c;
    }
    return is_clean;
#endif
}

// Copies `text` up to a block that holds something to escape; the length of what was copied. `out`
// has room for 16 bytes at least.
inline size_t copy_clean(char* out, std::string_view text) {
    const char* from = text.data();
    const size_t size = text.size();
    if (size < 16) {
        std::array<char, 16> padded;
        padded.fill(' ');
        copy_short(padded.data(), text);
        return copy_clean_16(out, padded.data()) ? size : 0;
    }
    size_t at = 0;
    for (; at + 16 <= size; at += 16) {
        if (!copy_clean_16(out + at, from + at)) {
            return at;
        }
    }
    return at == size || copy_clean_16(out + size - 16, from + size - 16) ? size : at;
}

template <Escape level>
void append_quoted_plain(BlockChain& out, const KeyText& key,
                         std::initializer_list<std::string_view> parts) {
    out.append(key.quoted<level>());
    for (std::string_view part : parts) {
        out.append(part);
    }
    out.append(quote<level>);
}

constexpr std::array<uint8_t, 256> hex_values = [] {
    std::array<uint8_t, 256> values;
    values.fill(0xFF);
    for (uint8_t i = 0; i < 10; ++i) {
        values[static_cast<size_t>('0') + i] = i;
    }
    for (uint8_t i = 0; i < 6; ++i) {
        values[static_cast<size_t>('a') + i] = values[static_cast<size_t>('A') + i] =
            static_cast<uint8_t>(10 + i);
    }
    return values;
}();

constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_hex(std::string_view digits) {
    uint8_t seen = 0;
    for (char c : digits) {
        seen |= hex_values[static_cast<unsigned char>(c)];
    }
    return digits.size() % 2 == 0 && seen != 0xFF;
}

// Up to six valid hex digits -> four base64 digits.
void encode_group(std::string_view hex, char* out) {
    uint32_t bits = 0;
    for (size_t i = 0; i < 6; ++i) {
        bits = bits << 4 | (i < hex.size() ? hex_values[static_cast<unsigned char>(hex[i])] : 0u);
    }
    for (size_t i = 0; i < 4; ++i) {
        out[i] = base64_digits[bits >> (18 - 6 * i) & 0x3Fu];
    }
    if (hex.size() < 6) {
        out[3] = '=';
    }
    if (hex.size() < 4) {
        out[2] = '=';
    }
}

}  // namespace

template <Escape level>
void append_text(BlockChain& out, const KeyText& key, std::string_view text) {
    const std::string_view before = key.quoted<level>();
    const size_t room = before.size() + text.size() + quote<level>.size();
    if (room > piece_bytes_max) {
        out.append(before);
        rpc::append_escaped<level>(out, text);
        out.append(quote<level>);
        return;
    }
    char* const start = out.reserve(room + KeyText::readable_bytes);
    char* const value = copy_key(start, before);
    const size_t copied = copy_clean(value, text);
    if (copied == text.size()) {
        std::memcpy(value + copied, quote<level>.data(), quote<level>.size());
        out.commit(room);
        return;
    }
    out.commit(before.size() + copied);
    rpc::append_escaped<level>(out, text.substr(copied));
    out.append(quote<level>);
}

template <Escape level>
void append_bare(BlockChain& out, const KeyText& key, std::string_view token) {
    const std::string_view before = key.bare<level>();
    if (before.size() + token.size() > piece_bytes_max) {
        out.append(before);
        out.append(token);
        return;
    }
    char* const start = out.reserve(before.size() + token.size() + KeyText::readable_bytes);
    const char* const end = copy_short(copy_key(start, before), token);
    out.commit(static_cast<size_t>(end - start));
}

bool is_json_number(std::string_view text) {
    const char* at = text.data();
    const char* const end = at + text.size();
    const auto digits = [&at, end] {
        const char* const start = at;
        while (at != end && is_digit(*at)) {
            ++at;
        }
        return at != start;
    };
    if (at != end && *at == '-') {
        ++at;
    }
    if (at != end && *at == '0') {
        ++at;
    } else if (!digits()) {
        return false;
    }
    if (at != end && *at == '.') {
        ++at;
        if (!digits()) {
            return false;
        }
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
        ++at;
        if (at != end && (*at == '+' || *at == '-')) {
            ++at;
        }
        if (!digits()) {
            return false;
        }
    }
    return at == end;
}

template <Escape level>
void append_number(BlockChain& out, const KeyText& key, std::string_view text) {
    if (is_json_number(text)) {
        append_bare<level>(out, key, text);
    } else {
        append_text<level>(out, key, text);  // NaN, Infinity, -Infinity
    }
}

template <Escape level>
void append_json(BlockChain& out, const KeyText& key, std::string_view json) {
    if (json.empty()) {  // no JSON text is empty
        append_text<level>(out, key, json);
        return;
    }
    out.append(key.bare<level>());
    if constexpr (level == Escape::twice) {
        rpc::append_escaped<Escape::once>(out, json);
    } else {
        // A line end can only stand between tokens; as a space it fits into an event stream too,
        // whose data is one line.
        while (true) {
            const size_t line = std::min(json.find_first_of("\r\n"), json.size());
            out.append(json.substr(0, line));
            if (line == json.size()) {
                break;
            }
            out.append(' ');
            json.remove_prefix(line + 1);
        }
    }
}

// The form that nearly all have: four digits of a year, UTC or no zone. What is in between is only
// copied.
template <Escape level>
bool append_usual_timestamp(BlockChain& out, const KeyText& key, std::string_view text,
                            bool has_zone) {
    constexpr size_t size_max = 29;  // 2024-01-15 10:00:00.123456+00
    const size_t zone_bytes = has_zone ? 3 : 0;
    if (text.size() < 19 + zone_bytes || text.size() > size_max || text[4] != '-' ||
        text[10] != ' ' || text[13] != ':') {
        return false;
    }
    const std::string_view time = text.substr(0, text.size() - zone_bytes);
    const char* const zone = time.data() + time.size();
    if (has_zone && (zone[0] != '+' || zone[1] != '0' || zone[2] != '0')) {
        return false;
    }
    if (!is_digit(time.back()) || (time.size() > 19 && time[19] != '.')) {
        return false;
    }
    const std::string_view before = key.quoted<level>();
    if (before.size() > piece_bytes_max) {
        return false;
    }
    char* const start = out.reserve(before.size() + size_max + KeyText::readable_bytes);
    char* next = copy_key(start, before);
    if (copy_clean(next, time) != time.size()) {
        return false;  // nothing is committed
    }
    next[10] = 'T';
    next += time.size();
    if (has_zone) {
        *next++ = 'Z';
    }
    std::memcpy(next, quote<level>.data(), quote<level>.size());
    out.commit(static_cast<size_t>(next - start) + quote<level>.size());
    return true;
}

template <Escape level>
void append_timestamp(BlockChain& out, const KeyText& key, std::string_view text, bool has_zone) {
    if (append_usual_timestamp<level>(out, key, text, has_zone)) {
        return;
    }
    // YYYY-MM-DD HH:MM:SS[.ffffff][+HH[:MM[:SS]]]. Anything else (infinity, BC, another DateStyle)
    // stays.
    const size_t space = text.find(' ');
    const std::string_view date = text.substr(0, space);
    const std::string_view rest =
        space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
    const size_t sign = rest.find_first_of("+-");
    const std::string_view time = rest.substr(0, sign);
    const std::string_view zone =
        sign == std::string_view::npos ? std::string_view() : rest.substr(sign);
    const auto consists_of = [](std::string_view part, std::string_view marks) {
        return std::all_of(part.begin(), part.end(), [marks](char c) {
            return is_digit(c) || marks.find(c) != std::string_view::npos;
        });
    };
    if (date.size() < 10 || time.size() < 8 || zone.empty() == has_zone ||
        !is_digit(date.front()) || !consists_of(date, "-") || !consists_of(time, ":.") ||
        !consists_of(zone.substr(std::min<size_t>(1, zone.size())), ":")) {
        append_text<level>(out, key, text);
        return;
    }
    const bool is_utc = zone == "+00";
    append_quoted_plain<level>(out, key,
                               {date, "T", time, is_utc ? std::string_view("Z") : zone,
                                zone.size() == 3 && !is_utc ? ":00" : ""});
}

template <Escape level>
void append_bytes(BlockChain& out, const KeyText& key, std::string_view hex) {
    if (!hex.starts_with("\\x") || !is_hex(hex.substr(2))) {
        append_text<level>(out, key, hex);  // bytea_output = escape
        return;
    }
    hex.remove_prefix(2);
    out.append(key.quoted<level>());
    constexpr size_t groups_max = piece_bytes_max / 4;
    while (!hex.empty()) {
        const size_t groups = std::min((hex.size() + 5) / 6, groups_max);
        char* const start = out.reserve(4 * groups);
        for (size_t i = 0; i < groups; ++i) {
            encode_group(hex.substr(0, 6), start + 4 * i);
            hex.remove_prefix(std::min<size_t>(6, hex.size()));
        }
        out.commit(4 * groups);
    }
    out.append(quote<level>);
}

template <Escape level>
void append_vector(BlockChain& out, const KeyText& key, std::string_view text) {
    bool is_array = text.size() >= 2 && text.front() == '[' && text.back() == ']';
    std::string_view rest = is_array ? text.substr(1, text.size() - 2) : std::string_view();
    while (is_array && !rest.empty()) {
        const size_t comma = std::min(rest.find(','), rest.size());
        is_array = is_json_number(rest.substr(0, comma)) && comma + 1 != rest.size();
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    if (is_array) {
        append_bare<level>(out, key, text);
    } else {
        append_text<level>(out, key, text);
    }
}

#define FLUX_INSTANTIATE(level)                                                                 \
    template void append_text<level>(BlockChain&, const KeyText&, std::string_view);            \
    template void append_bare<level>(BlockChain&, const KeyText&, std::string_view);            \
    template void append_number<level>(BlockChain&, const KeyText&, std::string_view);          \
    template void append_json<level>(BlockChain&, const KeyText&, std::string_view);            \
    template void append_timestamp<level>(BlockChain&, const KeyText&, std::string_view, bool); \
    template void append_bytes<level>(BlockChain&, const KeyText&, std::string_view);           \
    template void append_vector<level>(BlockChain&, const KeyText&, std::string_view)
FLUX_INSTANTIATE(Escape::once);
FLUX_INSTANTIATE(Escape::twice);
#undef FLUX_INSTANTIATE

}  // namespace fluxgate::tools
