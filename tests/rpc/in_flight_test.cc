#include "rpc/in_flight.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "tests/rpc/fake_tool.h"

namespace fluxgate::rpc {
namespace {

constexpr SessionNonce alice{1};
constexpr SessionNonce bob{2};

class InFlightTest : public testing::Test {
protected:
    struct Running {
        Running(loop::Loop* loop, InFlight& in_flight, const SessionNonce& session,
                std::string_view id)
            : scope(loop), call(session, id, &scope) {
            in_flight.add(call);
        }
        [[nodiscard]] bool is_cancelled() const {
            EXPECT_EQ(scope.is_cancelled(), call.is_cancelled());
            return call.is_cancelled();
        }
        loop::Scope scope;
        InFlight::Call call;
    };
    [[nodiscard]] std::unique_ptr<Running> run(const SessionNonce& session, std::string_view id) {
        return std::make_unique<Running>(loop_.get(), in_flight_, session, id);
    }

    test::TestLoop loop_;
    InFlight in_flight_;
};

TEST_F(InFlightTest, CancelsTheCallOfThatSessionAndId) {
    const auto own = run(alice, "1");
    const auto other_id = run(alice, "2");
    const auto other_session = run(bob, "1");
    EXPECT_TRUE(in_flight_.cancel(alice, "1"));
    EXPECT_TRUE(own->is_cancelled());
    EXPECT_FALSE(other_id->is_cancelled());
    EXPECT_FALSE(other_session->is_cancelled());
}

TEST_F(InFlightTest, RefusesWhatIsNotThere) {
    EXPECT_FALSE(in_flight_.cancel(alice, "1"));
    const auto call = run(alice, "1");
    for (const char* id : {"", "\"1\"", "10", "1.0", "01", "2"}) {
        EXPECT_FALSE(in_flight_.cancel(alice, id)) << id;
    }
    EXPECT_FALSE(in_flight_.cancel(bob, "1"));
    EXPECT_FALSE(in_flight_.cancel({}, "1"));
    EXPECT_FALSE(call->is_cancelled());
}

TEST_F(InFlightTest, ForgetsACallThatHasEnded) {
    auto call = run(alice, "1");
    call.reset();
    EXPECT_FALSE(in_flight_.cancel(alice, "1"));
}

TEST_F(InFlightTest, CancelsAllCallsOfASession) {
    const auto first = run(alice, "1");
    const auto other_session = run(bob, "1");
    auto ended = run(alice, "2");
    const auto second = run(alice, "3");
    ended.reset();
    in_flight_.cancel_all(alice);
    EXPECT_TRUE(first->is_cancelled());
    EXPECT_TRUE(second->is_cancelled());
    EXPECT_FALSE(other_session->is_cancelled());
    in_flight_.cancel_all(alice);
    EXPECT_FALSE(in_flight_.cancel(alice, "1"));
    EXPECT_TRUE(in_flight_.cancel(bob, "1"));
}

loop::Task<void> end_with(loop::Scope* scope, std::optional<InFlight::Call>* call) {
    (void)co_await loop::sleep_for(*scope, std::chrono::hours(1));
    call->reset();
}

TEST_F(InFlightTest, LetsTheCallEndInsideItsCancellation) {
    loop::Scope scope(loop_.get());
    std::optional<InFlight::Call> call;
    call.emplace(alice, "1", &scope);
    in_flight_.add(*call);
    scope.spawn("call", end_with(&scope, &call));
    EXPECT_TRUE(in_flight_.cancel(alice, "1"));
    loop_.get()->run_until_idle();
    EXPECT_FALSE(call);
    EXPECT_FALSE(in_flight_.cancel(alice, "1"));
}

// One call's end may be another's: both stand on the same list meanwhile.
TEST_F(InFlightTest, LetsCallsEndEachOtherWhileAllAreCancelled) {
    loop::Scope scope(loop_.get());
    loop::Scope other_scope(loop_.get());
    std::optional<InFlight::Call> first;
    std::optional<InFlight::Call> second;
    first.emplace(alice, "1", &scope);
    in_flight_.add(*first);
    second.emplace(alice, "2", &other_scope);
    in_flight_.add(*second);
    scope.spawn("call", end_with(&scope, &second));
    in_flight_.cancel_all(alice);
    loop_.get()->run_until_idle();
    EXPECT_TRUE(first->is_cancelled());
    EXPECT_FALSE(second);
}

}  // namespace
}  // namespace fluxgate::rpc
