// The connections of one core together: bounds, drain, abort.
#include "http/server.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "http/health.h"
#include "loop/sleep.h"
#include "tests/http/http_fixture.h"

namespace fluxgate::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view health = "GET /mcp/health HTTP/1.1\r\nHost: gw.test\r\n\r\n";
constexpr std::string_view slow =
    "POST /mcp HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n";

class HttpServer : public HttpTest, public http::Server::Observer {
protected:
    http::Server::Options options;
    std::unique_ptr<http::Server> server;
    size_t closed = 0;

    ~HttpServer() override {
        if (server == nullptr) return;
        server->abort_all();
        turn();
        server.reset();
    }
    void server_connection_closed() override { ++closed; }

    MemoryPeer& adopt(std::string_view address) {
        if (server == nullptr) {
            server = std::make_unique<http::Server>(*loop, options, router, &observer, this);
        }
        MemoryPeer& peer = make_peer();
        server->adopt(peer.take_stream(), *loop::PeerAddress::parse(address));
        turn();
        return peer;
    }
    static int status(MemoryPeer& peer) {
        const auto answers = read_answers(peer.received());
        return answers.empty() ? 0 : answers.front().status;
    }
    // Starts draining; true in the result once it has ended.
    std::shared_ptr<bool> start_drain() {
        auto done = std::make_shared<bool>(false);
        drain_scope.spawn("drain",
                          [](http::Server* one, std::shared_ptr<bool> flag) -> loop::Task<void> {
                              co_await one->drain();
                              *flag = true;
                          }(server.get(), done));
        turn();
        return done;
    }
    loop::Scope drain_scope{loop.get()};
};

TEST_F(HttpServer, AddressMayHave256ConnectionsAndTheNextIsTold503) {
    for (int i = 0; i < 256; ++i) {
        adopt("192.0.2.1");
    }
    MemoryPeer& over = adopt("192.0.2.1");
    EXPECT_EQ(status(over), 503);
    EXPECT_TRUE(over.has_fin());
    EXPECT_TRUE(over.received().contains("too_many_connections"));
    MemoryPeer& other = adopt("192.0.2.2");
    other.send(health);
    turn();
    EXPECT_EQ(status(other), 200);
    EXPECT_EQ(server->counts().over_address, 1U);
}

TEST_F(HttpServer, SixtyFourBitsOfAnIPv6AddressAreOneAddress) {
    options.limits.connections_per_address_max = 2;
    adopt("2001:db8::1");
    adopt("2001:db8::ffff");
    EXPECT_EQ(status(adopt("2001:db8::2:3")), 503);
    EXPECT_EQ(status(adopt("2001:db8:0:1::1")), 0);
}

TEST_F(HttpServer, AClosedConnectionMakesRoom) {
    options.limits.connections_per_address_max = 1;
    MemoryPeer& first = adopt("192.0.2.1");
    EXPECT_EQ(status(adopt("192.0.2.1")), 503);
    first.finish();
    turn();
    EXPECT_EQ(status(adopt("192.0.2.1")), 0);
}

TEST_F(HttpServer, TheTotalIsBoundedAndSoAreThoseThatAreTold) {
    options.connections_max = 2;
    options.refused_connections_max = 3;
    adopt("192.0.2.1");
    adopt("192.0.2.2");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(status(adopt("192.0.2.9")), 503);
    }
    MemoryPeer& fourth = adopt("192.0.2.9");
    EXPECT_TRUE(fourth.was_reset());
    EXPECT_EQ(fourth.received(), "");
    EXPECT_EQ(server->counts().over_total, 4U);
    EXPECT_EQ(server->counts().reset_at_once, 1U);
    advance(seconds(2));
    EXPECT_EQ(server->connections(), 2U);
    EXPECT_EQ(closed, 4U);
}

TEST_F(HttpServer, DrainClosesIdleConnectionsAndAnswersBusyOnesWithClose) {
    echo.request = [](http::Exchange& exchange) {
        exchange.scope().spawn("work", [](http::Exchange* one) -> loop::Task<void> {
            const auto slept = co_await loop::SleepAwaiter(one->scope(), seconds(5));
            one->respond(TestHandler::text_response(slept ? "done" : "cancelled"));
        }(&exchange));
    };
    MemoryPeer& idle = adopt("192.0.2.1");
    MemoryPeer& busy = adopt("192.0.2.2");
    busy.send(slow);
    turn();
    const auto done = start_drain();
    EXPECT_TRUE(idle.has_fin());
    EXPECT_FALSE(busy.has_fin());
    idle.finish();
    advance(seconds(5) + milliseconds(5));
    const auto answers = read_answers(busy.received());
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].body, "done");
    EXPECT_EQ(answers[0].header("Connection"), "close");
    EXPECT_FALSE(*done);
    busy.finish();
    turn();
    EXPECT_TRUE(*done);
    EXPECT_EQ(server->connections(), 0U);
    EXPECT_EQ(server->counts().aborted, 0U);
}

TEST_F(HttpServer, AConnectionThatIsAnsweredButBusyWhenTheDrainBeginsIsClosedWhenItIsFree) {
    echo.request = [](http::Exchange& exchange) {
        exchange.respond(TestHandler::text_response("early"));
        exchange.scope().spawn("late work", [](http::Exchange* one) -> loop::Task<void> {
            const auto slept = co_await loop::SleepAwaiter(one->scope(), seconds(5));
            loop::ignore(slept, "only the time matters");
        }(&exchange));
    };
    MemoryPeer& peer = adopt("192.0.2.1");
    peer.send(slow);
    turn();
    EXPECT_EQ(read_answers(peer.received()).at(0).header("Connection"), "");
    const auto done = start_drain();
    EXPECT_FALSE(peer.has_fin());
    advance(seconds(5) + milliseconds(5));
    EXPECT_TRUE(peer.has_fin());
    peer.finish();
    turn();
    EXPECT_TRUE(*done);
    EXPECT_EQ(server->counts().aborted, 0U);
}

TEST_F(HttpServer, DrainResetsWhatIsLeftAfter30Seconds) {
    bool cancelled = false;
    echo.request = [&](http::Exchange& exchange) {
        exchange.scope().spawn("work", [](http::Exchange* one, bool* flag) -> loop::Task<void> {
            const auto slept = co_await loop::SleepAwaiter(one->scope(), seconds(1000));
            *flag = !slept;
            one->respond(TestHandler::text_response("late"));
        }(&exchange, &cancelled));
    };
    MemoryPeer& busy = adopt("192.0.2.2");
    busy.send(slow);
    turn();
    const auto done = start_drain();
    advance(seconds(30) - milliseconds(1));
    EXPECT_FALSE(*done);
    EXPECT_FALSE(cancelled);
    advance(milliseconds(6));
    EXPECT_TRUE(*done);
    EXPECT_TRUE(cancelled);
    EXPECT_TRUE(busy.was_reset());
    EXPECT_EQ(server->counts().aborted, 1U);
}

TEST_F(HttpServer, DrainOfNothingEndsAtOnce) {
    adopt("192.0.2.1").finish();
    turn();
    EXPECT_TRUE(*start_drain());
}

TEST_F(HttpServer, ARequestThatArrivesWhileDrainingIsAnsweredWithClose) {
    MemoryPeer& peer = adopt("192.0.2.1");
    peer.send("GET /mcp/health HT");
    turn();
    const auto done = start_drain();
    EXPECT_FALSE(peer.has_fin());
    peer.send("TP/1.1\r\nHost: gw.test\r\n\r\n");
    peer.finish();
    turn();
    EXPECT_EQ(read_answers(peer.received()).at(0).header("Connection"), "close");
    EXPECT_TRUE(*done);
}

}  // namespace
}  // namespace fluxgate::test
