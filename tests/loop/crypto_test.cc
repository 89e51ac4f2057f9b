#include "loop/crypto.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace fluxgate::loop {
namespace {

std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
std::string hex_of_hmac(std::string_view key, std::string_view bytes) {
    return hex(hmac_sha256(key, bytes));
}

TEST(Crypto, Sha256MatchesTheFipsVectors) {
    EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex(sha256("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(hex(sha256(std::string(1'000'000, 'a'))),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Crypto, AStreamOfPiecesIsTheirConcatenation) {
    const std::string text(300, 'x');
    for (size_t cut = 0; cut <= text.size(); cut += 7) {
        Sha256Stream stream;
        stream.add(std::string_view(text).substr(0, cut));
        stream.add("");
        stream.add(std::string_view(text).substr(cut));
        EXPECT_EQ(stream.finish(), sha256(text)) << cut;
    }
    EXPECT_EQ(Sha256Stream().finish(), sha256(""));
}

TEST(Crypto, HmacMatchesRfc4231) {
    EXPECT_EQ(hex_of_hmac(std::string(20, '\x0b'), "Hi There"),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(hex_of_hmac("Jefe", "what do ya want for nothing?"),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hex_of_hmac(std::string(20, '\xaa'), std::string(50, '\xdd')),
              "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    EXPECT_EQ(hex_of_hmac(std::string(131, '\xaa'),
                          "Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Crypto, HmacOfPartsIsThatOfTheirConcatenation) {
    const HmacSha256 key("secret");
    EXPECT_EQ(key.sign({"ab", "", "c"}), key.sign("abc"));
    EXPECT_EQ(key.sign("abc"), hmac_sha256("secret", "abc"));
    const HmacSha256 copy = key;  // NOLINT(performance-unnecessary-copy-initialization)
    EXPECT_EQ(copy.sign(""), hmac_sha256("secret", ""));
}

TEST(Crypto, HmacVerifyRefusesAnyChangedBit) {
    const HmacSha256 key("secret");
    const Sha256 good = key.sign("value");
    std::string signature(good.begin(), good.end());
    EXPECT_TRUE(key.verify("value", signature));
    EXPECT_FALSE(key.verify("valuf", signature));
    EXPECT_FALSE(key.verify("value", signature.substr(1)));
    EXPECT_FALSE(key.verify("value", ""));
    EXPECT_FALSE(HmacSha256("secreu").verify("value", signature));
    for (size_t bit = 0; bit < 256; ++bit) {
        std::string changed = signature;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_FALSE(key.verify("value", changed));
    }
}

TEST(Crypto, EqualConstantTimeComparesAllBytes) {
    EXPECT_TRUE(equal_constant_time("", ""));
    EXPECT_TRUE(equal_constant_time(std::string_view("a\0b", 3), std::string_view("a\0b", 3)));
    EXPECT_FALSE(equal_constant_time(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
    EXPECT_FALSE(equal_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_constant_time("abc", "abcd"));
    EXPECT_FALSE(equal_constant_time("abc", ""));
}

TEST(Encoding, Base64UrlMatchesRfc4648) {
    const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                      {"f", "Zg=="},
                                                                      {"fo", "Zm8="},
                                                                      {"foo", "Zm9v"},
                                                                      {"foob", "Zm9vYg=="},
                                                                      {"fooba", "Zm9vYmE="},
                                                                      {"foobar", "Zm9vYmFy"},
                                                                      {"\xfb\xff\xfe", "-__-"}};
    for (const auto& [plain, padded] : vectors) {
        const std::string bare = padded.substr(0, padded.find('='));
        EXPECT_EQ(base64url(plain, Base64Padding::padded), padded);
        EXPECT_EQ(base64url(plain, Base64Padding::none), bare);
        EXPECT_EQ(base64url_decode(padded, Base64Padding::padded), plain);
        EXPECT_EQ(base64url_decode(bare, Base64Padding::none), plain);
    }
}

TEST(Encoding, Base64UrlDecodeIsStrict) {
    for (const char* bad : {"A", "AAAAA", "Zg=", "Zg==", "Zm8=", "Z g", "Zg\n", "Zm9v\n", "+/+/",
                            "Zh", "Zm9", "====", "Zg.g", "Zm9v Zm9v", "\xc3\xa9zz"}) {
        EXPECT_EQ(base64url_decode(bad, Base64Padding::none), std::nullopt) << bad;
    }
    for (const char* bad : {"Zg", "Zg=", "Zg===", "Z===", "====", "Zm9v====", "Zh==", "Zm9=",
                            "Z=g=", "=Zg=", "+/+/"}) {
        EXPECT_EQ(base64url_decode(bad, Base64Padding::padded), std::nullopt) << bad;
    }
}

TEST(Encoding, Base64UrlDecodeIntoNeedsRoomForAllOfIt) {
    for (const std::string_view plain : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
        for (const auto padding : {Base64Padding::none, Base64Padding::padded}) {
            const std::string text = base64url(plain, padding);
            std::array<uint8_t, 8> out{};
            EXPECT_EQ(base64url_decode_into(text, padding, std::span(out).first(plain.size())),
                      plain.size());
            EXPECT_EQ(std::string(out.begin(), out.begin() + static_cast<ptrdiff_t>(plain.size())),
                      plain);
            EXPECT_EQ(out[plain.size()], 0) << "a byte too many";
            if (plain.empty()) continue;
            const auto too_small = std::span(out).first(plain.size() - 1);
            EXPECT_EQ(base64url_decode_into(text, padding, too_small), std::nullopt);
        }
    }
    std::array<uint8_t, 8> out{};
    EXPECT_EQ(base64url_decode_into("Zm9\xff", Base64Padding::none, out), std::nullopt);
    EXPECT_EQ(base64url_decode_into("Zm9vZh", Base64Padding::none, out), std::nullopt);
}

TEST(Encoding, Base64AgreesWithItselfInPieces) {
    std::mt19937_64 random(5);
    for (size_t size = 0; size < 300; ++size) {
        std::string plain(size, '\0');
        for (char& byte : plain) {
            byte = static_cast<char>(random());
        }
        std::string text(base64_bytes(size), '?');
        const size_t cut = size / 2 / 3 * 3;
        size_t used = base64_encode_into(bytes_of(plain).first(cut), text.data());
        used += base64_encode_into(bytes_of(plain).subspan(cut), text.data() + used);
        EXPECT_EQ(used, text.size());
        EXPECT_EQ(base64_decode(text), plain);
        EXPECT_EQ(hex_decode(hex(bytes_of(plain))), plain);
    }
    EXPECT_EQ(base64_decode("-__-"), std::nullopt);
    EXPECT_EQ(base64_decode("+//+"), "\xfb\xff\xfe");
}

TEST(Encoding, HexDecodeIsStrictAndTakesBothCases) {
    EXPECT_EQ(hex_decode("00fFAb"), std::string("\x00\xff\xab", 3));
    EXPECT_EQ(hex_decode(""), "");
    for (const char* bad : {"0", "0g", "g0", "0x", " 0", "00 ", "\xff\xff"}) {
        EXPECT_EQ(hex_decode(bad), std::nullopt) << bad;
    }
}

// From the test suite of crypt_blowfish.
TEST(Bcrypt, VerifiesKnownHashesOfEachPrefix) {
    EXPECT_TRUE(
        bcrypt_verify("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
    EXPECT_TRUE(
        bcrypt_verify("U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
    EXPECT_TRUE(
        bcrypt_verify("U*U", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
    EXPECT_TRUE(
        bcrypt_verify("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"));
    EXPECT_TRUE(bcrypt_verify("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"));
    EXPECT_FALSE(
        bcrypt_verify("U*V", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
}

TEST(Bcrypt, RefusesMalformedHashesWithoutHashing) {
    const std::string good = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    const auto with = [&good](size_t at, char byte) {
        std::string bad = good;
        bad[at] = byte;
        return bad;
    };
    for (const std::string& bad :
         {std::string(), std::string("*0"), std::string("U*U"), good + "x", good.substr(0, 59),
          with(0, '!'), with(1, '1'), with(2, 'x'), with(3, '.'), with(4, '/'), with(5, 'a'),
          with(6, '.'), with(20, ':'), with(59, '\0'), std::string(60, '$')}) {
        EXPECT_FALSE(bcrypt_verify("U*U", bad)) << bad;
    }
}

TEST(Bcrypt, RefusesACostThatWouldTakeForever) {
    std::string hash = "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    EXPECT_FALSE(bcrypt_verify("U*U", hash));  // returns at all
    hash.replace(4, 2, "17");
    EXPECT_FALSE(bcrypt_verify("U*U", hash));
    hash.replace(4, 2, "03");
    EXPECT_FALSE(bcrypt_verify("U*U", hash));
}

TEST(Bcrypt, ANulInThePasswordIsNotItsEnd) {
    const std::string hash = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    EXPECT_FALSE(bcrypt_verify(std::string("U*U\0x", 5), hash));
    EXPECT_FALSE(bcrypt_verify(std::string("U*U\0", 4), hash));
}

TEST(Bcrypt, HashesWhatItVerifies) {
    std::array<std::byte, 16> salt{};
    salt[3] = std::byte{7};
    const std::string hash = bcrypt_hash("pässwörd", 4, salt);
    EXPECT_EQ(hash.size(), 60U);
    EXPECT_TRUE(hash.starts_with("$2a$04$"));
    EXPECT_TRUE(bcrypt_verify("pässwörd", hash));
    EXPECT_FALSE(bcrypt_verify("pässwörd ", hash));
    salt[3] = std::byte{8};
    EXPECT_NE(bcrypt_hash("pässwörd", 4, salt), hash);
    EXPECT_EQ(bcrypt_hash("x", 3, salt), "");
    EXPECT_EQ(bcrypt_hash("x", 17, salt), "");
    EXPECT_EQ(bcrypt_hash(std::string("x\0y", 3), 4, salt), "");
    EXPECT_EQ(bcrypt_hash(std::string(73, 'x'), 4, salt), "");
    EXPECT_TRUE(bcrypt_verify(std::string(72, 'x'), bcrypt_hash(std::string(72, 'x'), 4, salt)));
}

TEST(Bcrypt, IsThreadSafe) {
    const std::array<std::byte, 16> salt{};
    const std::string hash = bcrypt_hash("secret", 4, salt);
    std::atomic<int> verified = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                for (int j = 0; j < 5; ++j) {
                    verified += bcrypt_verify("secret", hash) ? 1 : 0;
                }
            });
        }
    }
    EXPECT_EQ(verified, 20);
}

}  // namespace
}  // namespace fluxgate::loop
