// Parser alone: what a sound message becomes, and that pieces make no difference.
#include "http/parser.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

namespace fluxgate::http {
namespace {

class HttpParser : public ::testing::Test {
protected:
    Limits limits_;
    loop::Arena arena_;
    Request request_;

    struct Parsed {
        Parser::Event event = Parser::Event::more;
        size_t consumed = 0;
        Verdict verdict;
        std::string body;
    };
    // Feeds `input` in pieces of `piece_bytes` to the end of one message.
    Parsed parse(std::string_view input, size_t piece_bytes) {
        arena_.reset();
        BodyBudget bodies;
        Parser parser(limits_, &bodies);
        parser.begin(arena_, request_);
        Parsed parsed;
        while (parsed.consumed < input.size()) {
            const std::string piece(input.substr(parsed.consumed, piece_bytes));
            const Parser::Progress progress = parser.feed(piece);
            parsed.consumed += progress.consumed;
            parsed.event = progress.event;
            if (progress.event == Parser::Event::refused) {
                parsed.verdict = parser.refusal();
                break;
            }
            if (progress.event == Parser::Event::complete ||
                (progress.event == Parser::Event::head && !parser.has_body())) {
                parsed.event = Parser::Event::complete;
                EXPECT_EQ(std::string_view(request_.body.data() + request_.body.size(),
                                           BodyBuffer::padding_bytes),
                          std::string(BodyBuffer::padding_bytes, '\0'));
                break;
            }
        }
        parsed.body = request_.body;
        parser.end();
        return parsed;
    }
    Verdict refusal(std::string_view input) {
        const Parsed whole = parse(input, input.size());
        EXPECT_EQ(parse(input, 1).verdict, whole.verdict) << input;
        EXPECT_EQ(parse(input, 7).verdict, whole.verdict) << input;
        return whole.verdict;
    }
};

constexpr std::string_view get =
    "GET /mcp/health?a=b HTTP/1.1\r\nHost: gw.test:8080\r\nX-Any: v\r\n\r\n";

TEST_F(HttpParser, FindsTargetHostAndFieldsHoweverTheyAreCut) {
    for (size_t piece = 1; piece <= get.size(); ++piece) {
        const Parsed parsed = parse(get, piece);
        ASSERT_EQ(parsed.event, Parser::Event::complete) << piece;
        EXPECT_EQ(parsed.consumed, get.size());
        EXPECT_EQ(request_.method, Method::get);
        EXPECT_EQ(request_.version_minor, 1);
        EXPECT_TRUE(request_.keep_alive);
        EXPECT_EQ(request_.path, "/mcp/health");
        EXPECT_EQ(request_.query, "a=b");
        EXPECT_EQ(request_.authority, "gw.test:8080");
        ASSERT_EQ(request_.fields.size(), 2U);
        EXPECT_EQ(request_.fields[1].name, "X-Any");
        EXPECT_EQ(request_.find("x-any"), "v");
        EXPECT_EQ(request_.find("absent").data(), nullptr);
        EXPECT_EQ(request_.get(Field::host), "gw.test:8080");
        EXPECT_FALSE(request_.has(Field::accept));
        EXPECT_TRUE(request_.body.empty());
    }
}

TEST_F(HttpParser, TakesNothingOfTheNextRequest) {
    const std::string two = std::string(get) + "GET /next";
    EXPECT_EQ(parse(two, two.size()).consumed, get.size());
}

TEST_F(HttpParser, TrimsSpaceAroundValuesAndKeepsEmptyOnes) {
    parse("GET / HTTP/1.1\r\nHost:\t gw.test \t\r\nX-Empty:\r\nX-Blank:   \r\nX-In: a b\t\r\n\r\n",
          1);
    EXPECT_EQ(request_.authority, "gw.test");
    EXPECT_EQ(request_.find("X-Empty"), "");
    EXPECT_NE(request_.find("X-Empty").data(), nullptr);
    EXPECT_EQ(request_.find("X-Blank"), "");
    EXPECT_EQ(request_.find("X-In"), "a b");
}

TEST_F(HttpParser, ReadsABodyWithContentLengthInOnePiece) {
    for (const size_t bytes : {1UZ, 5UZ, 1023UZ, 1024UZ, 1025UZ, 8191UZ, 8192UZ, 8193UZ, 50000UZ}) {
        std::string body(bytes, 'x');
        for (size_t i = 0; i < bytes; ++i) {
            body[i] = static_cast<char>('a' + i % 26);
        }
        const std::string input =
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" +
            body + "GET";
        for (const size_t piece : {size_t{1}, size_t{4032}, input.size()}) {
            const Parsed parsed = parse(input, piece);
            EXPECT_EQ(parsed.event, Parser::Event::complete);
            EXPECT_EQ(parsed.body, body);
            EXPECT_EQ(parsed.consumed, input.size() - 3);
        }
    }
}

TEST_F(HttpParser, JoinsChunksAndDropsExtensionsAndTrailers) {
    const std::string input =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
        "5\r\nhello\r\n00006;name=\"value\"\r\n world\r\n0\r\nX-Service-Key: stolen\r\nX-T: "
        "2\r\n\r\n";
    for (size_t piece = 1; piece <= input.size(); ++piece) {
        const Parsed parsed = parse(input, piece);
        ASSERT_EQ(parsed.event, Parser::Event::complete) << piece;
        EXPECT_EQ(parsed.body, "hello world");
        EXPECT_EQ(parsed.consumed, input.size());
        EXPECT_FALSE(request_.has(Field::x_service_key));
        EXPECT_EQ(request_.fields.size(), 2U);
    }
}

TEST_F(HttpParser, KeepsConnectionOpenAsVersionAndFieldSay) {
    const auto keeps = [&](std::string_view version, std::string_view fields) {
        parse(std::string("GET / HTTP/") + std::string(version) + "\r\nHost: a\r\n" +
                  std::string(fields) + "\r\n",
              1);
        return request_.keep_alive;
    };
    EXPECT_TRUE(keeps("1.1", ""));
    EXPECT_TRUE(keeps("1.1", "Connection: keep-alive\r\n"));
    EXPECT_FALSE(keeps("1.1", "Connection: close\r\n"));
    EXPECT_FALSE(keeps("1.1", "Connection: x, CLOSE\r\n"));
    EXPECT_FALSE(keeps("1.1", "Connection: x\r\nConnection: close\r\n"));
    EXPECT_FALSE(keeps("1.1", "Connection: keep-alive, close\r\n"));
    EXPECT_FALSE(keeps("1.0", ""));
    EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
}

TEST_F(HttpParser, AcceptsHttp10WithoutHost) {
    EXPECT_EQ(parse("GET / HTTP/1.0\r\n\r\n", 1).event, Parser::Event::complete);
    EXPECT_EQ(request_.version_minor, 0);
    EXPECT_TRUE(request_.authority.empty());
}

TEST_F(HttpParser, TakesHostAndPathFromAnAbsoluteTarget) {
    parse("GET http://gw.test:81/a?b HTTP/1.1\r\nHost: other\r\n\r\n", 3);
    EXPECT_EQ(request_.authority, "gw.test:81");
    EXPECT_EQ(request_.path, "/a");
    EXPECT_EQ(request_.query, "b");
    parse("GET HTTPS://gw.test HTTP/1.1\r\nHost: other\r\n\r\n", 3);
    EXPECT_EQ(request_.path, "/");
    parse("GET http://gw.test?q HTTP/1.1\r\nHost: other\r\n\r\n", 3);
    EXPECT_EQ(request_.path, "/");
    EXPECT_EQ(request_.query, "q");
}

TEST_F(HttpParser, IgnoresExpectOfHttp10) {
    EXPECT_EQ(parse("GET / HTTP/1.0\r\nExpect: 200-ok\r\n\r\n", 1).event, Parser::Event::complete);
}

TEST_F(HttpParser, IgnoresUpgradeAndReadsTheBody) {
    const Parsed parsed = parse(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        1);
    EXPECT_EQ(parsed.event, Parser::Event::complete);
    EXPECT_EQ(parsed.body, "ab");
}

TEST_F(HttpParser, RefusesMalformedRequestLines) {
    for (const std::string_view line : {"GET",
                                        "GET \r\n",
                                        "GET  / HTTP/1.1\r\n",
                                        " GET / HTTP/1.1\r\n",
                                        "GET / HTTP/1.1 \r\n",
                                        "GET / HTTP/1.1\n",
                                        "GET / HTTP/1.\r\n",
                                        "GET / HTTP/1.1\rX",
                                        "GET /\x7f HTTP/1.1\r\n",
                                        "GET /\xc3\xa9 HTTP/1.1\r\n",
                                        "GET / XTTP/1.1\r\n",
                                        "GET /a#b HTTP/1.1\r\n",
                                        "G(T / HTTP/1.1\r\n",
                                        "\n",
                                        "\rX",
                                        "GET\t/ HTTP/1.1\r\n",
                                        "GET /\tHTTP/1.1\r\n",
                                        "GET / http/1.1\r\n",
                                        "GET / HTTP/11.1\r\n",
                                        "GET\r\n"}) {
        const std::string input = std::string(line) + "Host: a\r\n\r\n";
        EXPECT_EQ(refusal(input), verdict::bad_request) << line;
    }
}

TEST_F(HttpParser, RefusesTargetsOfAnotherForm) {
    for (const std::string_view target :
         {"*", "mcp", "gw.test:80", "ftp://gw.test/", "http://", "http:///x", "http://u@gw.test/",
          "http://gw.test:99999/", "http://a,b/", "/%00", "/a%00b", "/a?b#c"}) {
        const std::string input = "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n";
        EXPECT_EQ(refusal(input), verdict::bad_request) << target;
    }
}

TEST_F(HttpParser, RefusesOtherVersionsAndMethodsWithTheirOwnCodes) {
    for (const std::string_view version :
         {"HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3.0", "RTSP/1.0", "ICE/1.0"}) {
        EXPECT_EQ(refusal("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n"),
                  verdict::version_not_supported)
            << version;
    }
    EXPECT_EQ(refusal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), verdict::not_implemented);
    for (const std::string_view method : {"BREW", "get", "Get", "DESCRIBE", "X-Y_Z"}) {
        EXPECT_EQ(refusal(std::string(method) + " / HTTP/1.1\r\nHost: a\r\n\r\n"),
                  verdict::not_implemented)
            << method;
    }
}

TEST_F(HttpParser, RefusesHostsThatAreNone) {
    for (const std::string_view host : {"", "a,b", "a b", "u@a", "a/b", "a:99999", "a:8x", "[::1",
                                        "::1", "[]", "a:1:2", "\"a\"", "a%zz\\"}) {
        EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"),
                  verdict::bad_request)
            << host;
    }
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"), verdict::bad_request);
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\n\r\n"), verdict::bad_request);
    for (const std::string_view host :
         {"a", "a:", "a:0", "a:65535", "127.0.0.1:80", "[::1]", "[::1]:80"}) {
        EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n", 1).event,
                  Parser::Event::complete)
            << host;
    }
}

TEST_F(HttpParser, RefusesCodingsByWhatTheyAre) {
    const auto with = [&](std::string_view fields) {
        return refusal("POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n0\r\n\r\n");
    };
    EXPECT_EQ(with("Transfer-Encoding: gzip, chunked\r\n"), verdict::not_implemented);
    EXPECT_EQ(with("Transfer-Encoding: ,chunked\r\n"), verdict::bad_request);
    EXPECT_EQ(with("Transfer-Encoding: chunked,\r\n"), verdict::bad_request);
    EXPECT_EQ(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
              verdict::bad_request);
    EXPECT_EQ(with("Transfer-Encoding:\r\n"), verdict::bad_request);
    EXPECT_EQ(with("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), verdict::bad_request);
    EXPECT_EQ(with("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), verdict::bad_request);
    EXPECT_EQ(with("Content-Encoding: gzip\r\n"), verdict::unsupported_media_type);
    EXPECT_EQ(with("Expect: something\r\n"), verdict::expectation_failed);
    EXPECT_EQ(with("Expect: 100-continue\r\nExpect: 100-continue\r\n"),
              verdict::expectation_failed);
    EXPECT_EQ(refusal("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
              verdict::bad_request);
}

TEST_F(HttpParser, RefusesMoreThanOneCredential) {
    const auto with = [&](std::string_view fields) {
        return refusal("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n");
    };
    EXPECT_EQ(with("Authorization: a\r\nX-Service-Key: b\r\n"), verdict::ambiguous_credentials);
    EXPECT_EQ(with("X-Client-Key: a\r\nX-Service-Key: b\r\n"), verdict::ambiguous_credentials);
    EXPECT_EQ(with("x-client-key: a\r\nX-Client-Key: a\r\n"), verdict::ambiguous_credentials);
    EXPECT_EQ(with("X-Client-Key: a\r\n"), Verdict{});
}

TEST_F(HttpParser, GivesTheSameResultForRandomBytesHoweverTheyAreCut) {
    std::mt19937 random(7);
    constexpr std::string_view alphabet = "GET POST/ \r\n:HTTP1.0aZ0;,\x01\x80";
    for (int round = 0; round < 3000; ++round) {
        std::string input = round % 2 == 0 ? "POST / HTTP/1.1\r\nHost: a\r\n" : "";
        if (round % 4 == 0) input += "Transfer-Encoding: chunked\r\n\r\n";
        for (size_t i = random() % 40; i > 0; --i) {
            input += alphabet[random() % alphabet.size()];
        }
        if (input.empty()) continue;
        const Parsed whole = parse(input, input.size());
        const Parsed bytes = parse(input, 1);
        ASSERT_EQ(whole.event, bytes.event) << input;
        ASSERT_EQ(whole.verdict, bytes.verdict) << input;
        if (whole.event == Parser::Event::complete) {
            ASSERT_EQ(whole.body, bytes.body);
            ASSERT_EQ(whole.consumed, bytes.consumed);
        }
    }
}

}  // namespace
}  // namespace fluxgate::http
