#include "http/access_log.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "http/date_cache.h"
#include "tests/http/http_fixture.h"

namespace fluxgate::test {
namespace {

std::string last_line;

class HttpAccessLog : public HttpTest {
protected:
    http::AccessLog log{*loop, [](std::string_view line) { last_line = line; }};

    std::string line(const http::RequestReport& what) {
        log.request_finished(what);
        return last_line;
    }
    http::Request request;
    http::Principal principal;
    http::ExchangeNotes notes;
    http::RequestReport report{.request = request,
                               .principal = nullptr,
                               .notes = notes,
                               .route = "mcp",
                               .peer = *loop::PeerAddress::parse("192.0.2.1"),
                               .connection = 7,
                               .bytes_in = 100,
                               .bytes_out = 200,
                               .duration_us = 300,
                               .status = 200,
                               .head_complete = true,
                               .close_reason = http::CloseReason::none};
};

TEST_F(HttpAccessLog, WritesWhatIsKnownAndLeavesOutTheRest) {
    request.method = http::Method::post;
    EXPECT_EQ(
        line(report),
        R"({"ts":"2027-01-15T08:00:00.000Z","core":0,"conn":7,"peer":"192.0.2.1","method":"POST",)"
        R"("route":"mcp","status":200,"bytes_in":100,"bytes_out":200,"dur_us":300})");
}

TEST_F(HttpAccessLog, WritesPrincipalAndCall) {
    request.method = http::Method::post;
    principal.kind = http::PrincipalKind::service_key;
    principal.subject = "user-1";
    principal.key_id = "key-1";
    notes.rpc_method = "tools/call";
    notes.tool = "query_table";
    notes.sqlstate = "42501";
    notes.remedy = "a.key";
    notes.queue_us = 1;
    notes.db_us = 2;
    notes.is_error = true;
    report.principal = &principal;
    report.close_reason = http::CloseReason::draining;
    const std::string text = line(report);
    EXPECT_TRUE(text.ends_with(
        R"("queue_us":1,"db_us":2,"principal_kind":"service_key","principal_id":"user-1",)"
        R"("key_id":"key-1","rpc_method":"tools/call","tool":"query_table","is_error":true,)"
        R"("sqlstate":"42501","remedy":"a.key","close_reason":"draining"})"))
        << text;
}

TEST_F(HttpAccessLog, EscapesEverythingAndBoundsTheLine) {
    principal.subject = std::string(5000, '\xff');
    principal.key_id = "a\"b\\c\n\x01";
    principal.key_id.append(5000, '\n');
    std::string tool(5000, '"');
    notes.tool = tool;
    notes.rpc_method = tool;
    report.principal = &principal;
    report.route = tool;
    const std::string text = line(report);
    EXPECT_LT(text.size(), 2048U);
    EXPECT_TRUE(text.ends_with("}")) << text;
    EXPECT_TRUE(text.contains(R"("key_id":"a\"b\\c\u000a\u0001)"));
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_TRUE(text.contains(R"(\u00ff...")"));
}

TEST_F(HttpAccessLog, TakesATraceIdOnlyFromAWellFormedField) {
    const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    EXPECT_EQ(http::trace_id_of(good), "4bf92f3577b34da6a3ce929d0e0e4736");
    EXPECT_EQ(http::trace_id_of(""), "");
    EXPECT_EQ(http::trace_id_of(good + "0"), "");
    EXPECT_EQ(http::trace_id_of("01" + good.substr(2)), "");
    EXPECT_EQ(http::trace_id_of("00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), "");
    EXPECT_EQ(http::trace_id_of("00-00000000000000000000000000000000-00f067aa0ba902b7-01"), "");
    EXPECT_EQ(http::trace_id_of("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"), "");
    EXPECT_EQ(http::trace_id_of("00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01"), "");
}

TEST_F(HttpAccessLog, ATimeBeforeTheHeadIsCompleteShowsNoMethod) {
    report.head_complete = false;
    report.status = 408;
    EXPECT_FALSE(line(report).contains("method"));
}

TEST(HttpDateCache, FormatsAsRfc9110AndOncePerSecond) {
    http::DateCache dates;
    const loop::WallTime time{std::chrono::seconds(784'111'777)};
    EXPECT_EQ(dates.at(time), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(dates.at(time + std::chrono::milliseconds(999)), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(dates.at(time + std::chrono::seconds(1)), "Sun, 06 Nov 1994 08:49:38 GMT");
    EXPECT_EQ(dates.at(loop::WallTime{}), "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace fluxgate::test
