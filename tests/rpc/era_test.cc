// Which era and revision a message is of (rpc/era). Its envelope, head and batches: era_*_test.cc.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/rpc/era_fixture.h"
#include "tests/support/alloc_counter.h"

namespace fluxgate::rpc {
namespace {

using Era = test::EraFixture;
using test::enveloped;
using test::fields;
using test::modern;
using test::notification;
using test::repeated;
using test::request;

// ---- which era

TEST_F(Era, ARequestWithAnEnvelopeIsStateless) {
    expect_accepted(request("tools/list", enveloped(modern)), fields(modern, "tools/list"), modern);
    expect_accepted(request("server/discover", enveloped(modern)),
                    fields(modern, "server/discover"), modern);
}

TEST_F(Era, MethodsThatARevisionDoesNotHaveAreNotItsBusiness) {
    for (const char* method : {"initialize", "ping", "logging/setLevel", "resources/subscribe",
                               "resources/unsubscribe", "nothing/known"}) {
        expect_accepted(request(method, enveloped(modern)), fields(modern, method), modern);
    }
    expect_accepted(request("server/discover", "{}"), fields("2025-11-25"), "2025-11-25");
}

TEST_F(Era, ARequestWithoutEnvelopeIsOfTheRevisionOfItsHeader) {
    for (const char* version : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"}) {
        expect_accepted(request("tools/list", "{}"), fields(version), version);
    }
    expect_accepted(request("tools/list", "{}"), fields({}), "2025-03-26");
    expect_accepted(R"({"jsonrpc":"2.0","id":1,"method":"ping"})", fields({}), "2025-03-26");
    expect_accepted(request("tools/list", R"({"_meta":1})"), fields({}), "2025-03-26");
}

TEST_F(Era, WithoutAHeaderItIsOfTheRevisionThatIsAssumed) {
    const auto classified =
        classify(parse(request("ping", "{}")), {}, protocol_of(Revision::r2025_11_25), arena_);
    ASSERT_TRUE(classified.has_value());
    EXPECT_EQ(classified->protocol->name, "2025-11-25");
}

TEST_F(Era, LegacyMessagesMayHaveAnyMethodAndNameHeader) {
    expect_accepted(request("tools/list", "{}"), fields("2025-11-25", "other", "=?base64?!?="),
                    "2025-11-25");
}

TEST_F(Era, InitializeIsLegacyWhateverItsHeaderSays) {
    const std::string body = request("initialize", R"({"protocolVersion":"2025-06-18"})");
    expect_accepted(body, fields({}), "2025-03-26");
    expect_accepted(body, fields("2025-11-25"), "2025-11-25");
    expect_accepted(body, fields("1999-01-01"), "2025-03-26");
    expect_accepted(body, repeated(fields({})), "2025-03-26");
    // Also if it names the stateless revision in the handshake's own way: the answer then offers
    // the latest of the others.
    expect_accepted(request("initialize", R"({"protocolVersion":"2026-07-28"})"), fields({}),
                    "2025-03-26");
}

TEST_F(Era, InitializeWithAnInvalidEnvelopeIsLegacy) {
    for (const std::string& params :
         {enveloped("2025-11-25"), enveloped("v999"),
          std::string(R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}})")}) {
        expect_accepted(request("initialize", params), fields({}), "2025-03-26");
    }
}

TEST_F(Era, InitializeWithTheStatelessHeaderAndNoEnvelopeIsAMismatch) {
    const std::string answer =
        expect_stateless_refused(request("initialize", R"({"protocolVersion":"2025-11-25"})"),
                                 fields(modern, "initialize"), rpc_code::header_mismatch);
    EXPECT_NE(answer.find(R"("data":{"mismatch":{"field":"MCP-Protocol-Version",)"
                          R"("header":"2026-07-28","body":"2025-11-25"}})"),
              std::string::npos)
        << answer;
    expect_stateless_refused(R"({"jsonrpc":"2.0","id":1,"method":"initialize"})", fields(modern),
                             rpc_code::header_mismatch);
}

TEST_F(Era, AnUnknownLegacyVersionIsRefusedWithThoseThatAreServed) {
    const std::string answer = expect_refused(request("tools/list", "{}"), fields("2024-10-07"),
                                              rpc_code::server_error, "2025-03-26");
    EXPECT_NE(answer.find("use one of 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28"),
              std::string::npos)
        << answer;
    for (const char* version : {"", "2025-11-25,2025-11-25", "2026-07-28 ", "v999"}) {
        expect_refused(request("ping", "{}"), fields(version), -32000, "2025-03-26");
    }
    expect_refused(notification("{}"), fields("v999"), -32000, "2025-03-26", "");
}

TEST_F(Era, ARepeatedHeaderIsRefusedInTheWordsOfItsEra) {
    expect_refused(request("tools/list", "{}"), repeated(fields({})), -32000, "2025-03-26");
    expect_refused(notification("{}"), repeated(fields({})), -32000, "2025-03-26", "");
    expect_stateless_refused(request("tools/list", enveloped(modern)),
                             repeated(fields(modern, "tools/list")), rpc_code::header_mismatch);
    expect_refused(notification("{}"), repeated(fields(modern)), -32020, modern, "");
}

TEST_F(Era, ResponsesOfClientsAreLegacy) {
    const std::string body = R"({"jsonrpc":"2.0","id":7,"result":{}})";
    expect_accepted(body, fields({}), "2025-03-26");
    expect_accepted(body, fields("2025-11-25"), "2025-11-25");
    // The id is one of ours, not of a request of the client.
    expect_refused(body, fields(modern), rpc_code::invalid_request, modern, "");
    expect_refused(body, fields("v999"), rpc_code::server_error, "2025-03-26", "");
}

TEST_F(Era, NotificationsNeedNoHeadersOfMethodAndName) {
    expect_accepted(notification("{}"), fields({}), "2025-03-26");
    expect_accepted(notification("{}"), fields("2025-11-25"), "2025-11-25");
    expect_accepted(notification("{}"), fields(modern), modern);
    expect_accepted(notification("{}"), fields(modern, "other", "x"), modern);
    expect_accepted(notification(enveloped(modern)), fields(modern), modern);
    expect_accepted(notification(enveloped(modern)), fields({}), modern);
    expect_accepted(R"({"jsonrpc":"2.0","method":"nothing/known"})", fields(modern), modern);
    expect_refused(notification(enveloped(modern)), fields("2025-11-25"), -32020, modern, "");
    expect_refused(notification(enveloped("v999")), fields({}), -32022, modern, "");
}

// ---- JSON-RPC's shape

TEST_F(Era, WhatIsNoMessageIsRefusedFirstAndInTheFormOfTheHeadersRevision) {
    expect_refused("{}", fields({}), rpc_code::invalid_request, "2025-03-26", "");
    expect_refused(R"({"jsonrpc":"1.0","id":1,"method":"ping"})", fields("2025-11-25"), -32600,
                   "2025-11-25");
    expect_refused(R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})", fields(modern), -32600, modern,
                   "");
    expect_refused(R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[]})", fields(modern),
                   rpc_code::invalid_params, modern);
    expect_refused(R"({"jsonrpc":"2.0","id":1})", fields("v999"), -32600, "2025-03-26");
}

TEST_F(Era, EveryRefusalCarriesTheIdAsItCame) {
    for (const char* id : {"0", "-7", "18446744073709551615", R"("a\u0041")", R"("")"}) {
        expect_refused(request("ping", "{}", id), fields("v999"), -32000, "2025-03-26", id);
        expect_refused(request("ping", "{}", id), fields(modern), -32602, modern, id);
        expect_refused(request("ping", enveloped("v1"), id), fields({}), -32022, modern, id);
        expect_refused(request("ping", enveloped(modern), id), fields({}), -32020, modern, id);
    }
}

// ---- cost

TEST_F(Era, TheUsualMessagesAllocateNothing) {
    if (!test::alloc_counter_works()) GTEST_SKIP() << "the sanitizer has its own malloc";
    struct Row {
        std::string body;
        StandardHeaders headers;
    };
    const std::vector<Row> rows = {
        {R"({"jsonrpc":"2.0","id":1,"method":"ping"})", fields("2025-11-25")},
        {request("tools/list", R"({"_meta":{"progressToken":"a"}})"), fields({})},
        {request("tools/list", enveloped(modern, "", R"(,"progressToken":"abc")")),
         fields(modern, "tools/list")},
        {request("tools/call", enveloped(modern, R"(,"name":"a_name_that_is_not_short")")),
         fields(modern, "tools/call", "a_name_that_is_not_short")},
    };
    for (const Row& row : rows) {
        const test::Padded padded(row.body);
        EXPECT_TRUE(reader_.read(padded.view(), arena_).has_value());
        arena_.reset();
        const test::AllocationSpan span;
        const auto document = reader_.read(padded.view(), arena_);
        const bool is_accepted =
            classify(**document, row.headers, default_protocol(), arena_).has_value();
        EXPECT_EQ(span.allocations(), 0U) << row.body;
        EXPECT_TRUE(is_accepted) << row.body;
    }
}

}  // namespace
}  // namespace fluxgate::rpc
