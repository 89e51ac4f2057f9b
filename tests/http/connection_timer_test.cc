// Slow and silent peers: every deadline, just before and just after. Timers are up to one tick
// late.
#include <string>
#include <string_view>

#include "loop/sleep.h"
#include "tests/http/http_fixture.h"

namespace fluxgate::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto tick = milliseconds(loop::TimerWheel::tick_ms + 1);

class HttpDeadlines : public HttpTest {
protected:
    MemoryPeer& peer = make_peer();

    void expect_408() {
        const auto answers = read_answers(peer.received());
        ASSERT_EQ(answers.size(), 1U);
        EXPECT_EQ(answers[0].status, 408);
        EXPECT_EQ(answers[0].header("Connection"), "close");
        EXPECT_EQ(answers[0].body,
                  R"({"error":"request_timeout","message":"the request took too long"})");
        EXPECT_TRUE(peer.has_fin());
        EXPECT_EQ(echo.calls, 0U);
    }
};

TEST_F(HttpDeadlines, AnIdleConnectionClosesSilentlyAfter75Seconds) {
    connect(peer);
    advance(seconds(75) - milliseconds(1));
    EXPECT_FALSE(peer.is_closed());
    advance(tick);
    EXPECT_TRUE(peer.is_closed());
    EXPECT_EQ(peer.received(), "");
    EXPECT_EQ(connections(), 0U);
}

TEST_F(HttpDeadlines, TheIdleTimeStartsAgainAfterEachRequest) {
    connect(peer);
    for (int i = 0; i < 5; ++i) {
        advance(seconds(70));
        peer.send("GET /mcp/health HTTP/1.1\r\nHost: gw.test\r\n\r\n");
        turn();
    }
    EXPECT_EQ(read_answers(peer.received()).size(), 5U);
    advance(seconds(74));
    EXPECT_FALSE(peer.is_closed());
    advance(seconds(1) + tick);
    EXPECT_TRUE(peer.is_closed());
}

TEST_F(HttpDeadlines, AnAnswerThatIsStillBeingReadKeepsTheConnection) {
    limits.keep_alive_timeout_ms = 3'000;
    connect(peer);
    peer.set_window(1'000);
    const std::string body(20'000, 'b');  // not enough to stop reading for
    peer.send(post(body));
    turn();
    for (int i = 0; i < 20; ++i) {
        advance(seconds(1));
        peer.set_window(1'000);
        turn();
    }
    EXPECT_FALSE(peer.is_closed());
    peer.open_window();
    turn();
    EXPECT_EQ(read_answers(peer.received()).at(0).body, body);
    advance(seconds(2));
    EXPECT_FALSE(peer.is_closed());  // idle from the end of the answer on
    advance(seconds(1) + tick);
    EXPECT_TRUE(peer.is_closed());
}

TEST_F(HttpDeadlines, AHeadHas10SecondsFromItsFirstByteWhateverFollows) {
    connect(peer);
    advance(seconds(60));
    for (int i = 0; i < 10; ++i) {
        peer.send("G");
        if (i == 0) peer.send("ET /");
        advance(milliseconds(999));
        EXPECT_EQ(peer.received(), "");
    }
    advance(milliseconds(10) + tick);
    expect_408();
    EXPECT_EQ(context->counts.head_timeouts, 1U);
}

TEST_F(HttpDeadlines, EmptyLinesStartTheTimeOfTheHead) {
    connect(peer);
    peer.send("\r\n");
    turn();
    advance(seconds(10) + tick);
    expect_408();
}

TEST_F(HttpDeadlines, ABodyWithoutProgressFor30SecondsIs408) {
    limits.body_bytes_per_second_min = 1;
    connect(peer);
    peer.send("POST /mcp HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 200\r\n\r\n" +
              std::string(100, 'x'));
    turn();
    advance(seconds(29));
    peer.send("x");
    turn();
    advance(seconds(30) - milliseconds(1));
    EXPECT_EQ(peer.received(), "");
    advance(tick);
    expect_408();
    EXPECT_EQ(context->counts.body_timeouts, 1U);
}

TEST_F(HttpDeadlines, ABodyBelow4KiBASecondOnAverageIs408AfterTheGrace) {
    connect(peer);
    peer.send("POST /mcp HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 1000000\r\n\r\n");
    peer.send(std::string(10, 'x'));
    turn();
    for (int i = 0; i < 20; ++i) {  // ten bytes more than the least
        peer.send(std::string(4096, 'x'));
        turn();
        advance(seconds(1));
    }
    EXPECT_EQ(peer.received(), "");
    advance(tick);  // 20 s and 81,930 bytes; nothing comes any more
    expect_408();
}

TEST_F(HttpDeadlines, AShortBodyMayTakeTheGrace) {
    connect(peer);
    peer.send("POST /mcp HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 2\r\n\r\n");
    turn();
    advance(seconds(10) - milliseconds(1));
    peer.send("ok");
    turn();
    EXPECT_EQ(read_answers(peer.received()).at(0).body, "ok");
}

TEST_F(HttpDeadlines, ARequestThatIsBeingAnsweredHasNoReadDeadline) {
    echo.request = [](http::Exchange& exchange) {
        exchange.scope().spawn("long", [](http::Exchange* one) -> loop::Task<void> {
            const auto slept = co_await loop::SleepAwaiter(one->scope(), seconds(600));
            one->respond(TestHandler::text_response(slept ? "done" : "cancelled"));
        }(&exchange));
    };
    connect(peer);
    peer.send("POST /mcp HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n");
    turn();
    for (int i = 0; i < 60; ++i) {
        advance(seconds(10));
    }
    advance(tick);
    EXPECT_EQ(read_answers(peer.received()).at(0).body, "done");
}

TEST_F(HttpDeadlines, AnAnswerWithoutProgressFor30SecondsIsReset) {
    peer.set_window(100);
    connect(peer);
    peer.send("GET /mcp/health HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    turn();
    EXPECT_EQ(peer.received().size(), 100U);
    advance(seconds(30) - milliseconds(1));
    EXPECT_FALSE(peer.is_closed());
    advance(tick);
    EXPECT_TRUE(peer.was_reset());
    EXPECT_EQ(connections(), 0U);
    EXPECT_EQ(context->counts.write_timeouts, 1U);
}

TEST_F(HttpDeadlines, AReaderBelow4KiBASecondOnAverageIsReset) {
    echo.request = [](http::Exchange& exchange) {
        exchange.respond(TestHandler::text_response(std::string(1'000'000, 'x')));
    };
    peer.set_window(0);
    connect(peer);
    peer.send("POST /mcp HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n");
    turn();
    int elapsed = 0;
    while (!peer.is_closed() && elapsed < 600) {
        peer.set_window(4000);  // a little too slow
        advance(seconds(1));
        ++elapsed;
    }
    EXPECT_TRUE(peer.was_reset());
    EXPECT_GE(elapsed, 30);
    EXPECT_LE(elapsed, 64);  // progress is seen once a send of 64 KiB is through
}

TEST_F(HttpDeadlines, AReaderThatIsFastEnoughGetsAllOfIt) {
    echo.request = [](http::Exchange& exchange) {
        exchange.respond(TestHandler::text_response(std::string(1'000'000, 'x')));
    };
    peer.set_window(0);
    connect(peer);
    peer.send("POST /mcp HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n");
    turn();
    for (int i = 0; i < 300 && !peer.is_closed(); ++i) {
        peer.set_window(8192);
        advance(seconds(1));
    }
    EXPECT_EQ(read_answers(peer.received()).at(0).body.size(), 1'000'000U);
}

TEST_F(HttpDeadlines, WhileWeDoNotReadThePeerIsNotLate) {
    peer.set_window(0);
    connect(peer);
    std::string all;
    for (int i = 0; i < 20; ++i) {
        all += "GET /mcp/health HTTP/1.1\r\nHost: gw.test\r\n\r\n";
    }
    peer.send(all + "GET /mcp/hea");
    turn();
    advance(seconds(20));
    peer.open_window();
    turn();
    advance(seconds(9));
    peer.send("lth HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    turn();
    EXPECT_EQ(read_answers(peer.received()).size(), 21U);
}

}  // namespace
}  // namespace fluxgate::test
