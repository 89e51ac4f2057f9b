// Requests of 2026-07-28 through the endpoint.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "tests/rpc/rpc_fixture.h"

namespace fluxgate::test {

// What every result has.
inline constexpr std::string_view common_members =
    R"("_meta":{"io.modelcontextprotocol/serverInfo":{"name":"fluxgate","title":"fluxgate",)"
    R"("version":"1.2.3"}})";

class StatelessFixture : public RpcFixture {
protected:
    [[nodiscard]] Exchange sent(Exchange exchange) {
        send(*exchange);
        return exchange;
    }
    [[nodiscard]] Exchange post_stateless(std::string_view name, std::string_view members = "") {
        return sent(stateless_request(name, members));
    }
    // A call of `think` with more members of the params.
    [[nodiscard]] Exchange call_request(std::string_view more = "",
                                        std::string_view capabilities = "{}",
                                        std::string_view meta = "") {
        Exchange exchange = stateless_request(
            "tools/call", R"("name":"think","arguments":{"n":1})" + std::string(more), "1",
            capabilities, meta);
        name_header(*exchange, "think");
        return exchange;
    }
    static void expect_error(const RecordingExchange& exchange, int status, int code) {
        EXPECT_EQ(exchange.status(), status) << exchange.body();
        expect_contains(exchange.body(), R"("id":1,"error":{"code":)" + std::to_string(code) + ",");
    }
};

}  // namespace fluxgate::test
