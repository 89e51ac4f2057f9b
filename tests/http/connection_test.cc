// A connection's ordinary life: requests in order, methods, bodies, continue, half-close, streams.
#include <string>
#include <string_view>

#include "loop/block_pool.h"
#include "loop/sanitizer.h"
#include "loop/sleep.h"
#include "tests/http/http_fixture.h"

namespace fluxgate::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view health = "GET /mcp/health HTTP/1.1\r\nHost: gw.test\r\n\r\n";

loop::Task<void> answer_later(http::Exchange* exchange, loop::Duration wait) {
    const auto slept = co_await loop::SleepAwaiter(exchange->scope(), wait);
    exchange->respond(TestHandler::text_response(slept ? "late" : "cancelled"));
}

class HttpConnection : public HttpTest {
protected:
    void answer_after(loop::Duration wait) {
        echo.request = [wait](http::Exchange& exchange) {
            exchange.scope().spawn("answer_later", answer_later(&exchange, wait));
        };
    }
};

TEST_F(HttpConnection, AnswersHealthInTheExpectedBytes) {
    EXPECT_EQ(exchange(health),
              "HTTP/1.1 200 OK\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\n"
              "X-Content-Type-Options: nosniff\r\nContent-Type: application/json\r\n"
              "Content-Length: 20\r\n\r\n{\"status\":\"healthy\"}");
}

TEST_F(HttpConnection, AnswersPipelinedRequestsInOrderWithFewSends) {
    MemoryPeer& peer = make_peer();
    connect(peer);
    std::string all;
    for (int i = 0; i < 5000; ++i) {
        all += i % 2 == 0 ? std::string(health) : post(std::to_string(i));
    }
    peer.send(all);
    turn();
    const auto answers = read_answers(peer.received());
    ASSERT_EQ(answers.size(), 5000U);
    for (size_t i = 1; i < answers.size(); i += 2) {
        ASSERT_EQ(answers[i].body, std::to_string(i));
    }
    EXPECT_LE(peer.sends(), 5000 / limits.pipelined_requests_max + 1);
}

TEST_F(HttpConnection, HoldsReadingWhilePipelinedAnswersAreNotTaken) {
    MemoryPeer& peer = make_peer();
    peer.set_window(0);
    connect(peer);
    std::string all;
    for (int i = 0; i < 5000; ++i) {
        all += post("x");
    }
    peer.send_in_pieces(all, 4032);
    turn();
    EXPECT_EQ(echo.calls, limits.pipelined_requests_max);
    EXPECT_FALSE(peer.is_receiving());
    EXPECT_GT(peer.undelivered(), all.size() / 2);
    peer.open_window();
    turn();
    EXPECT_EQ(echo.calls, 5000U);
    EXPECT_EQ(read_answers(peer.received()).size(), 5000U);
}

TEST_F(HttpConnection, HoldsReadingBehindLargeAnswers) {
    echo.request = [](http::Exchange& exchange) {
        exchange.respond(TestHandler::text_response(std::string(100'000, 'x')));
    };
    MemoryPeer& peer = make_peer();
    peer.set_window(0);
    connect(peer);
    for (int i = 0; i < 10; ++i) {
        peer.send(post("x"));
    }
    turn();
    EXPECT_EQ(echo.calls, 3U);  // the third passes 256 KiB
    peer.open_window();
    turn();
    EXPECT_EQ(echo.calls, 10U);
}

TEST_F(HttpConnection, ReadsAheadABoundedAmountWhileItAnswers) {
    answer_after(seconds(1));
    MemoryPeer& peer = make_peer();
    connect(peer);
    std::string all;
    for (int i = 0; i < 3000; ++i) {
        all += post("x");
    }
    peer.send_in_pieces(all, 4032);
    turn();
    EXPECT_EQ(echo.calls, 1U);
    EXPECT_GE(peer.undelivered(), all.size() - limits.read_ahead_bytes_max - 2 * 4032);
    EXPECT_GT(peer.undelivered(), 0U);
    echo.request = nullptr;
    advance(seconds(1));
    EXPECT_EQ(echo.calls, 3000U);
    EXPECT_EQ(read_answers(peer.received()).size(), 3000U);
}

TEST_F(HttpConnection, AnswersLaterRequestsOnlyAfterEarlierOnes) {
    answer_after(milliseconds(100));
    MemoryPeer& peer = make_peer();
    connect(peer);
    peer.send(post("a") + std::string(health));
    turn();
    EXPECT_EQ(peer.received(), "");
    advance(milliseconds(104));
    const auto answers = read_answers(peer.received());
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].body, "late");
    EXPECT_EQ(answers[1].body, R"({"status":"healthy"})");
}

TEST_F(HttpConnection, AnswersHeadLikeGetWithoutABodyAndStaysInStep) {
    const std::string received = exchange(
        "HEAD /get HTTP/1.1\r\nHost: gw.test\r\n\r\nHEAD /mcp/health HTTP/1.1\r\nHost: "
        "gw.test\r\n\r\n"
        "HEAD /none HTTP/1.1\r\nHost: gw.test\r\n\r\n" +
        std::string(health));
    const auto answers = read_answers(received, {0, 1, 2});
    ASSERT_EQ(answers.size(), 4U);
    EXPECT_EQ(answers[1].header("Content-Length"), "20");
    EXPECT_EQ(answers[2].status, 404);
    EXPECT_EQ(answers[3].body, R"({"status":"healthy"})");
}

TEST_F(HttpConnection, NamesTheMethodsOfAPath) {
    const Answer options = ask("OPTIONS /mcp HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    EXPECT_EQ(options.status, 204);
    EXPECT_EQ(options.header("Allow"), "POST, OPTIONS");
    EXPECT_FALSE(options.has_header("Content-Length"));
    EXPECT_EQ(ask("OPTIONS * HTTP/1.1\r\nHost: gw.test\r\n\r\n").header("Allow"),
              "POST, GET, HEAD, OPTIONS");
    const Answer put = ask("PUT /mcp/health HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    EXPECT_EQ(put.status, 405);
    EXPECT_EQ(put.header("Allow"), "GET, HEAD, OPTIONS");
    EXPECT_FALSE(put.has_header("Connection"));
    const Answer connect = ask("CONNECT gw.test:443 HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    EXPECT_EQ(connect.status, 405);
    EXPECT_EQ(connect.header("Connection"), "close");
    EXPECT_EQ(ask("OPTIONS /none HTTP/1.1\r\nHost: gw.test\r\n\r\n").status, 404);
}

TEST_F(HttpConnection, MatchesPathsByteForByte) {
    for (const std::string_view path :
         {"/mcp/", "/MCP", "//mcp", "/mcp/../mcp", "/%6dcp", "/mcp;x"}) {
        EXPECT_EQ(ask("POST " + std::string(path) + " HTTP/1.1\r\nHost: gw.test\r\n\r\n").status,
                  404)
            << path;
    }
    EXPECT_EQ(ask("POST /mcp?x=y HTTP/1.1\r\nHost: gw.test\r\n\r\n").status, 200);
}

TEST_F(HttpConnection, SpeaksHttp10) {
    const std::string once = exchange("GET /mcp/health HTTP/1.0\r\n\r\n" + std::string(health));
    ASSERT_EQ(read_answers(once).size(), 1U);
    EXPECT_EQ(read_answers(once)[0].header("Connection"), "close");
    const auto kept = read_answers(exchange(
        "GET /mcp/health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + std::string(health)));
    ASSERT_EQ(kept.size(), 2U);
    EXPECT_EQ(kept[0].header("Connection"), "keep-alive");
}

TEST_F(HttpConnection, SendsContinueOnlyAfterTheHeadIsAccepted) {
    MemoryPeer& peer = make_peer();
    connect(peer);
    peer.send(
        "POST /mcp HTTP/1.1\r\nHost: gw.test\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
    turn();
    EXPECT_EQ(peer.take_received(), "HTTP/1.1 100 Continue\r\n\r\n");
    peer.send("ok");
    turn();
    EXPECT_EQ(read_answers(peer.take_received()).at(0).body, "ok");
    filter.head = [](http::Exchange& exchange) {
        exchange.respond(http::error_response(401, "unauthorized", "no"));
        return http::Next::answered;
    };
    peer.send(
        "POST /mcp HTTP/1.1\r\nHost: gw.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    turn();
    const auto answers = read_answers(peer.received());
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].status, 401);
    EXPECT_EQ(answers[0].header("Connection"), "close");
    EXPECT_TRUE(peer.has_fin());
}

TEST_F(HttpConnection, DropsASmallBodyOfARefusedRequestAndGoesOn) {
    filter.head = [](http::Exchange& exchange) {
        exchange.respond(http::error_response(401, "unauthorized", "no"));
        return http::Next::answered;
    };
    for (const bool chunked : {false, true}) {
        const std::string refused =
            chunked ? "POST /mcp HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "5\r\nhello\r\n0\r\n\r\n"
                    : post("hello");
        const auto answers = read_answers(exchange(refused + std::string(health)));
        ASSERT_EQ(answers.size(), 2U);
        EXPECT_EQ(answers[0].status, 401);
        EXPECT_FALSE(answers[0].has_header("Connection"));
        EXPECT_EQ(answers[1].status, 200);
    }
    EXPECT_EQ(echo.calls, 0U);
}

TEST_F(HttpConnection, ClosesRatherThanReadALargeBodyThatNobodyWants) {
    filter.head = [](http::Exchange& exchange) {
        exchange.respond(http::error_response(401, "unauthorized", "no"));
        return http::Next::answered;
    };
    MemoryPeer& peer = make_peer();
    connect(peer);
    peer.send_in_pieces(post(std::string(1'000'000, 'x')), 4032);
    turn();
    EXPECT_EQ(read_answers(peer.received()).at(0).header("Connection"), "close");
    EXPECT_TRUE(peer.has_fin());
    EXPECT_TRUE(peer.is_closed());  // after 64 KiB of it
    EXPECT_FALSE(peer.was_reset());
    EXPECT_GT(peer.undelivered(), 900'000U);
}

TEST_F(HttpConnection, LingersAfterARefusalSoThatTheAnswerArrives) {
    MemoryPeer& peer = make_peer();
    connect(peer);
    peer.send("BAD\r\n");
    turn();
    EXPECT_TRUE(peer.has_fin());
    EXPECT_FALSE(peer.is_closed());
    peer.send(std::string(60'000, 'x'));
    turn();
    EXPECT_FALSE(peer.is_closed());
    advance(milliseconds(999));
    EXPECT_FALSE(peer.is_closed());
    advance(milliseconds(6));
    EXPECT_TRUE(peer.is_closed());
    EXPECT_FALSE(peer.was_reset());
    EXPECT_EQ(connections(), 0U);
}

TEST_F(HttpConnection, ClosesAtOnceWhenThePeerHasClosedToo) {
    MemoryPeer& peer = make_peer();
    connect(peer);
    peer.send("GET /mcp/health HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n");
    turn();
    EXPECT_TRUE(peer.has_fin());
    EXPECT_FALSE(peer.is_closed());
    peer.finish();
    turn();
    EXPECT_TRUE(peer.is_closed());
    EXPECT_EQ(connections(), 0U);
}

TEST_F(HttpConnection, AnswersAPeerThatHasClosedItsHalf) {
    answer_after(milliseconds(100));
    MemoryPeer& peer = make_peer();
    connect(peer);
    peer.send(post("a") + post("b"));
    peer.finish();
    turn();
    advance(milliseconds(104));
    advance(milliseconds(104));
    EXPECT_EQ(read_answers(peer.received()).size(), 2U);
    EXPECT_TRUE(peer.is_closed());
    EXPECT_EQ(connections(), 0U);
}

TEST_F(HttpConnection, NeverDispatchesAnIncompleteBody) {
    const std::string whole = post("hello");
    for (size_t bytes = 1; bytes < whole.size(); ++bytes) {
        for (const bool rst : {false, true}) {
            MemoryPeer& peer = make_peer();
            connect(peer);
            peer.send(std::string_view(whole).substr(0, bytes));
            turn();
            if (rst) {
                peer.reset();
            } else {
                peer.finish();
            }
            turn();
            EXPECT_TRUE(peer.is_closed());
            EXPECT_EQ(peer.received(), "");
            EXPECT_EQ(connections(), 0U);
        }
    }
    const std::string chunks =
        "POST /mcp HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: "
        "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    exchange(std::string_view(chunks).substr(0, chunks.size() - 1));
    EXPECT_EQ(echo.calls, 0U);
}

TEST_F(HttpConnection, AnIdleConnectionHoldsNoBlocks) {
    if (loop::address_sanitizer) GTEST_SKIP() << "blocks are never used twice there";
    constexpr size_t count = 100;
    std::vector<MemoryPeer*> peers;
    const size_t before = loop::block_pool::mallocs();
    for (size_t i = 0; i < count; ++i) {
        peers.push_back(&make_peer());
        connect(*peers.back());
        peers.back()->send(post(std::string(20'000, 'x')));
        turn();
        EXPECT_EQ(read_answers(peers.back()->received()).at(0).body.size(), 20'000U);
    }
    EXPECT_EQ(connections(), count);
    EXPECT_LT(loop::block_pool::mallocs() - before, 10U);  // all have used the same few
}

}  // namespace
}  // namespace fluxgate::test
