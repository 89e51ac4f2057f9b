// Answers that come later: suspended filters, cancelled and forgotten requests, streams, extra
// fields.
#include <string>
#include <string_view>

#include "loop/sleep.h"
#include "tests/http/http_fixture.h"

namespace fluxgate::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view health = "GET /mcp/health HTTP/1.1\r\nHost: gw.test\r\n\r\n";

class HttpAnswer : public HttpTest {};

TEST_F(HttpAnswer, RunsARequestToItsEndAfterResetUnlessItAskedToBeCancelled) {
    int cancelled = 0;
    int finished = 0;
    for (const bool asks : {false, true}) {
        echo.request = [&, asks](http::Exchange& exchange) {
            if (asks) exchange.cancel_on_disconnect();
            exchange.scope().spawn(
                "work", [](http::Exchange* one, int* good, int* bad) -> loop::Task<void> {
                    const auto slept = co_await loop::SleepAwaiter(one->scope(), seconds(1));
                    ++(slept ? *good : *bad);
                    one->respond(TestHandler::text_response("x"));
                }(&exchange, &finished, &cancelled));
        };
        MemoryPeer& peer = make_peer();
        connect(peer);
        peer.send(post("x"));
        turn();
        peer.reset();
        turn();
        EXPECT_TRUE(peer.is_closed());
        EXPECT_EQ(connections(), asks ? 0U : 1U);
        advance(seconds(2));
        EXPECT_EQ(connections(), 0U);
    }
    EXPECT_EQ(finished, 1);
    EXPECT_EQ(cancelled, 1);
}

TEST_F(HttpAnswer, GoesOnWhereAFilterSuspended) {
    http::Exchange* waiting = nullptr;
    filter.head = [&](http::Exchange& exchange) {
        exchange.scope().spawn("look up", [](http::Exchange* one) -> loop::Task<void> {
            const auto slept = co_await loop::SleepAwaiter(one->scope(), milliseconds(50));
            one->resume_head(slept ? http::Next::proceed : http::Next::answered);
        }(&exchange));
        waiting = &exchange;
        return http::Next::wait;
    };
    MemoryPeer& peer = make_peer();
    connect(peer);
    peer.send_in_pieces(post(std::string(10'000, 'b')) + post("second"), 100);
    turn();
    EXPECT_EQ(echo.calls, 0U);
    EXPECT_EQ(peer.received(), "");
    advance(milliseconds(54));
    EXPECT_EQ(echo.calls, 1U);
    advance(milliseconds(54));
    const auto answers = read_answers(peer.received());
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].body.size(), 10'000U);
    EXPECT_EQ(answers[1].body, "second");
}

TEST_F(HttpAnswer, AFilterThatIsCancelledWhileThePeerIsGoneEndsQuietly) {
    filter.head = [&](http::Exchange& exchange) {
        exchange.cancel_on_disconnect();
        exchange.scope().spawn("look up", [](http::Exchange* one) -> loop::Task<void> {
            const auto slept = co_await loop::SleepAwaiter(one->scope(), seconds(50));
            if (slept) one->resume_head(http::Next::proceed);
        }(&exchange));
        return http::Next::wait;
    };
    MemoryPeer& peer = make_peer();
    connect(peer);
    peer.send(post("x"));
    turn();
    peer.reset();
    turn();
    EXPECT_EQ(connections(), 0U);
    EXPECT_EQ(echo.calls, 0U);
}

TEST_F(HttpAnswer, AFilterThatWaitsForATaskWhichHasEndedBecomes500) {
    filter.head = [](http::Exchange& exchange) {
        exchange.scope().spawn("ends", []() -> loop::Task<void> { co_return; }());
        return http::Next::wait;
    };
    MemoryPeer& peer = make_peer();
    connect(peer);
    peer.send(post("x"));
    turn();
    EXPECT_EQ(read_answers(peer.received()).at(0).status, 500);
    EXPECT_EQ(echo.calls, 0U);
}

TEST_F(HttpAnswer, BodiesTogetherStayWithinTheirBudget) {
    limits.bodies_bytes_max = 100'000;
    MemoryPeer& first = make_peer();
    connect(first);
    const std::string whole = post(std::string(60'000, 'b'));
    first.send(whole.substr(0, whole.size() - 1));
    turn();
    EXPECT_GE(context->bodies.bytes, 59'999U);
    MemoryPeer& second = make_peer();
    connect(second);
    second.send(whole);
    turn();
    const auto refused = read_answers(second.received());
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].status, 503);
    EXPECT_EQ(refused[0].header("Retry-After"), "1");
    EXPECT_TRUE(refused[0].body.starts_with(R"({"error":"overloaded",)"));
    first.send(whole.substr(whole.size() - 1));
    turn();
    EXPECT_EQ(read_answers(first.received()).at(0).status, 200);
    EXPECT_EQ(context->bodies.bytes, 0U);
    MemoryPeer& third = make_peer();
    connect(third);
    third.send(whole);
    turn();
    EXPECT_EQ(read_answers(third.received()).at(0).status, 200);
}

TEST_F(HttpAnswer, AChunkedBodyOverTheBudgetIsRefusedToo) {
    limits.bodies_bytes_max = 20'000;
    const Answer answer =
        ask("POST /mcp HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n7530\r\n" +
            std::string(0x7530, 'b') + "\r\n0\r\n\r\n");
    EXPECT_EQ(answer.status, 503);
}

TEST_F(HttpAnswer, ATaskThatNeverAnswersBecomes500AndTheConnectionGoesOn) {
    echo.request = [](http::Exchange& exchange) {
        exchange.scope().spawn("forgets", [](http::Exchange* one) -> loop::Task<void> {
            const auto slept = co_await loop::SleepAwaiter(one->scope(), milliseconds(10));
            loop::ignore(slept, "only the time matters");
        }(&exchange));
    };
    MemoryPeer& peer = make_peer();
    connect(peer);
    peer.send(post("x") + std::string(health));
    turn();
    advance(milliseconds(14));
    const auto answers = read_answers(peer.received());
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].status, 500);
    EXPECT_EQ(answers[1].status, 200);
    EXPECT_EQ(context->counts.unanswered, 1U);
}

TEST_F(HttpAnswer, StreamsInChunksAndWaitsForASlowReader) {
    size_t written = 0;
    bool ended = false;
    echo.request = [&](http::Exchange& exchange) {
        exchange.scope().spawn(
            "stream", [](http::Exchange* one, size_t* count, bool* done) -> loop::Task<void> {
                http::Response head;
                head.content_type = "text/event-stream";
                one->begin_stream(std::move(head));
                for (int i = 0; i < 10; ++i) {
                    loop::BlockChain bytes;
                    bytes.append(std::string(100'000, static_cast<char>('a' + i)));
                    const auto sent = co_await one->write(std::move(bytes));
                    if (!sent) break;
                    ++*count;
                }
                one->end_stream();
                *done = true;
            }(&exchange, &written, &ended));
    };
    MemoryPeer& peer = make_peer();
    peer.set_window(0);
    connect(peer);
    peer.send(post("x") + std::string(health));
    turn();
    EXPECT_EQ(written, 2U);  // the third is over 256 KiB and waits
    EXPECT_FALSE(ended);
    peer.open_window();
    turn();
    EXPECT_TRUE(ended);
    const auto answers = read_answers(peer.received());
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].body.size(), 1'000'000U);
    EXPECT_EQ(answers[0].header("Transfer-Encoding"), "chunked");
    EXPECT_FALSE(answers[0].has_header("Content-Length"));
    EXPECT_EQ(answers[1].status, 200);
}

TEST_F(HttpAnswer, AWriteFailsOnceThePeerIsGone) {
    bool failed = false;
    echo.request = [&](http::Exchange& exchange) {
        exchange.scope().spawn("stream", [](http::Exchange* one, bool* bad) -> loop::Task<void> {
            one->begin_stream(http::Response{});
            while (true) {
                loop::BlockChain bytes;
                bytes.append(std::string(100'000, 'x'));
                const auto sent = co_await one->write(std::move(bytes));
                if (!sent) break;
            }
            *bad = true;
            one->end_stream();
        }(&exchange, &failed));
    };
    MemoryPeer& peer = make_peer();
    peer.set_window(0);
    connect(peer);
    peer.send(post("x"));
    turn();
    EXPECT_FALSE(failed);
    peer.reset();
    turn();
    EXPECT_TRUE(failed);
    EXPECT_EQ(connections(), 0U);
}

TEST_F(HttpAnswer, AStreamThatIsLeftUnfinishedNeverLooksWhole) {
    echo.request = [](http::Exchange& exchange) { exchange.begin_stream(http::Response{}); };
    MemoryPeer& peer = make_peer();
    connect(peer);
    peer.send(post("x"));
    turn();
    EXPECT_TRUE(peer.was_reset());
    EXPECT_FALSE(peer.received().ends_with("0\r\n\r\n"));
}

TEST_F(HttpAnswer, AStreamToHttp10EndsWithTheConnection) {
    echo.request = [](http::Exchange& exchange) {
        http::Response head;
        head.body.append("abc");
        exchange.begin_stream(std::move(head));
        exchange.end_stream();
    };
    const std::string received = exchange("GET /get HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_TRUE(received.ends_with("\r\nConnection: close\r\n\r\nabc")) << received;
    EXPECT_FALSE(received.contains("chunked"));
}

TEST_F(HttpAnswer, AStreamAsksTheFiltersOfItsRouteWhetherItMayGoOn) {
    std::string said;
    echo.request = [&](http::Exchange& exchange) {
        exchange.scope().spawn(
            "stream", [](http::Exchange* one, std::string* log) -> loop::Task<void> {
                one->begin_stream(http::Response{});
                bool is_allowed = true;
                while (is_allowed) {
                    is_allowed = co_await one->still_allowed(&one->scope());
                    *log += is_allowed ? "yes " : "no";
                    const auto slept = co_await loop::SleepAwaiter(one->scope(), seconds(1));
                    if (!slept) break;
                }
                one->end_stream();
            }(&exchange, &said));
    };
    MemoryPeer& peer = make_peer();
    connect(peer);
    peer.send(post("x") + std::string(health));
    turn();
    advance(milliseconds(1010));
    EXPECT_EQ(said, "yes yes ");
    filter.is_allowing = false;
    advance(milliseconds(1010));
    EXPECT_EQ(said, "yes yes no");
    advance(milliseconds(1010));
    EXPECT_EQ(read_answers(peer.received()).size(), 2U);
}

TEST_F(HttpAnswer, FieldsOfFiltersAreOnEveryKindOfAnswer) {
    const Answer answer =
        ask("POST /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:3000\r\n"
            "Content-Length: 0\r\n\r\n");
    EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "http://localhost:3000");
    EXPECT_EQ(answer.header("Vary"), "Origin");
}

TEST_F(HttpAnswer, AValueCanNotStartAnotherField) {
    echo.request = [](http::Exchange& exchange) {
        http::Response response;
        response.add("X-Test", "a\r\nSet-Cookie: b");
        exchange.respond(std::move(response));
    };
    const Answer answer = ask(post("x"));
    EXPECT_EQ(answer.header("X-Test"), "a  Set-Cookie: b");
    EXPECT_FALSE(answer.has_header("Set-Cookie"));
}

TEST_F(HttpAnswer, TellsTheObserverWhatHappened) {
    exchange(post("hello"));
    ASSERT_EQ(observer.seen.size(), 1U);
    EXPECT_EQ(observer.seen[0].status, 200);
    EXPECT_EQ(observer.seen[0].route, "mcp");
    EXPECT_EQ(observer.seen[0].bytes_in, post("hello").size());
    exchange("BAD");
    EXPECT_EQ(observer.seen.back().status, 0);  // the method was not finished
    exchange("BAD\r\n");
    EXPECT_EQ(observer.seen.back().status, 400);
    EXPECT_EQ(observer.seen.back().close_reason, http::CloseReason::refused);
}

}  // namespace
}  // namespace fluxgate::test
