// subscriptions/listen (revision 2026-07-28).
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "rpc/list_changed.h"
#include "tests/rpc/fake_resource.h"
#include "tests/rpc/stateless_fixture.h"

namespace fluxgate::rpc {
namespace {

using namespace std::chrono_literals;

class ListenTest : public test::StatelessFixture {
protected:
    [[nodiscard]] Exchange listen(std::string_view kinds, std::string_view id = "1") {
        Exchange exchange = stateless_request("subscriptions/listen",
                                              R"("notifications":)" + std::string(kinds), id);
        accept_events(*exchange);
        send(*exchange);
        return exchange;
    }
    void publish_all() {
        sessions_.streams.publish({.tools = true,
                                   .prompts = true,
                                   .resources = true,
                                   .updated = {{.uri = "a://1"}, {.uri = "a://2"}}});
        loop_.get()->run_until_idle();
    }
    static std::string acknowledged(std::string_view kinds, std::string_view id = "1") {
        return R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged",)"
               R"("params":{"notifications":)" +
               std::string(kinds) + R"(,"_meta":{"io.modelcontextprotocol/subscriptionId":)" +
               std::string(id) + "}}}\n";
    }
};

TEST_F(ListenTest, AcknowledgesWhatItWillTell) {
    EXPECT_EQ(told(*listen(R"({"toolsListChanged":true,"promptsListChanged":false,)"
                           R"("resourcesListChanged":1,"resourceSubscriptions":["a://1",7],)"
                           R"("taskIds":["x"]})")),
              acknowledged(R"({"toolsListChanged":true,"resourceSubscriptions":["a://1"]})"));
    EXPECT_EQ(told(*listen("{}")), acknowledged("{}"));
    EXPECT_EQ(told(*listen(R"({"resourceSubscriptions":"a://1"})")), acknowledged("{}"));
    const std::string long_uri(SessionStates::uri_bytes_max + 1, 'u');
    EXPECT_EQ(told(*listen(R"({"resourceSubscriptions":[")" + long_uri + R"("]})")),
              acknowledged("{}"));
}

TEST_F(ListenTest, TellsOnlyWhatWasAskedFor) {
    const Exchange prompts = listen(R"({"promptsListChanged":true})", "\"a\\\"b\"");
    const Exchange update = listen(R"({"resourceSubscriptions":["a://2"]})", "7");
    const Exchange nothing = listen("{}");
    publish_all();
    EXPECT_EQ(told(*prompts), acknowledged(R"({"promptsListChanged":true})", "\"a\\\"b\"") +
                                  prompts_list_changed("\"a\\\"b\"") + "\n");
    EXPECT_EQ(told(*update), acknowledged(R"({"resourceSubscriptions":["a://2"]})", "7") +
                                 resource_updated("a://2", "7") + "\n");
    EXPECT_EQ(told(*nothing), acknowledged("{}"));
    for (const Event& event : events(*prompts).all)
        EXPECT_EQ(event.id, "");
}

TEST_F(ListenTest, EndsWithAResultWhenTheServerDrains) {
    const Exchange exchange = listen(R"({"toolsListChanged":true})", "\"x\"");
    sessions_.streams.close();
    loop_.get()->run_until_idle();
    EXPECT_TRUE(exchange->has_stream_ended());
    EXPECT_TRUE(exchange->scope().empty());
    EXPECT_EQ(events(*exchange).all.back().data,
              R"({"jsonrpc":"2.0","id":"x","result":{"resultType":"complete",)"
              R"("_meta":{"io.modelcontextprotocol/subscriptionId":"x"}}})");
}

TEST_F(ListenTest, EndsWithItsPeer) {
    const Exchange exchange = listen(R"({"toolsListChanged":true})");
    EXPECT_EQ(sessions_.streams.count(), 1U);
    exchange->disconnect();
    EXPECT_TRUE(exchange->scope().empty());
    EXPECT_EQ(sessions_.streams.count(), 0U);
}

TEST_F(ListenTest, KeepsTheConnectionAlive) {
    const Exchange exchange = listen("{}");
    loop_.advance(15100ms);
    EXPECT_EQ(events(*exchange).comments, 1);
}

TEST_F(ListenTest, RefusesParamsOfTheWrongShape) {
    expect_error(*post_stateless("subscriptions/listen"), 200, -32602);
    for (const char* kinds : {"null", "[]", "true", "\"toolsListChanged\""}) {
        expect_error(*listen(kinds), 200, -32602);
    }
    EXPECT_EQ(sessions_.streams.count(), 0U);
}

TEST_F(ListenTest, IsForClientsThatTakeEvents) {
    const Exchange exchange = stateless_request("subscriptions/listen", R"("notifications":{})");
    exchange->add_field(http::Field::accept, "Accept", "application/json");
    send(*exchange);
    EXPECT_EQ(exchange->status(), 406);
    const Exchange silent = stateless_request("subscriptions/listen", R"("notifications":{})");
    send(*silent);
    EXPECT_TRUE(silent->is_stream());  // without Accept all is welcome
    const Exchange any = stateless_request("subscriptions/listen", R"("notifications":{})");
    any->add_field(http::Field::accept, "Accept", "*/*");
    send(*any);
    EXPECT_TRUE(any->is_stream());
}

TEST_F(ListenTest, DoesNotWatchWhatItMayNotRead) {
    resources_.add(
        std::make_unique<test::FakeResource>("a://1", std::vector<std::string>{"read:tables"}));
    const Exchange exchange = stateless_request(
        "subscriptions/listen", R"("notifications":{"resourceSubscriptions":["a://1","b://2"]})");
    exchange->set_principal(somebody("alice"));
    send(*exchange);
    EXPECT_EQ(told(*exchange), acknowledged(R"({"resourceSubscriptions":["b://2"]})"));
}

// As resources/subscribe refuses it: nothing of it could ever be told.
TEST_F(ListenTest, DoesNotWatchWhatIsMisspelled) {
    resources_.add(std::make_unique<test::FakeResource>("a://list"));
    resources_.add(std::make_unique<test::FakeResource>("a://list/{name}"));
    EXPECT_EQ(told(*listen(R"({"resourceSubscriptions":["a://lst","a://list","a://list/x/y",)"
                           R"("a://list/x","b://lst"]})")),
              acknowledged(R"({"resourceSubscriptions":["a://list","a://list/x","b://lst"]})"));
}

}  // namespace
}  // namespace fluxgate::rpc
