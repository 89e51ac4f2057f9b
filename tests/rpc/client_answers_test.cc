#include "rpc/client_answers.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "tests/rpc/fake_tool.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;

constexpr SessionNonce alice{1};
constexpr SessionNonce bob{2};

loop::Task<void> wait_for(loop::Waiter* waiter, loop::Scope* scope, int* woken) {
    while ((co_await waiter->wait(*scope, 1h)).has_value())
        ++*woken;
}

class ClientAnswersTest : public testing::Test {
protected:
    ClientAnswersTest() {
        wakes_.attach(loop_.get());
        scope_ = std::make_unique<loop::Scope>(loop_.get());
        waiter_ = std::make_unique<loop::Waiter>(&wakes_);
        scope_->spawn("waiter", wait_for(waiter_.get(), scope_.get(), &woken_));
    }
    ~ClientAnswersTest() override {
        scope_->cancel();
        run();
    }
    void run() { loop_.get()->run_until_idle(); }
    [[nodiscard]] auto expect(const std::string& id) {
        return std::make_unique<ClientAnswers::Expected>(&answers_, id, alice, waiter_.get());
    }

    loop::WakeList wakes_;  // outlives the loop
    test::TestLoop loop_;
    ClientAnswers answers_;
    std::unique_ptr<loop::Scope> scope_;
    std::unique_ptr<loop::Waiter> waiter_;
    int woken_ = 0;
};

TEST_F(ClientAnswersTest, BringsAnAnswerToWhoWaitsForIt) {
    const auto first = expect("q1");
    const auto second = expect("q2");
    EXPECT_FALSE(first->take());
    EXPECT_TRUE(answers_.deliver("q2", alice, "{2}"));
    run();
    EXPECT_EQ(woken_, 1);
    EXPECT_FALSE(first->take());
    EXPECT_EQ(second->take(), "{2}");
    EXPECT_TRUE(answers_.deliver("q1", alice, "{1}"));
    run();
    EXPECT_EQ(woken_, 2);
    EXPECT_EQ(first->take(), "{1}");
}

TEST_F(ClientAnswersTest, RefusesAnotherSessionsAnswer) {
    const auto expected = expect("q1");
    EXPECT_FALSE(answers_.deliver("q1", bob, "{evil}"));
    EXPECT_FALSE(answers_.deliver("q1", {}, "{evil}"));
    run();
    EXPECT_EQ(woken_, 0);
    EXPECT_FALSE(expected->take());
    EXPECT_TRUE(answers_.deliver("q1", alice, "{}"));
    EXPECT_EQ(expected->take(), "{}");
}

TEST_F(ClientAnswersTest, RefusesAnAnswerThatNobodyAskedFor) {
    const auto expected = expect("q1");
    for (const char* id : {"", "q", "q11", "Q1", "q2", "\"q1\""}) {
        EXPECT_FALSE(answers_.deliver(id, alice, "{}")) << id;
    }
    EXPECT_FALSE(expected->take());
}

TEST_F(ClientAnswersTest, KnowsWhatIsExpected) {
    const auto expected = expect("q1");
    EXPECT_TRUE(answers_.is_expected("q1", alice));
    EXPECT_FALSE(answers_.is_expected("q1", bob));
    EXPECT_FALSE(answers_.is_expected("q2", alice));
    EXPECT_TRUE(answers_.deliver("q1", alice, "{}"));
    EXPECT_FALSE(answers_.is_expected("q1", alice));  // it is there
}

TEST_F(ClientAnswersTest, RefusesASecondAnswer) {
    const auto expected = expect("q1");
    EXPECT_TRUE(answers_.deliver("q1", alice, "{1}"));
    EXPECT_FALSE(answers_.deliver("q1", alice, "{2}"));
    EXPECT_EQ(expected->take(), "{1}");
    EXPECT_FALSE(answers_.deliver("q1", alice, "{3}"));
    run();
    EXPECT_EQ(woken_, 1);
}

TEST_F(ClientAnswersTest, CopiesNoAnswer) {
    const auto expected = expect("q1");
    std::string body(1000, 'x');
    const char* place = body.data();
    EXPECT_TRUE(answers_.deliver("q1", alice, std::move(body)));
    const std::optional<std::string> taken = expected->take();
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->data(), place);
    EXPECT_FALSE(expected->take());
}

TEST_F(ClientAnswersTest, RefusesAnAnswerThatComesTooLate) {
    auto expected = expect("q1");
    expected.reset();
    EXPECT_FALSE(answers_.deliver("q1", alice, "{}"));
    run();
    EXPECT_EQ(woken_, 0);
    const auto again = expect("q1");  // the id is free again
    EXPECT_TRUE(answers_.deliver("q1", alice, "{}"));
}

}  // namespace
}  // namespace fluxgate::rpc
