// Last answers whose work goes on behind them: the connection ends, the request does not.
#include <string>

#include "loop/sleep.h"
#include "tests/http/http_fixture.h"

namespace fluxgate::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view health = "GET /mcp/health HTTP/1.1\r\nHost: gw.test\r\n\r\n";

class HttpAnswerGoesOn : public HttpTest {
protected:
    // Work of ten seconds, most of it behind the answer.
    void work_on(bool is_stream) {
        echo.request = [this, is_stream](http::Exchange& exchange) {
            exchange.cancel_on_disconnect();
            exchange.scope().spawn("work", work(&exchange, is_stream, this));
        };
    }
    static loop::Task<void> work(http::Exchange* exchange, bool is_stream, HttpAnswerGoesOn* test) {
        http::Response response = TestHandler::text_response("first");
        response.close = !is_stream;
        if (is_stream) {
            exchange->begin_stream(std::move(response));
            exchange->end_stream_and_close();
        } else {
            exchange->respond(std::move(response));
        }
        const auto slept = co_await loop::SleepAwaiter(exchange->scope(), seconds(10));
        test->body_ = exchange->arena().copy(exchange->request().body);
        ++(slept ? test->finished_ : test->cancelled_);
    }
    [[nodiscard]] MemoryPeer& ask_and_see_the_answer() {
        MemoryPeer& peer = make_peer();
        connect(peer);
        peer.send(post("work") + std::string(health));
        turn();
        const auto answers = read_answers(peer.received());
        EXPECT_EQ(answers.size(), 1U) << "the request behind it is dropped";
        EXPECT_EQ(answers.at(0).body, "first");
        EXPECT_TRUE(peer.has_fin());
        EXPECT_FALSE(peer.is_closed());
        return peer;
    }
    void expect_work_to_finish() {
        EXPECT_EQ(connections(), 1U);
        EXPECT_EQ(observer.seen.size(), 0U);
        advance(seconds(11));
        EXPECT_EQ(connections(), 0U);
        EXPECT_EQ(finished_, 1);
        EXPECT_EQ(cancelled_, 0);
        EXPECT_EQ(body_, "work");
        ASSERT_EQ(observer.seen.size(), 1U);
        EXPECT_EQ(observer.seen[0].status, 200);
    }

    int finished_ = 0;
    int cancelled_ = 0;
    std::string body_;
};

TEST_F(HttpAnswerGoesOn, ClosesWithItsPeer) {
    for (const bool is_stream : {true, false}) {
        finished_ = 0;
        observer.seen.clear();
        work_on(is_stream);
        MemoryPeer& peer = ask_and_see_the_answer();
        peer.finish();
        turn();
        EXPECT_TRUE(peer.is_closed());
        EXPECT_FALSE(peer.was_reset());
        expect_work_to_finish();
    }
}

TEST_F(HttpAnswerGoesOn, ClosesThoughItsPeerStays) {
    work_on(true);
    MemoryPeer& peer = ask_and_see_the_answer();
    advance(milliseconds(limits.lingering_timeout_ms + 10));
    EXPECT_TRUE(peer.is_closed());
    expect_work_to_finish();
}

TEST_F(HttpAnswerGoesOn, IsNotDisturbedByAReset) {
    work_on(true);
    MemoryPeer& peer = ask_and_see_the_answer();
    peer.reset();
    turn();
    expect_work_to_finish();
}

TEST_F(HttpAnswerGoesOn, LingersOnWhereTheWorkIsOverFirst) {
    limits.lingering_timeout_ms = 60'000;
    work_on(true);
    MemoryPeer& peer = ask_and_see_the_answer();
    advance(seconds(11));
    EXPECT_EQ(finished_, 1);
    EXPECT_EQ(observer.seen.size(), 1U);
    EXPECT_FALSE(peer.is_closed());
    peer.finish();
    turn();
    EXPECT_EQ(connections(), 0U);
}

TEST_F(HttpAnswerGoesOn, EndsWithTheServer) {
    work_on(true);
    for (const bool is_closed : {false, true}) {
        cancelled_ = 0;
        MemoryPeer& peer = ask_and_see_the_answer();
        if (is_closed) peer.finish();
        turn();
        close_all();
        EXPECT_EQ(cancelled_, 1);
        EXPECT_EQ(finished_, 0);
    }
}

TEST_F(HttpAnswerGoesOn, WaitsForASlowReader) {
    work_on(true);
    MemoryPeer& peer = make_peer();
    peer.set_window(10);
    connect(peer);
    peer.send(post("work"));
    turn();
    EXPECT_FALSE(peer.has_fin());
    peer.open_window();
    turn();
    EXPECT_EQ(read_answers(peer.received()).at(0).body, "first");
    EXPECT_TRUE(peer.has_fin());
}

}  // namespace
}  // namespace fluxgate::test
