// Escaping: vectors of 16 bytes are copied as they are looked at, and only a byte that needs
// something (a quote, a backslash, a control character, a byte of a longer UTF-8 sequence) is
// handled alone.
#include "rpc/json_writer.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <cstring>

#include "rpc/json.h"
#include "rpc/json_reader.h"

namespace fluxgate::rpc {

namespace {

// The longest escape: \\u0001 at level twice.
constexpr size_t escape_bytes_max = 7;
constexpr size_t vector_bytes = 16;
// What one step may write: a vector in which every byte is escaped, the last one copied as 8 bytes.
constexpr size_t step_bytes_max = vector_bytes * escape_bytes_max + 1;
static_assert(step_bytes_max <= loop::BlockChain::reserve_bytes_max);

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

// Copied as a whole; `size` bytes of it count, the next one overwrites the rest.
struct alignas(8) Replacement {
    std::array<char, escape_bytes_max> bytes{};
    uint8_t size = 0;
};
static_assert(sizeof(Replacement) == 8);

constexpr Replacement escape_of(unsigned char byte, Escape level) {
    constexpr std::string_view hex = "0123456789abcdef";
    Replacement result;
    auto put = [&result](char out) { result.bytes[result.size++] = out; };
    const bool twice = level == Escape::twice;
    auto backslash = [&] {
        put('\\');
        if (twice) put('\\');
    };
    switch (byte) {
        case '"':
            backslash();
            if (twice) put('\\');
            put('"');
            return result;
        case '\\':
            backslash();
            backslash();
            return result;
        case '\b':
            backslash(), put('b');
            return result;
        case '\f':
            backslash(), put('f');
            return result;
        case '\n':
            backslash(), put('n');
            return result;
        case '\r':
            backslash(), put('r');
            return result;
        case '\t':
            backslash(), put('t');
            return result;
        default:
            break;
    }
    if (byte >= 0x20) {
        put(static_cast<char>(byte));
        return result;
    }
    backslash();
    for (const char out : {'u', '0', '0', hex[byte >> 4], hex[byte & 15]}) {
        put(out);
    }
    return result;
}

constexpr std::array<Replacement, 256> make_table(Escape level) {
    std::array<Replacement, 256> table{};
    for (size_t byte = 0; byte < table.size(); ++byte) {
        table[byte] = escape_of(static_cast<unsigned char>(byte), level);
    }
    return table;
}

template <Escape level>
constexpr std::array<Replacement, 256> table = make_table(level);

template <class T>
T load(const char* source) {
    T value;
    std::memcpy(&value, source, sizeof value);
    return value;
}

#if defined(__SSE2__)

using Vector = __m128i;

inline Vector load_vector(const char* source) {
    return load<__m128i>(source);
}

// `count` bytes (1 to 15) and nothing behind them; the rest of the vector is zero.
inline Vector load_partial(const char* source, size_t count) {
    if (count >= 8) {
        const uint64_t low = load<uint64_t>(source);
        const uint64_t high = load<uint64_t>(source + count - 8) >> (8 * (16 - count)) % 64;
        return _mm_set_epi64x(static_cast<int64_t>(count == 8 ? 0 : high),
                              static_cast<int64_t>(low));
    }
    uint64_t low = 0;
    if (count >= 4) {
        low = load<uint32_t>(source);
        low |= uint64_t{load<uint32_t>(source + count - 4)} << (8 * (count - 4));
    } else {
        for (size_t i = 0; i < count; ++i) {
            low |= uint64_t{static_cast<unsigned char>(source[i])} << (8 * i);
        }
    }
    return _mm_set_epi64x(0, static_cast<int64_t>(low));
}

inline void store_vector(char* target, Vector block) {
    std::memcpy(target, &block, sizeof block);
}

// One bit for each byte that can not be copied as it is. With `high` those from 0x80 on too.
inline unsigned marks_of(Vector block, bool high) {
    // Bytes from 0x80 on are negative, so as signed ones they are less than a space.
    const __m128i control = high ? _mm_cmplt_epi8(block, _mm_set1_epi8(0x20))
                                 : _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1F)), block);
    const __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    return static_cast<unsigned>(
        _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash))));
}

inline bool has_high(Vector block) {
    return _mm_movemask_epi8(block) != 0;
}

#else

using Vector = std::array<char, vector_bytes>;

inline Vector load_vector(const char* source) {
    return load<Vector>(source);
}

inline Vector load_partial(const char* source, size_t count) {
    Vector block{};
    std::memcpy(block.data(), source, count);
    return block;
}

inline void store_vector(char* target, const Vector& block) {
    std::memcpy(target, block.data(), block.size());
}

inline unsigned marks_of(const Vector& block, bool high) {
    unsigned marks = 0;
    for (size_t i = 0; i < block.size(); ++i) {
        const auto byte = static_cast<unsigned char>(block[i]);
        const bool special = byte < 0x20 || byte == '"' || byte == '\\' || (high && byte >= 0x80);
        marks |= special ? 1U << i : 0U;
    }
    return marks;
}

inline bool has_high(const Vector& block) {
    return std::ranges::any_of(block, [](char byte) { return (byte & 0x80) != 0; });
}

#endif

struct Progress {
    const char* source;  // the first byte that was not handled
    char* target;        // where the next byte goes
};

// Escapes until `end`, until less than a step is left before `target_end`, or, with `high`, until a
// byte from 0x80 on.
template <Escape level>
Progress escape_some(const char* source, const char* end, char* target, const char* target_end,
                     bool high) {
    const char* const last_step = target_end - step_bytes_max;
    const auto replace = [&source, &target] {
        const Replacement& escape = table<level>[static_cast<unsigned char>(*source++)];
        std::memcpy(target, &escape, sizeof escape);
        target += escape.size;
    };
    while (source < end && target <= last_step) {
        const size_t left = std::min(vector_bytes, static_cast<size_t>(end - source));
        Vector block;
        unsigned marks = 0;
        if (left == vector_bytes) [[likely]] {
            block = load_vector(source);
            store_vector(target, block);
            marks = marks_of(block, high);
        } else {
            block = load_partial(source, left);
            store_vector(target, block);
            marks = marks_of(block, high) & ((1U << left) - 1);
        }
        if (marks == 0) [[likely]] {
            source += left;
            target += left;
            continue;
        }
        if ((marks & (marks - 1)) != 0 && !(high && has_high(block))) {
            // Several: byte by byte without a branch is faster than going from one to the next.
            for (size_t i = 0; i < left; ++i) {
                replace();
            }
            continue;
        }
        const auto clean = static_cast<size_t>(__builtin_ctz(marks));
        source += clean;
        target += clean;
        if (high && static_cast<unsigned char>(*source) >= 0x80) break;
        replace();
    }
    return {source, target};
}

// Of the ill-formed or well-formed sequence at the start of `text` (a byte from 0x80 on): how many
// bytes belong together, and whether they are a character. Ill-formed ones are cut as the Unicode
// standard recommends (3.9, maximal subparts), so that what follows is not lost.
struct Sequence {
    size_t bytes;
    bool is_character;
};

Sequence read_sequence(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    unsigned char low = 0x80;  // bounds of the second byte
    unsigned char high = 0xBF;
    size_t wanted = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
        wanted = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        wanted = 3;
        if (lead == 0xE0) low = 0xA0;   // overlong
        if (lead == 0xED) high = 0x9F;  // surrogates
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        wanted = 4;
        if (lead == 0xF0) low = 0x90;   // overlong
        if (lead == 0xF4) high = 0x8F;  // beyond U+10FFFF
    } else {
        return {1, false};
    }
    for (size_t at = 1; at < wanted; ++at) {
        if (at == text.size()) return {at, false};
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte < low || byte > high) return {at, false};
        low = 0x80;
        high = 0xBF;
    }
    return {wanted, true};
}

// Appends the well-formed characters from 0x80 on at the start of `text`, and U+FFFD for each
// ill-formed piece between them; returns how many bytes of `text` that was.
size_t append_repaired(loop::BlockChain& out, std::string_view text) {
    size_t at = 0;
    while (at < text.size() && static_cast<unsigned char>(text[at]) >= 0x80) {
        const Sequence sequence = read_sequence(text.substr(at));
        out.append(sequence.is_character ? text.substr(at, sequence.bytes) : replacement);
        at += sequence.bytes;
    }
    return at;
}

}  // namespace

template <Escape level>
void append_escaped(loop::BlockChain& out, std::string_view text) {
    // Bytes from 0x80 on stop the copying until all that follows the first one is known to be
    // UTF-8.
    bool high = true;
    bool is_checked = false;
    const char* source = text.data();
    const char* const end = source + text.size();
    while (source < end) {
        char* const target = out.reserve(step_bytes_max);
        const Progress progress =
            escape_some<level>(source, end, target, target + out.room(), high);
        out.commit(static_cast<size_t>(progress.target - target));
        source = progress.source;
        if (source == end) return;
        if (!high || static_cast<unsigned char>(*source) < 0x80) continue;  // the block is full
        const std::string_view rest(source, static_cast<size_t>(end - source));
        if (!is_checked) {
            is_checked = true;
            high = !is_utf8(rest);
        }
        if (high) source += append_repaired(out, rest);
    }
}

void append_json(loop::BlockChain& out, const Json& value) {
    JsonWriter<Escape::once> json(out);
    const bool is_object = value.is_object();
    switch (value.kind) {
        case Json::Kind::null:
            return json.null();
        case Json::Kind::boolean:
            return json.boolean(value.boolean);
        case Json::Kind::number:
            return out.append(value.text);
        case Json::Kind::string:
            return json.string(value.text);
        case Json::Kind::array:
        case Json::Kind::object:
            json.raw(is_object ? '{' : '[');
            for (const Json* child = value.first; child != nullptr; child = child->next) {
                if (child != value.first) json.raw(',');
                if (is_object) json.key(child->key);
                append_json(out, *child);
            }
            json.raw(is_object ? '}' : ']');
    }
}

template void append_escaped<Escape::once>(loop::BlockChain&, std::string_view);
template void append_escaped<Escape::twice>(loop::BlockChain&, std::string_view);

}  // namespace fluxgate::rpc
