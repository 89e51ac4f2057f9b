#include "rpc/json_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

#include "rpc/json_reader.h"
#include "tests/rpc/padded.h"

namespace fluxgate::rpc {
namespace {

template <Escape level>
std::string escaped(std::string_view text) {
    loop::BlockChain out;
    append_escaped<level>(out, text);
    EXPECT_EQ(out.size(), out.to_string().size());
    return out.to_string();
}

// The plain way, byte by byte; `text` is UTF-8.
std::string reference(std::string_view text) {
    std::string out;
    for (const char byte : text) {
        switch (byte) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (byte >= 0 && byte < 0x20) {
                    constexpr std::string_view hex = "0123456789abcdef";
                    out += "\\u00";
                    out += hex[static_cast<size_t>(byte >> 4)];
                    out += hex[static_cast<size_t>(byte & 15)];
                } else {
                    out += byte;
                }
        }
    }
    return out;
}

// What a decoder of the WHATWG makes of the bytes: one U+FFFD for each maximal ill-formed piece.
// Written as its state machine (Encoding Standard, "UTF-8 decoder"), so not as the code under test
// is.
std::string decode(std::string_view bytes) {
    std::string out;
    std::string pending;
    unsigned needed = 0;
    unsigned char lower = 0x80;
    unsigned char upper = 0xBF;
    const auto reset = [&] {
        pending.clear();
        needed = 0;
        lower = 0x80;
        upper = 0xBF;
    };
    for (size_t i = 0; i < bytes.size(); ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        if (needed == 0) {
            if (byte < 0x80) {
                out += bytes[i];
            } else if (byte >= 0xC2 && byte <= 0xF4) {
                needed = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
                if (byte == 0xE0) lower = 0xA0;
                if (byte == 0xED) upper = 0x9F;
                if (byte == 0xF0) lower = 0x90;
                if (byte == 0xF4) upper = 0x8F;
                pending = bytes[i];
            } else {
                out += "\xEF\xBF\xBD";
            }
            continue;
        }
        if (byte < lower || byte > upper) {
            reset();
            out += "\xEF\xBF\xBD";
            --i;  // the byte is looked at again
            continue;
        }
        lower = 0x80;
        upper = 0xBF;
        pending += bytes[i];
        if (pending.size() == needed + 1) {
            out += pending;
            reset();
        }
    }
    if (needed != 0) out += "\xEF\xBF\xBD";
    return out;
}

std::string random_text(std::mt19937_64& random, int flavour) {
    static constexpr std::string_view pieces[] = {"a",
                                                  "\"",
                                                  "\\",
                                                  "\n",
                                                  "\x01",
                                                  "\x7F",
                                                  "\xC3\xA9",
                                                  "\xE2\x82\xAC",
                                                  "\xF0\x9F\x98\x80",
                                                  "twenty-seven clean letters.",
                                                  "\xEF\xBF\xBD"};
    std::string text;
    const size_t size = random() % 300;
    while (text.size() < size) {
        if (flavour == 0) {  // any bytes
            text += static_cast<char>(random() & 0xFF);
        } else if (flavour == 1) {  // UTF-8
            text += pieces[random() % std::size(pieces)];
        } else {  // UTF-8 with a few wrong bytes
            text += pieces[random() % std::size(pieces)];
            if (random() % 8 == 0) text += static_cast<char>(0x80 + random() % 0x80);
        }
    }
    return text;
}

TEST(AppendEscaped, EscapesOnceWhatJsonWants) {
    EXPECT_EQ(escaped<Escape::once>("a\"b\\c/\b\f\n\r\t\x01\x1F\x7F"),
              "a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7F");
    EXPECT_EQ(escaped<Escape::once>(std::string_view("\0", 1)), "\\u0000");
    EXPECT_EQ(escaped<Escape::once>(""), "");
}

TEST(AppendEscaped, EscapesTwiceForJsonInsideAString) {
    EXPECT_EQ(escaped<Escape::twice>("\"\\\n\x01"), R"(\\\"\\\\\\n\\u0001)");
}

TEST(AppendEscaped, KeepsCharactersBeyondAscii) {
    const std::string text = "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80 \xE2\x80\xA8";
    EXPECT_EQ(escaped<Escape::once>(text), text);
    EXPECT_EQ(escaped<Escape::twice>(text), text);
}

TEST(AppendEscaped, ReplacesIllFormedBytes) {
    const std::string r = "\xEF\xBF\xBD";
    EXPECT_EQ(escaped<Escape::once>("a\xFFz"), "a" + r + "z");
    EXPECT_EQ(escaped<Escape::once>("\xE2\x82"), r);              // cut short: one piece
    EXPECT_EQ(escaped<Escape::once>("\xE2\x82\""), r + "\\\"");   // the quote survives
    EXPECT_EQ(escaped<Escape::once>("\xC0\x80"), r + r);          // overlong NUL
    EXPECT_EQ(escaped<Escape::once>("\xED\xA0\x80"), r + r + r);  // surrogate
    EXPECT_EQ(escaped<Escape::once>("\xF4\x90\x80\x80"), r + r + r + r);
    EXPECT_EQ(escaped<Escape::once>("\x80\xC3\xA9\xC3"), r + "\xC3\xA9" + r);
    EXPECT_EQ(escaped<Escape::twice>("\xFF\n"), r + "\\\\n");
}

TEST(AppendEscaped, HandlesASpecialByteAtEveryPlace) {
    for (size_t size = 1; size < 200; ++size) {
        for (size_t at = 0; at < size; ++at) {
            std::string text(size, 'x');
            for (const char byte : {'"', '\\', '\n', '\x02'}) {
                text[at] = byte;
                ASSERT_EQ(escaped<Escape::once>(text), reference(text));
            }
        }
    }
}

TEST(AppendEscaped, SurvivesTheLongestEscapesAcrossBlocks) {
    for (const size_t size : {63U, 64U, 65U, 20'000U, 100'000U}) {
        const std::string text(size, '\x01');
        EXPECT_EQ(escaped<Escape::twice>(text).size(), 7 * size);
        EXPECT_EQ(escaped<Escape::once>(text), reference(text));
    }
}

TEST(AppendEscaped, EqualsEscapingTwiceByHand) {
    std::mt19937_64 random(20261122);
    for (int round = 0; round < 20'000; ++round) {
        const std::string text = decode(random_text(random, 1));
        ASSERT_EQ(escaped<Escape::once>(text), reference(text));
        ASSERT_EQ(escaped<Escape::twice>(text), reference(reference(text)));
    }
}

TEST(AppendEscaped, WritesWhatSimdjsonReadsBackWhateverComesIn) {
    std::mt19937_64 random(42);
    JsonReader reader(1 << 20);
    loop::Arena arena;
    for (int round = 0; round < 30'000; ++round) {
        const std::string bytes = random_text(random, round % 3);
        const std::string expected = decode(bytes);
        arena.reset();
        const test::Padded outer("\"" + escaped<Escape::once>(bytes) + "\"");
        const auto once = reader.read(outer.view(), arena);
        ASSERT_TRUE(once.has_value()) << outer.view();
        ASSERT_EQ((*once)->text, expected);
        // Twice: the outer string holds a JSON string.
        const test::Padded nested("\"\\\"" + escaped<Escape::twice>(bytes) + "\\\"\"");
        const auto text = reader.read(nested.view(), arena);
        ASSERT_TRUE(text.has_value()) << nested.view();
        const test::Padded inner((*text)->text);
        const auto twice = reader.read(inner.view(), arena);
        ASSERT_TRUE(twice.has_value()) << inner.view();
        ASSERT_EQ((*twice)->text, expected);
    }
}

template <Escape level>
std::string sample() {
    loop::BlockChain out;
    JsonWriter<level> json(out);
    json.raw('{');
    json.key("n\"");
    json.number(std::numeric_limits<int64_t>::min());
    json.raw(',');
    json.key("u");
    json.number(std::numeric_limits<uint64_t>::max());
    json.raw(',');
    json.key("j");
    json.json_text(R"({"a":["\n",1]})");
    json.raw(',');
    json.key("b");
    json.boolean(true);
    json.raw(',');
    json.key("z");
    json.null();
    json.raw('}');
    return out.to_string();
}

TEST(JsonWriter, WritesTheSameDocumentAtBothLevels) {
    const std::string plain = sample<Escape::once>();
    EXPECT_EQ(plain, R"({"n\"":-9223372036854775808,"u":18446744073709551615,"j":{"a":["\n",1]},)"
                     R"("b":true,"z":null})");
    EXPECT_EQ(sample<Escape::twice>(), reference(plain));
}

TEST(AppendJson, WritesWhatWasRead) {
    JsonReader reader(100'000);
    std::string deep = "1";
    for (size_t i = 0; i < json_depth_max; ++i)
        deep = "[" + deep + "]";
    for (const std::string& text :
         {std::string(
              R"({"a":[1,-0.0,1e400,12345678901234567890],"b":{"":null,"\"":true},"c":false})"),
          std::string(R"([{},[],"",{"x":1,"y":2}])"), std::string(R"("\u0000\u0001\n\\/é😀")"),
          deep}) {
        const test::Padded padded(text);
        loop::Arena arena;
        const auto read = reader.read(padded.view(), arena);
        ASSERT_TRUE(read) << text;
        loop::BlockChain out;
        append_json(out, **read);
        EXPECT_EQ(out.to_string(), text);
    }
}

}  // namespace
}  // namespace fluxgate::rpc
