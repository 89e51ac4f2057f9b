// Every limit of limits.h that a message can pass: at the limit, and one past it.
#include <string>
#include <string_view>

#include "tests/http/http_fixture.h"

namespace fluxgate::test {
namespace {

class HttpLimits : public HttpTest {
protected:
    // The status, and that a refusal closes with the right body.
    int status_of(std::string_view input, std::string_view code = {}) {
        const Answer answer = ask(input);
        if (answer.status >= 400 && !code.empty()) {
            EXPECT_EQ(answer.header("Connection"), "close");
            EXPECT_TRUE(answer.body.starts_with("{\"error\":\"" + std::string(code) + "\","))
                << answer.body;
            EXPECT_EQ(answer.header("Content-Type"), "application/json");
        }
        return answer.status;
    }
    static std::string get_with(std::string_view fields) {
        return "GET /get HTTP/1.1\r\nHost: gw.test\r\n" + std::string(fields) + "\r\n";
    }
    static std::string post(std::string_view rest) {
        return "POST /mcp HTTP/1.1\r\nHost: gw.test\r\n" + std::string(rest);
    }
    static std::string chunked(std::string_view chunks) {
        return post("Transfer-Encoding: chunked\r\n\r\n" + std::string(chunks));
    }
};

TEST_F(HttpLimits, TargetOf8192BytesIsReadAndOneMoreIs414) {
    const auto with = [](size_t bytes) {
        return "GET /" + std::string(bytes - 1, 'a') + " HTTP/1.1\r\nHost: gw.test\r\n\r\n";
    };
    EXPECT_EQ(status_of(with(8192)), 404);
    EXPECT_EQ(status_of(with(8193), "uri_too_long"), 414);
}

TEST_F(HttpLimits, MethodOf16BytesIsReadAndOneMoreIs501WithoutWaitingForItsEnd) {
    EXPECT_EQ(status_of(std::string(16, 'A') + " / HTTP/1.1\r\n\r\n", "not_implemented"), 501);
    EXPECT_EQ(exchange(std::string(16, 'A')), "");
    EXPECT_EQ(status_of(std::string(17, 'A'), "not_implemented"), 501);
    EXPECT_EQ(status_of(std::string(17, 'a'), "bad_request"), 400);
}

TEST_F(HttpLimits, HeadOf16384BytesPassesAndOneMoreIs431) {
    const auto with = [](size_t bytes) {
        const std::string rest = "GET /get HTTP/1.1\r\nHost: gw.test\r\nX-A: \r\n\r\n";
        std::string head = rest;
        head.insert(head.size() - 4, std::string(bytes - rest.size(), 'a'));
        EXPECT_EQ(head.size(), bytes);
        return head;
    };
    EXPECT_EQ(status_of(with(16384)), 200);
    EXPECT_EQ(status_of(with(16385), "header_fields_too_large"), 431);
}

TEST_F(HttpLimits, HundredFieldsPassAndOneMoreIs431) {
    const auto with = [](size_t count) {
        std::string fields;
        for (size_t i = 1; i < count; ++i) {
            fields += "X-A: b\r\n";
        }
        return get_with(fields);
    };
    EXPECT_EQ(status_of(with(100)), 200);
    EXPECT_EQ(status_of(with(101), "header_fields_too_large"), 431);
}

TEST_F(HttpLimits, TrailersShareTheBudgetOfTheFields) {
    const auto with = [](size_t trailers) {
        std::string text = "0\r\n";
        for (size_t i = 0; i < trailers; ++i) {
            text += "X-T: 1\r\n";
        }
        return chunked(text + "\r\n");
    };
    EXPECT_EQ(status_of(with(98)), 200);  // with Host and Transfer-Encoding: 100
    EXPECT_EQ(status_of(with(99), "header_fields_too_large"), 431);
}

TEST_F(HttpLimits, TrailersShareTheBytesOfTheHead) {
    const size_t head = chunked("").size();
    const auto with = [&](size_t trailer_bytes) {
        return chunked("0\r\nX-T: " + std::string(trailer_bytes - 7, 'a') + "\r\n\r\n");
    };
    EXPECT_EQ(status_of(with(16384 - head)), 200);
    EXPECT_EQ(status_of(with(16384 - head + 1), "header_fields_too_large"), 431);
}

TEST_F(HttpLimits, TwoEmptyLinesAreSkippedAndAThirdIs400) {
    EXPECT_EQ(status_of("\r\n\r\n" + get_with("")), 200);
    EXPECT_EQ(status_of("\r\n\r\n\r\n" + get_with(""), "bad_request"), 400);
}

TEST_F(HttpLimits, ChunkLineOf64BytesPassesAndOneMoreIs400) {
    const auto with = [](size_t bytes) {
        return chunked("1;" + std::string(bytes - 4, 'a') + "\r\nx\r\n0\r\n\r\n");
    };
    EXPECT_EQ(status_of(with(64)), 200);
    EXPECT_EQ(status_of(with(65), "bad_request"), 400);
    EXPECT_EQ(status_of(chunked(std::string(61, '0') + "1\r\nx\r\n0\r\n\r\n")), 200);
    EXPECT_EQ(status_of(chunked(std::string(62, '0') + "1\r\nx\r\n0\r\n\r\n"), "bad_request"), 400);
}

TEST_F(HttpLimits, ChunkFramingOf16384BytesPassesAndOneMoreIs400) {
    // One byte of body a chunk, so 257 chunks earn 16 bytes more.
    const auto with = [](size_t overhead) {
        std::string text;
        size_t left = overhead - 3;  // "0\r\n"
        size_t body = 0;
        while (left > 0) {
            const size_t line = std::min<size_t>(left >= 70 ? 62 : left - 2, 62);
            text += std::string(line - 3, '0') + "1\r\nx\r\n";
            left -= line + 2;
            ++body;
        }
        EXPECT_EQ(body, 257U);
        return chunked(text + "0\r\n\r\n");
    };
    const size_t earned = 257 / limits.chunk_body_bytes_per_overhead_byte;
    EXPECT_EQ(status_of(with(16384 + earned)), 200);
    EXPECT_EQ(status_of(with(16384 + earned + 1), "bad_request"), 400);
}

TEST_F(HttpLimits, TheWholeBodyMayComeInChunksOf128Bytes) {
    std::string text;
    for (size_t bytes = 0; bytes < 10'485'760; bytes += 128) {
        text += "80\r\n" + std::string(128, 'x') + "\r\n";
    }
    echo.request = [](http::Exchange& exchange) {
        exchange.respond(
            TestHandler::text_response(std::to_string(exchange.request().body.size())));
    };
    EXPECT_EQ(ask(chunked(text + "0\r\n\r\n")).body, "10485760");
    EXPECT_EQ(status_of(chunked(text + "1\r\n"), "payload_too_large"), 413);
}

TEST_F(HttpLimits, BodyOf10485760BytesPassesAndOneMoreIs413BeforeItIsRead) {
    echo.request = [](http::Exchange& exchange) {
        exchange.respond(
            TestHandler::text_response(std::to_string(exchange.request().body.size())));
    };
    EXPECT_EQ(ask(post("Content-Length: 10485760\r\n\r\n" + std::string(10'485'760, 'x'))).body,
              "10485760");
    EXPECT_EQ(status_of(post("Content-Length: 10485761\r\n\r\n"), "payload_too_large"), 413);
}

TEST_F(HttpLimits, ARouteMayTakeLess) {
    const auto with = [](size_t bytes) {
        return "POST /small HTTP/1.1\r\nHost: gw.test\r\nContent-Length: " + std::to_string(bytes) +
               "\r\n\r\n" + std::string(bytes, 'x');
    };
    EXPECT_EQ(status_of(with(10)), 200);
    EXPECT_EQ(status_of(with(11), "payload_too_large"), 413);
    const std::string head =
        "POST /small HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(status_of(head + "a\r\n0123456789\r\n0\r\n\r\n"), 200);
    EXPECT_EQ(status_of(head + "a\r\n0123456789\r\n1\r\n", "payload_too_large"), 413);
    EXPECT_EQ(echo.calls, 2U);
}

TEST_F(HttpLimits, ARouteWithoutABodyRefusesOne) {
    EXPECT_EQ(status_of("GET /get HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n"), 200);
    EXPECT_EQ(status_of("GET /get HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 1\r\n\r\nx",
                        "bad_request"),
              400);
    EXPECT_EQ(status_of("GET /get HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n",
                        "bad_request"),
              400);
    EXPECT_EQ(echo.calls, 1U);
}

TEST_F(HttpLimits, TheLastOfTenThousandRequestsClosesTheConnection) {
    limits.requests_per_connection_max = 10;
    MemoryPeer& peer = make_peer();
    connect(peer);
    for (int i = 1; i <= 10; ++i) {
        EXPECT_FALSE(peer.has_fin());
        peer.send(get_with(""));
        turn();
        const auto answers = read_answers(peer.take_received());
        ASSERT_EQ(answers.size(), 1U);
        EXPECT_EQ(answers[0].header("Connection"), i == 10 ? "close" : "");
    }
    EXPECT_TRUE(peer.has_fin());
    close_all();
    EXPECT_EQ(observer.seen.back().close_reason, http::CloseReason::requests_max);
}

TEST_F(HttpLimits, MalformedRequestsAreAnsweredAsWritten) {
    const Answer answer =
        ask("GET / HTTP/1.1\r\nHost : a\r\n\r\nGET /get HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, R"({"error":"bad_request","message":"malformed request"})");
    EXPECT_EQ(answer.header("Connection"), "close");
    EXPECT_EQ(echo.calls, 0U);
    EXPECT_TRUE(ask(get_with("X-Client-Key: a\r\nX-Client-Key: a\r\n"))
                    .body.starts_with(R"({"error":"ambiguous_credentials")"));
}

}  // namespace
}  // namespace fluxgate::test
