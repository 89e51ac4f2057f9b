// Filters and small handlers: rate limits, hosts and origins, probes.
#include <memory>
#include <string>
#include <string_view>

#include "http/health.h"
#include "http/host_filter.h"
#include "http/rate_limit.h"
#include "tests/http/http_fixture.h"

namespace fluxgate::test {
namespace {

using std::chrono::seconds;

// ---- host and origin

class HttpHostFilter : public HttpTest {
protected:
    int status(std::string_view fields) {
        return ask("POST /mcp HTTP/1.1\r\n" + std::string(fields) + "Content-Length: 0\r\n\r\n")
            .status;
    }
};

TEST_F(HttpHostFilter, AllowsLoopbackAndConfiguredHostsOnly) {
    for (const std::string_view host : {"localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:1",
                                        "[::1]", "[::1]:8080", "GW.test:443"}) {
        EXPECT_EQ(status("Host: " + std::string(host) + "\r\n"), 200) << host;
    }
    for (const std::string_view host :
         {"evil.test", "localhost.evil.test", "127.0.0.2", "[::2]", "gw.test.evil", "xgw.test"}) {
        const Answer answer = ask("POST /mcp HTTP/1.1\r\nHost: " + std::string(host) +
                                  "\r\nContent-Length: 0\r\n\r\n");
        EXPECT_EQ(answer.status, 421) << host;
        EXPECT_TRUE(answer.body.starts_with(R"({"error":"misdirected_request",)"));
    }
}

TEST_F(HttpHostFilter, TheAuthorityOfTheTargetCounts) {
    EXPECT_EQ(
        ask("POST http://evil.test/mcp HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n")
            .status,
        421);
    EXPECT_EQ(
        ask("POST http://gw.test/mcp HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 0\r\n\r\n")
            .status,
        200);
}

TEST_F(HttpHostFilter, RefusesOriginsThatAreNotListed) {
    for (const std::string_view origin :
         {"null", "http://evil.test", "https://gw.test", "http://localhost.evil.test", "file://",
          "http://localhost:99999", "http://localhost/x", "http://u@localhost", "localhost", ""}) {
        const Answer answer =
            ask("POST /mcp HTTP/1.1\r\nHost: gw.test\r\nOrigin: " + std::string(origin) +
                "\r\nContent-Length: 0\r\n\r\n");
        EXPECT_EQ(answer.status, 403) << origin;
        EXPECT_TRUE(answer.body.starts_with(R"({"error":"origin_not_allowed",)"));
        EXPECT_FALSE(answer.has_header("Access-Control-Allow-Origin"));
    }
    EXPECT_EQ(status("Host: gw.test\r\nOrigin: http://localhost\r\nOrigin: http://localhost\r\n"),
              403);
    EXPECT_EQ(status("Host: gw.test\r\nOrigin: http://localhost:6274\r\n"), 200);
    EXPECT_EQ(status("Host: gw.test\r\nOrigin: http://[::1]:6274\r\n"), 200);
}

TEST_F(HttpHostFilter, TheLogNamesTheKeyThatWouldLetItPass) {
    EXPECT_EQ(status("Host: evil.test\r\n"), 421);
    EXPECT_EQ(status("Host: gw.test\r\nOrigin: https://app.test\r\n"), 403);
    EXPECT_EQ(status("Host: gw.test\r\n"), 200);
    ASSERT_EQ(observer.seen.size(), 3U);
    EXPECT_EQ(observer.seen[0].remedy, "gateway.server.allowed_hosts");
    EXPECT_EQ(observer.seen[1].remedy, "gateway.server.allowed_origins");
    EXPECT_EQ(observer.seen[2].remedy, "");
}

TEST_F(HttpHostFilter, AConfiguredOriginIsComparedWhole) {
    const http::HostFilter strict(
        {.hosts = {"gw.test"}, .origins = {"https://app.test"}, .allow_loopback = false});
    EXPECT_TRUE(strict.is_origin_allowed("https://app.test"));
    EXPECT_FALSE(strict.is_origin_allowed("http://app.test"));
    EXPECT_FALSE(strict.is_origin_allowed("https://app.test:444"));
    EXPECT_FALSE(strict.is_origin_allowed("http://localhost"));
    EXPECT_TRUE(strict.is_host_allowed("gw.test:1"));
    EXPECT_FALSE(strict.is_host_allowed("localhost"));
    EXPECT_FALSE(strict.is_host_allowed("anything.test"));
    EXPECT_TRUE(http::HostFilter({.hosts = {}, .any_host = true, .origins = {}})
                    .is_host_allowed("anything.test"));
}

TEST_F(HttpHostFilter, AnswersAPreflightOfAnAllowedOriginWithoutTheOtherFilters) {
    filter.head = [](http::Exchange& exchange) {
        exchange.respond(http::error_response(401, "unauthorized", "no"));
        return http::Next::answered;
    };
    const std::string preflight =
        "OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nAccess-Control-Request-Method: POST\r\n";
    const Answer allowed = ask(preflight + "Origin: http://localhost:1\r\n\r\n");
    EXPECT_EQ(allowed.status, 204);
    EXPECT_EQ(allowed.header("Access-Control-Allow-Origin"), "http://localhost:1");
    EXPECT_EQ(allowed.header("Access-Control-Allow-Methods"), "POST, GET, DELETE, OPTIONS");
    EXPECT_TRUE(allowed.header("Access-Control-Allow-Headers").contains("Authorization"));
    EXPECT_FALSE(allowed.header("Access-Control-Allow-Headers").contains("X-Service-Key"));
    EXPECT_FALSE(allowed.has_header("Access-Control-Allow-Credentials"));
    EXPECT_EQ(ask(preflight + "Origin: http://evil.test\r\n\r\n").status, 403);
    EXPECT_EQ(filter.calls, 0U);
}

class HttpPreflight : public HttpTest {
protected:
    // Access-Control-Allow-Headers for what a page asks for.
    std::string allowed_for(std::string_view wanted) {
        const Answer answer =
            ask("OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:1\r\n"
                "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: " +
                std::string(wanted) + "\r\n\r\n");
        EXPECT_EQ(answer.status, 204) << wanted;
        return answer.header("Access-Control-Allow-Headers");
    }
    const std::string fixed =
        "Content-Type, Accept, Authorization, X-Client-Key, MCP-Protocol-Version, Mcp-Session-Id, "
        "Mcp-Method, Mcp-Name, Last-Event-ID, traceparent";
};

TEST_F(HttpPreflight, AllowsTheArgumentFieldsThatItAsksFor) {
    EXPECT_EQ(allowed_for("authorization,content-type,mcp-param-region,mcp-param-table"),
              fixed + ", mcp-param-region, mcp-param-table");
    EXPECT_EQ(allowed_for(" Mcp-Param-Region \t,, MCP-PARAM-x!#"),
              fixed + ", Mcp-Param-Region, MCP-PARAM-x!#");
}

TEST_F(HttpPreflight, AllowsNothingElseThatItAsksFor) {
    for (const std::string_view wanted :
         {"", ",", ",,,", "*", "x-service-key", "cookie", "x-mcp-param-region", "mcp-param",
          "mcp-param-", "mcp-param-,", "mcp-param-a b", "mcp-param-a\tb", "mcp-param-a:b",
          "mcp-param-\"a\"", "mcp-param-a;b", "mcp-param-\x80", "mcp-param-(a)", "mcp-param-a/b",
          "mcp param-a"})
        EXPECT_EQ(allowed_for(wanted), fixed) << wanted;
}

TEST_F(HttpPreflight, BoundsWhatItAllows) {
    const std::string longest = "mcp-param-" + std::string(118, 'a');
    EXPECT_EQ(allowed_for(longest), fixed + ", " + longest);
    EXPECT_EQ(allowed_for(longest + "a"), fixed);
    std::string wanted, granted = fixed;
    for (int i = 0; i < 100; ++i) {
        wanted += (i == 0 ? "mcp-param-" : ",mcp-param-") + std::to_string(i);
        if (i < 32) granted += ", mcp-param-" + std::to_string(i);
    }
    EXPECT_EQ(allowed_for(wanted), granted);
}

TEST_F(HttpPreflight, TellsAForeignOriginNothing) {
    const Answer answer =
        ask("OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.test\r\n"
            "Access-Control-Request-Method: POST\r\n"
            "Access-Control-Request-Headers: mcp-param-region\r\n\r\n");
    EXPECT_EQ(answer.status, 403);
    EXPECT_FALSE(answer.raw.contains("Access-Control-"));
    EXPECT_FALSE(answer.raw.contains("mcp-param-region"));
}

TEST_F(HttpPreflight, AnswersShowAPageTheFieldsThatItMustRead) {
    const std::string call = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n";
    const Answer answer = ask(call + "Origin: http://localhost:1\r\n\r\n");
    EXPECT_EQ(answer.header("Access-Control-Expose-Headers"),
              "Mcp-Session-Id, WWW-Authenticate, Retry-After");
    EXPECT_EQ(answer.header("Vary"), "Origin");
    EXPECT_FALSE(ask(call + "\r\n").has_header("Access-Control-Expose-Headers"));
}

TEST_F(HttpPreflight, RefusesAForeignHostAndOriginTogether) {
    const Answer answer =
        ask("POST /mcp HTTP/1.1\r\nHost: evil.example.com\r\nOrigin: http://evil.example.com\r\n"
            "Content-Length: 0\r\n\r\n");
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(echo.calls, 0U);
    EXPECT_EQ(ask("POST /mcp HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:8080\r\n"
                  "Content-Length: 0\r\n\r\n")
                  .status,
              200);
}

// ---- rates

class HttpRateLimit : public HttpTest {
protected:
    http::RateLimit limit;
    std::shared_ptr<http::Principal> principal = std::make_shared<http::Principal>();

    void SetUp() override {
        filter.head = [this](http::Exchange& exchange) {
            exchange.set_principal(principal);
            return limit.on_head(exchange);
        };
    }
    Answer call() {
        return ask("POST /mcp HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n");
    }
};

TEST_F(HttpRateLimit, The101stCallOfAMinuteIs429) {
    principal->rate_limit = std::make_shared<loop::SlidingLimit>(100);
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(call().status, 200);
    }
    const Answer refused = call();
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.body, R"({"error":"rate_limited","message":"rate limit exceeded"})");
    EXPECT_EQ(refused.header("Retry-After"), "60");
    EXPECT_EQ(limit.refused(), 1U);
    advance(seconds(59));
    EXPECT_EQ(call().header("Retry-After"), "1");
    advance(seconds(1));
    EXPECT_EQ(call().status, 200);
    EXPECT_EQ(echo.calls, 101U);
}

TEST_F(HttpRateLimit, WithoutALimitEverythingPasses) {
    for (int i = 0; i < 500; ++i) {
        ASSERT_EQ(call().status, 200);
    }
    principal = nullptr;
    EXPECT_EQ(call().status, 200);
}

TEST_F(HttpRateLimit, BatchesCountEachCall) {
    principal->rate_limit = std::make_shared<loop::SlidingLimit>(10);
    echo.request = [](http::Exchange& exchange) {
        const int wait_s = http::RateLimit::take(exchange, 6);
        exchange.respond(TestHandler::text_response(std::to_string(wait_s)));
    };
    EXPECT_EQ(call().body, "0");
    EXPECT_EQ(call().body, "60");
}

// ---- probes

class FixedReadiness final : public http::ReadinessSource {
public:
    http::Readiness state = http::Readiness::ready;
    [[nodiscard]] http::Readiness readiness() override { return state; }
};

class HttpHealth : public HttpTest {};

TEST_F(HttpHealth, ReadyzSaysWhyItIsNotReady) {
    FixedReadiness source;
    http::ReadyHandler ready(&source);
    http::HealthHandler live(http::HealthHandler::Kind::live);
    router.add({"/readyz", http::Method::get, &ready, {}, 0, "readyz"});
    router.add({"/livez", http::Method::get, &live, {}, 0, "livez"});
    const auto probe = [&](std::string_view path) {
        return ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: 10.0.0.7:8080\r\n\r\n");
    };
    EXPECT_EQ(probe("/livez").body, R"({"status":"alive"})");
    EXPECT_EQ(probe("/readyz").body, R"({"status":"ready"})");
    const std::pair<http::Readiness, std::string> states[] = {
        {http::Readiness::starting, "starting"},
        {http::Readiness::draining, "draining"},
        {http::Readiness::no_database, "no_database"}};
    for (const auto& [state, text] : states) {
        source.state = state;
        const Answer answer = probe("/readyz");
        EXPECT_EQ(answer.status, 503);
        EXPECT_EQ(answer.body, "{\"status\":\"" + text + "\"}");
        EXPECT_EQ(answer.header("Retry-After"), "1");
    }
    EXPECT_EQ(probe("/livez").status, 200);
}

}  // namespace
}  // namespace fluxgate::test
