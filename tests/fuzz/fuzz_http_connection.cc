// Bytes and places to cut them, against a real Connection over an in-memory stream.
//
// The input's first byte says how the rest is cut: 0 means byte by byte, otherwise it seeds the
// cuts. Oracle:
//   - what is sent back is the same whole and cut;
//   - what is sent back is a sequence of well-formed answers;
//   - nothing is dispatched after a 400, and no more is dispatched than answered with 200.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/connection.h"
#include "http/health.h"
#include "http/router.h"
#include "loop/check.h"
#include "loop/loop.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_stream.h"

namespace fluxgate::test {
namespace {

class Echo final : public http::Handler {
public:
    size_t calls = 0;
    void on_request(http::Exchange& exchange) override {
        ++calls;
        http::Response response;
        response.body.append(exchange.request().body);
        for (size_t i = 0; i < loop::Stream::receive_padding_bytes; ++i) {
            FLUX_CHECK(exchange.request().body.data()[exchange.request().body.size() + i] == 0);
        }
        exchange.respond(std::move(response));
    }
};

struct Bench final : http::ConnectionOwner {
    ManualClock clock;
    std::unique_ptr<loop::Loop> loop;
    http::Limits limits;
    http::HealthHandler health{http::HealthHandler::Kind::health};
    Echo echo;
    http::Router router;
    std::unique_ptr<http::ConnectionContext> context;
    size_t open = 0;

    Bench() {
        loop::Loop::Options options;
        options.clock = &clock;
        loop = *loop::Loop::create(options);
        limits.body_bytes_max = 4096;  // small, so that inputs reach them
        limits.head_bytes_max = 1024;
        limits.target_bytes_max = 128;
        limits.fields_max = 10;
        limits.chunk_overhead_bytes_max = 256;
        router.add({"/mcp", http::Method::post, &echo, {}, SIZE_MAX, "mcp"});
        router.add({"/mcp/health", http::Method::get, &health, {}, 0, "health"});
        context = std::make_unique<http::ConnectionContext>(
            http::ConnectionContext{.loop = *loop, .limits = limits, .router = router});
    }
    void connection_closed(http::Connection& connection) override {
        delete &connection;
        --open;
    }

    struct Outcome {
        std::string output;
        size_t dispatched = 0;
    };
    Outcome run(std::string_view input, uint8_t cuts) {
        echo.calls = 0;
        MemoryPeer peer(*loop);
        auto* connection = new http::Connection(
            *context, *this, {.stream = peer.take_stream(), .peer = {}, .number = 1});
        ++open;
        connection->start();
        uint32_t random = cuts;
        while (!input.empty()) {
            random = random * 1'103'515'245 + 12'345;
            const size_t piece = cuts == 0 ? 1 : 1 + (random >> 16) % (size_t{cuts} * 2);
            peer.send(input.substr(0, piece));
            input.remove_prefix(std::min(piece, input.size()));
        }
        peer.finish();
        loop->run_until_idle();
        FLUX_CHECK(peer.is_closed() && open == 0);  // FIN ends it, whatever was sent
        return {peer.received(), echo.calls};
    }
    Outcome run_whole(std::string_view input) {
        echo.calls = 0;
        MemoryPeer peer(*loop);
        auto* connection = new http::Connection(
            *context, *this, {.stream = peer.take_stream(), .peer = {}, .number = 1});
        ++open;
        connection->start();
        peer.send(input);
        peer.finish();
        loop->run_until_idle();
        FLUX_CHECK(peer.is_closed() && open == 0);
        return {peer.received(), echo.calls};
    }
};

// Checks the answers one after the other; HEAD answers have no body, so a length may be unmet
// there.
void check_output(const std::string& output, size_t dispatched, bool may_have_head) {
    std::string_view rest = output;
    size_t good = 0;
    while (!rest.empty()) {
        FLUX_CHECK(rest.starts_with("HTTP/1.1 "));
        const size_t end = rest.find("\r\n\r\n");
        FLUX_CHECK(end != std::string_view::npos);
        const std::string_view head = rest.substr(0, end + 4);
        const std::string_view status = head.substr(9, 3);
        FLUX_CHECK(status != "500");
        good += status == "200" ? 1 : 0;
        rest.remove_prefix(head.size());
        constexpr std::string_view length_name = "\r\nContent-Length: ";
        const size_t at = head.find(length_name);
        if (at != std::string_view::npos && !(may_have_head && rest.starts_with("HTTP/1.1 "))) {
            const size_t bytes = std::stoul(std::string(head.substr(at + length_name.size(), 8)));
            if (may_have_head && rest.size() < bytes) return;
            FLUX_CHECK(rest.size() >= bytes);
            rest.remove_prefix(bytes);
        }
        if (status == "400") FLUX_CHECK(rest.empty());
    }
    FLUX_CHECK(dispatched <= good);
}

}  // namespace
}  // namespace fluxgate::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static auto* const bench = new fluxgate::test::Bench;
    if (size == 0) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto whole = bench->run_whole(input);
    const auto cut = bench->run(input, data[0]);
    FLUX_CHECK(whole.output == cut.output);
    FLUX_CHECK(whole.dispatched == cut.dispatched);
    fluxgate::test::check_output(whole.output, whole.dispatched, input.contains("HEAD "));
    return 0;
}
