// tests/data/http1-hostile against a real Connection behind a route table like the product's: each
// case whole, byte by byte, and cut at random places. What comes out may not depend on the cuts.
#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/http/hostile_cases.h"
#include "tests/http/http_fixture.h"

namespace fluxgate::test {
namespace {

constexpr size_t random_splits = 20;
constexpr uint32_t seed = 20270115;

// Cases whose expectation we hold to be wrong, with the reason. None so far.
struct Disputed {
    std::string_view id;
    std::string_view reason;
};
constexpr std::array<Disputed, 0> disputed{};

// Stands for authentication, which comes before the media type and the body. No case has a
// credential. The cases that list 401 run behind it; the others are about what follows, so they run
// without it (where they run behind it, the answer is 401 and the fault ends the connection: see
// the last test).
http::Next require_key(http::Exchange& exchange) {
    if (exchange.request().get(http::Field::x_service_key) == "right") return http::Next::proceed;
    exchange.respond(http::error_response(401, "unauthorized", "authentication required"));
    return http::Next::answered;
}

struct Outcome {
    std::string output;
    bool closed = false;  // without waiting for a deadline
    size_t dispatched = 0;
    size_t probes = 0;  // answers to what is sent afterwards, where the connection stays open
};

class Hostile : public ::testing::Test {
protected:
    static bool lists(const HostileCase& hostile, int status) {
        return std::ranges::count(hostile.statuses, status) == 1;
    }
    static Outcome run(const HostileCase& hostile, const std::vector<size_t>& cuts) {
        return run(hostile, cuts, lists(hostile, 401));
    }
    static Outcome run(const HostileCase& hostile, const std::vector<size_t>& cuts,
                       bool needs_key) {
        HttpFixture fixture;
        if (needs_key) fixture.filter.head = require_key;
        MemoryPeer& peer = fixture.make_peer();
        fixture.connect(peer);
        size_t from = 0;
        for (const size_t cut : cuts) {
            peer.send(std::string_view(hostile.input).substr(from, cut - from));
            from = cut;
        }
        peer.send(std::string_view(hostile.input).substr(from));
        fixture.turn();
        Outcome outcome;
        outcome.output = peer.received();
        outcome.closed = peer.has_fin() || peer.is_closed();
        if (!outcome.closed && hostile.must_close.value_or(false)) {
            // An unfinished request: its deadline ends it.
            for (int i = 0; i < 20 && !peer.is_closed(); ++i) {
                fixture.advance(std::chrono::seconds(5));
            }
            outcome.output = peer.received();
            outcome.closed = peer.is_closed();
        }
        if (!outcome.closed && hostile.must_close == false) {
            peer.take_received();
            peer.send("GET /mcp/health HTTP/1.1\r\nHost: gw.test\r\n\r\n");
            fixture.turn();
            for (const Answer& answer : read_answers(peer.received())) {
                outcome.probes += answer.status == 200 ? 1 : 0;
            }
        }
        outcome.dispatched = fixture.echo.calls;
        fixture.close_all();
        return outcome;
    }

    static void judge(const HostileCase& hostile, const Outcome& outcome) {
        const std::vector<size_t> heads =
            hostile.input.starts_with("HEAD ") ? std::vector<size_t>{0} : std::vector<size_t>{};
        const std::vector<Answer> answers = read_answers(outcome.output, heads);
        const int status = answers.empty() ? 0 : answers.front().status;
        EXPECT_TRUE(lists(hostile, status)) << "answered " << status << ": " << hostile.why;
        if (hostile.must_close) {
            EXPECT_EQ(outcome.closed, *hostile.must_close) << hostile.why;
            if (!*hostile.must_close) EXPECT_EQ(outcome.probes, 1U) << "out of step";
        }
        EXPECT_EQ(outcome.dispatched, 0U) << "no case has both a credential and a sound body";
        for (const Answer& answer : answers) {
            EXPECT_NE(answer.status, -1) << answer.raw;
            EXPECT_NE(answer.status, 500);
            EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
            EXPECT_FALSE(answer.header("Date").empty());
            EXPECT_FALSE(answer.has_header("Server"));
            if (answer.status == 400) {
                EXPECT_EQ(answer.header("Connection"), "close");
                EXPECT_EQ(&answer, &answers.back()) << "nothing may be answered after a fault";
            }
            // /smuggled is no route: 404 would mean that it was taken for a request.
            if (hostile.input.contains("/smuggled")) EXPECT_NE(answer.status, 404);
        }
    }

    static bool is_disputed(const std::string& id) {
        return std::ranges::any_of(disputed, [&](const Disputed& one) { return one.id == id; });
    }
};

TEST_F(Hostile, EveryCaseGetsWhatItExpectsHoweverItIsCut) {
    const std::vector<HostileCase> cases = read_hostile_cases();
    ASSERT_EQ(cases.size(), 117U);
    std::mt19937 random(seed);
    for (const HostileCase& hostile : cases) {
        SCOPED_TRACE(hostile.id);
        if (is_disputed(hostile.id)) continue;
        const Outcome whole = run(hostile, {});
        judge(hostile, whole);

        std::vector<size_t> every_byte;
        for (size_t i = 1; i < hostile.input.size(); ++i) {
            every_byte.push_back(i);
        }
        EXPECT_EQ(run(hostile, every_byte).output, whole.output) << "byte by byte";

        for (size_t i = 0; i < random_splits && hostile.input.size() > 1; ++i) {
            std::vector<size_t> cuts;
            const size_t count = 1 + random() % 8;
            for (size_t cut = 0; cut < count; ++cut) {
                cuts.push_back(1 + random() % (hostile.input.size() - 1));
            }
            std::ranges::sort(cuts);
            cuts.erase(std::ranges::unique(cuts).begin(), cuts.end());
            EXPECT_EQ(run(hostile, cuts).output, whole.output) << "random split " << i;
        }
    }
}

TEST_F(Hostile, PipelinedCasesAreAnsweredInOrderAndNoFurther) {
    for (const HostileCase& hostile : read_hostile_cases()) {
        SCOPED_TRACE(hostile.id);
        std::vector<int> statuses;
        if (hostile.id == "pipe-50") statuses.assign(50, 200);
        if (hostile.id == "pipe-bad-second") statuses = {200, 400};
        if (hostile.id == "pipe-after-close") statuses = {200};
        if (hostile.id == "pipe-after-401") statuses = {401, 200};
        if (hostile.id == "upgrade-h2c") statuses = {200, 200};
        if (hostile.id == "upgrade-post-body") statuses = {401, 200};
        if (hostile.id == "cl-get-body") statuses = {400};
        if (statuses.empty()) continue;
        std::vector<int> seen;
        for (const Answer& answer : read_answers(run(hostile, {}).output)) {
            seen.push_back(answer.status);
        }
        EXPECT_EQ(seen, statuses);
    }
}

TEST_F(Hostile, AFaultBehindARefusedHeadEndsTheConnectionWithoutASecondAnswer) {
    for (const HostileCase& hostile : read_hostile_cases()) {
        if (hostile.id.find("chunk-") != 0 || !hostile.must_close.value_or(false)) continue;
        SCOPED_TRACE(hostile.id);
        const Outcome outcome = run(hostile, {}, true);
        const std::vector<Answer> answers = read_answers(outcome.output);
        ASSERT_EQ(answers.size(), 1U);
        EXPECT_EQ(answers.front().status, 401);
        EXPECT_TRUE(outcome.closed);
        EXPECT_EQ(outcome.dispatched, 0U);
    }
}

}  // namespace
}  // namespace fluxgate::test
