#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/rpc/rpc_fixture.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;

class BatchTest : public test::RpcFixture {
protected:
    static std::string ping(std::string_view id) {
        return R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":"ping"})";
    }
    static std::string pings(size_t count) {
        std::string text = "[";
        for (size_t i = 0; i < count; ++i) {
            text += (i == 0 ? "" : ",") + ping(std::to_string(i));
        }
        return text + "]";
    }
};

constexpr std::string_view notification =
    R"({"jsonrpc":"2.0","method":"notifications/initialized"})";

TEST_F(BatchTest, AnswersInTheOrderOfTheRequests) {
    query_->sleep = 2s;
    const Exchange exchange =
        post("[" + call("query_table", "\"a\"") + "," + std::string(notification) + "," +
                 ping("2") + "," + call("think", "3") + "]",
             "2025-03-26");
    EXPECT_FALSE(exchange->is_answered());
    EXPECT_EQ(think_->calls, 1);  // both run at the same time
    loop_.advance(3s);
    EXPECT_EQ(exchange->status(), 200);
    const std::string result =
        R"("result":{"content":[{"type":"text","text":"[]"}],"isError":false}})";
    EXPECT_EQ(exchange->body(), R"([{"jsonrpc":"2.0","id":"a",)" + result +
                                    R"(,{"jsonrpc":"2.0","id":2,"result":{}},)"
                                    R"({"jsonrpc":"2.0","id":3,)" +
                                    result + "]");
}

TEST_F(BatchTest, IsRefusedByEveryOtherRevision) {
    for (const char* version : {"2024-11-05", "2025-06-18", "2025-11-25"}) {
        const Exchange exchange = post(pings(1), version);
        EXPECT_EQ(exchange->status(), 400);
        EXPECT_NE(
            exchange->body().find(
                R"("error":{"code":-32600,"message":"Invalid Request: batching is of revision )"
                R"(2025-03-26 only; send one message at a time"})"),
            std::string::npos);
    }
    EXPECT_EQ(post(pings(1), "1999-01-01")->status(), 400);
    EXPECT_EQ(post(pings(1))->status(), 200);  // without a header it is 2025-03-26
}

TEST_F(BatchTest, Allows50AndRefuses51And0) {
    EXPECT_EQ(post(pings(batch_messages_max))->status(), 200);
    EXPECT_EQ(post(pings(batch_messages_max + 1))->status(), 400);
    EXPECT_EQ(post("[]")->status(), 400);
    EXPECT_NE(post("[]")->body().find("-32600"), std::string::npos);
}

TEST_F(BatchTest, RefusesWhatHoldsNoMessage) {
    for (const char* body :
         {"[1,2,3]", "[null]", "[[]]", "[{}]", R"([[{"jsonrpc":"2.0","method":"x"}]])"}) {
        const Exchange exchange = post(body);
        EXPECT_EQ(exchange->status(), 400) << body;
        EXPECT_NE(exchange->body().find("\"code\":-32600"), std::string::npos) << body;
        EXPECT_TRUE(exchange->body().starts_with("{")) << body;
    }
}

TEST_F(BatchTest, AnswersABadEntryInItsPlace) {
    expect_answer(
        "[" + ping("1") + ",7]", 200,
        R"([{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":null,"error":)"
        R"({"code":-32600,"message":"Invalid Request","data":"a message is a JSON object"}}])");
    const Exchange duplicate = post("[" + ping("1") + R"(,{"id":1,"id":2}])");
    EXPECT_EQ(duplicate->status(), 400);
}

TEST_F(BatchTest, HasNoAnswerWithoutRequests) {
    const Exchange exchange =
        post("[" + std::string(notification) + "," + std::string(notification) +
             R"(,{"jsonrpc":"2.0","id":1,"result":{}}])");
    EXPECT_EQ(exchange->status(), 202);
    EXPECT_EQ(exchange->body(), "");
}

TEST_F(BatchTest, RefusesInitialize) {
    const Exchange exchange = post(
        "[" + ping("1") +
        R"(,{"jsonrpc":"2.0","id":2,"method":"initialize","params":{"protocolVersion":"2025-03-26"}}])");
    EXPECT_EQ(exchange->status(), 400);
    EXPECT_NE(exchange->body().find("-32600"), std::string::npos);
}

TEST_F(BatchTest, DoesNotRunACallWithoutAnId) {
    const Exchange exchange =
        post("[" + ping("1") + R"(,{"jsonrpc":"2.0","method":"tools/call",)" +
             R"("params":{"name":"delete_record","arguments":{"table":"t"}}}])");
    EXPECT_EQ(exchange->status(), 200);
    EXPECT_NE(exchange->body().find("nothing was run"), std::string::npos);
    EXPECT_EQ(remove_->calls, 0);
}

TEST_F(BatchTest, ShowsAScopeErrorInItsEntry) {
    const Exchange exchange = request("[" + call("query_table", "1") + "," + ping("2") + "]");
    exchange->set_principal(std::make_shared<http::Principal>());
    send(*exchange);
    EXPECT_EQ(exchange->status(), 200);
    EXPECT_NE(exchange->body().find(R"("code":403,"message":"insufficient scope: read:tables")"),
              std::string::npos);
}

TEST_F(BatchTest, CountsEachEntryForTheRateLimit) {
    auto limited = std::make_shared<http::Principal>(*everything_);
    limited->rate_limit = std::make_shared<loop::SlidingLimit>(3);
    everything_ = limited;
    EXPECT_EQ(post(pings(1))->status(), 200);  // the filter's, which is not here
    EXPECT_EQ(post(pings(3))->status(), 200);
    const Exchange refused =
        post("[" + call("think", "1") + "," + call("think", "2") + "," + ping("3") + "]");
    EXPECT_EQ(refused->status(), 429);
    ASSERT_NE(refused->header("Retry-After"), nullptr);
    EXPECT_EQ(*refused->header("Retry-After"), "60");
    EXPECT_EQ(think_->calls, 0);
    EXPECT_EQ(post(pings(2))->status(), 429);  // what the refused one took stays taken
}

TEST_F(BatchTest, DeliversTheAnswersOfTheClientInIt) {
    std::string inputs;
    think_->script = [&inputs](ToolCall* call) -> loop::Task<ToolOutcome> {
        ToolResult result;
        if (call->inputs == nullptr) {
            result.ask = std::make_unique<InputRequired>();
            for (const char* key : {"a", "b"}) {
                result.ask->requests.push_back(
                    {.key = key, .needs = ClientCapability::sampling, .params = ""});
            }
            co_return result;
        }
        loop::BlockChain text;
        append_json(text, *call->inputs);
        inputs = text.to_string();
        co_return result;
    };
    const std::string session = open_session("2025-03-26", R"({"sampling":{}})");
    const std::string foreign = open_session("2025-03-26", R"({"sampling":{}})");
    const Exchange running = post_in(session, call("think"));
    const Events asked = events(*running);
    ASSERT_EQ(asked.all.size(), 2U);
    const auto answer = [&](size_t which, std::string_view result) {
        const std::string& data = asked.all[which].data;
        const size_t begin = data.find("\"fluxgate-");
        return R"({"jsonrpc":"2.0","id":)" +
               data.substr(begin, data.find('"', begin + 1) + 1 - begin) + R"(,"result":)" +
               std::string(result) + "}";
    };
    const std::string evil = R"({"evil":1})";
    (void)post_in(foreign, "[" + answer(0, evil) + "," + answer(1, evil) + "]");
    (void)post("[" + answer(0, evil) + "]");
    EXPECT_FALSE(running->has_stream_ended());
    const Exchange batch =
        post_in(session, "[" + ping("7") + "," + answer(0, R"({"n":1.50,"s":"\u00e9\"\n"})") + "," +
                             answer(1, R"({"list":[null,true,{}]})") + "," + answer(0, evil) + "]");
    EXPECT_EQ(batch->body(), R"([{"jsonrpc":"2.0","id":7,"result":{}}])");
    EXPECT_TRUE(running->has_stream_ended());
    EXPECT_EQ(think_->calls, 2);
    EXPECT_EQ(inputs, R"({"a":{"n":1.50,"s":"é\"\n"},"b":{"list":[null,true,{}]}})");
}

TEST_F(BatchTest, EndsItsCallsWhenItIsCancelled) {
    query_->sleep = 10min;
    const Exchange exchange =
        post("[" + call("query_table", "1") + "," + call("query_table", "2") + "]");
    exchange->scope().cancel();
    loop_.get()->run_until_idle();
    EXPECT_EQ(query_->cancelled, 2);
    EXPECT_TRUE(exchange->scope().empty());
}

}  // namespace
}  // namespace fluxgate::rpc
