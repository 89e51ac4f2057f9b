// A loop with a manual clock, a product-like route table, and connections over memory streams.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/connection.h"
#include "http/health.h"
#include "http/host_filter.h"
#include "http/router.h"
#include "loop/loop.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_stream.h"

namespace fluxgate::test {

// One answer as a client reads it.
struct Answer {
    int status = 0;
    std::string head;  // with its empty line
    std::string body;
    std::string raw;
    [[nodiscard]] std::string header(std::string_view name) const {
        std::string line = "\r\n";
        line.append(name).append(": ");
        const size_t at = head.find(line);
        if (at == std::string::npos) return {};
        const size_t begin = at + line.size();
        return head.substr(begin, head.find("\r\n", begin) - begin);
    }
    [[nodiscard]] bool has_header(std::string_view name) const {
        return head.contains("\r\n" + std::string(name) + ":");
    }
};

// The answers in `bytes`, strictly: what is left over, or does not parse, is returned as a last
// answer with status -1. `heads` lists which of them answer a HEAD.
[[nodiscard]] inline std::vector<Answer> read_answers(std::string_view bytes,
                                                      const std::vector<size_t>& heads = {}) {
    std::vector<Answer> answers;
    while (!bytes.empty()) {
        Answer answer;
        const size_t end = bytes.find("\r\n\r\n");
        if (end == std::string_view::npos || !bytes.starts_with("HTTP/1.1 ")) {
            answer.status = -1;
            answer.raw = bytes;
            answers.push_back(answer);
            return answers;
        }
        answer.head = bytes.substr(0, end + 4);
        answer.status = std::stoi(answer.head.substr(9, 3));
        size_t used = answer.head.size();
        const std::string length = answer.header("Content-Length");
        const bool is_head = std::ranges::find(heads, answers.size()) != heads.end();
        if (!length.empty() && !is_head) {
            const size_t body_bytes = std::stoul(length);
            if (bytes.size() - used < body_bytes) {
                answer.status = -1;
                answer.raw = bytes;
                answers.push_back(answer);
                return answers;
            }
            answer.body = bytes.substr(used, body_bytes);
            used += body_bytes;
        } else if (answer.header("Transfer-Encoding") == "chunked" && !is_head) {
            while (true) {
                const size_t line = bytes.find("\r\n", used);
                const size_t size =
                    std::stoul(std::string(bytes.substr(used, line - used)), nullptr, 16);
                answer.body.append(bytes.substr(line + 2, size));
                used = line + 2 + size + 2;
                if (size == 0) break;
            }
        }
        answer.raw = bytes.substr(0, used);
        bytes.remove_prefix(used);
        answers.push_back(std::move(answer));
    }
    return answers;
}

// A request to /mcp; `fields` are whole lines.
[[nodiscard]] inline std::string post(std::string_view body, std::string_view fields = {}) {
    return "POST /mcp HTTP/1.1\r\nHost: gw.test\r\n" + std::string(fields) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

// A handler that a test fills in.
class TestHandler final : public http::Handler {
public:
    std::function<http::Next(http::Exchange&)> head;
    std::function<void(http::Exchange&)> request;
    size_t calls = 0;

    [[nodiscard]] http::Next on_head(http::Exchange& exchange) override {
        return head ? head(exchange) : http::Next::proceed;
    }
    void on_request(http::Exchange& exchange) override {
        ++calls;
        if (request) return request(exchange);
        exchange.respond(text_response(exchange.request().body));
    }
    [[nodiscard]] static http::Response text_response(std::string_view text) {
        http::Response response;
        response.body.append(text);
        return response;
    }
};

class TestFilter final : public http::Filter {
public:
    std::function<http::Next(http::Exchange&)> head;
    size_t calls = 0;
    [[nodiscard]] http::Next on_head(http::Exchange& exchange) override {
        ++calls;
        return head ? head(exchange) : http::Next::proceed;
    }
    bool is_allowing = true;
    [[nodiscard]] loop::Task<bool> still_allows(http::Exchange*, loop::Scope*) override {
        co_return is_allowing;
    }
};

// Remembers what was reported.
class TestObserver final : public http::RequestObserver {
public:
    struct Seen {
        int status;
        http::CloseReason close_reason;
        std::string route;
        uint64_t bytes_in;
        uint64_t bytes_out;
        std::string remedy;
    };
    std::vector<Seen> seen;
    void request_finished(const http::RequestReport& report) override {
        seen.push_back({report.status, report.close_reason, std::string(report.route),
                        report.bytes_in, report.bytes_out, std::string(report.notes.remedy)});
    }
};

class HttpFixture : public http::ConnectionOwner {
public:
    ManualClock clock;
    std::unique_ptr<loop::Loop> loop = make_loop(clock);
    http::Limits limits;
    http::HealthHandler health_handler{http::HealthHandler::Kind::health};
    TestHandler echo;   // POST /mcp, GET /get
    TestFilter filter;  // of /mcp
    http::HostFilter hosts{{.hosts = {"gw.test"}, .origins = {}, .allow_loopback = true}};
    http::Router router;
    TestObserver observer;
    std::optional<http::ConnectionContext> context;

    HttpFixture() {
        router.add({"/mcp", http::Method::post, &echo, {&hosts, &filter}, SIZE_MAX, "mcp"});
        router.add({"/mcp/health", http::Method::get, &health_handler, {}, 0, "health"});
        router.add({"/get", http::Method::get, &echo, {}, 0, "get"});
        router.add({"/small", http::Method::post, &echo, {}, 10, "small"});
        router.set_options_filters({&hosts});
    }
    virtual ~HttpFixture() { close_all(); }

    // A peer that stays until the fixture's end.
    MemoryPeer& make_peer() {
        peers_.push_back(std::make_unique<MemoryPeer>(*loop));
        return *peers_.back();
    }
    // Limits may be changed before the first connection.
    http::Connection& connect(MemoryPeer& peer) {
        if (!context) {
            context.emplace(
                http::ConnectionContext{.loop = *loop,
                                        .limits = limits,
                                        .router = router,
                                        .observer = &observer,
                                        .bodies = {.bytes_max = limits.bodies_bytes_max}});
        }
        auto* connection = new http::Connection(
            *context, *this, {.stream = peer.take_stream(), .peer = {}, .number = ++numbers_});
        connections_.push_back(connection);
        connection->start();
        return *connection;
    }
    [[nodiscard]] size_t connections() const { return connections_.size(); }

    void turn() { loop->run_until_idle(); }
    void advance(loop::Duration by) {
        clock.advance(by);
        turn();
    }
    void close_all() {
        turn();
        const auto open = connections_;
        for (http::Connection* connection : open) {
            connection->abort();
        }
        turn();
        FLUX_CHECK(connections_.empty());
    }
    // Sends `bytes` on a new connection, which stays open if the server leaves it so.
    std::string exchange(std::string_view bytes) {
        MemoryPeer& peer = make_peer();
        connect(peer);
        peer.send(bytes);
        turn();
        std::string received = peer.received();
        peer.finish();
        turn();
        close_all();
        return received;
    }
    Answer ask(std::string_view bytes) {
        const auto answers = read_answers(exchange(bytes));
        return answers.empty() ? Answer{} : answers.front();
    }

private:
    static std::unique_ptr<loop::Loop> make_loop(const ManualClock& clock) {
        loop::Loop::Options options;
        options.clock = &clock;
        auto made = loop::Loop::create(options);
        FLUX_CHECK(made.has_value());
        return std::move(*made);
    }
    void connection_closed(http::Connection& connection) override {
        std::erase(connections_, &connection);
        delete &connection;
    }

    std::vector<std::unique_ptr<MemoryPeer>> peers_;
    std::vector<http::Connection*> connections_;
    uint64_t numbers_ = 0;
};

class HttpTest : public ::testing::Test, public HttpFixture {};

}  // namespace fluxgate::test
