// What the head of a request of 2026-07-28 must repeat of its body.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/rpc/era_fixture.h"

namespace fluxgate::rpc {
namespace {

using EraHeaders = test::EraFixture;
using test::enveloped;
using test::fields;
using test::modern;
using test::request;

TEST_F(EraHeaders, TheVersionHeaderMustBeThereAndBeTheBodys) {
    const std::string body = request("tools/list", enveloped(modern));
    const std::string absent =
        expect_stateless_refused(body, fields({}, "tools/list"), rpc_code::header_mismatch);
    EXPECT_NE(absent.find(R"("message":"Bad Request: MCP-Protocol-Version is missing","data":)"
                          R"({"mismatch":{"field":"MCP-Protocol-Version","header":null,)"
                          R"("body":"2026-07-28"}})"),
              std::string::npos)
        << absent;
    for (const char* version : {"2025-11-25", "v999", "", "2026-07-28x"}) {
        expect_stateless_refused(body, fields(version, "tools/list"), rpc_code::header_mismatch);
    }
}

TEST_F(EraHeaders, TheMethodHeaderMustBeThereAndBeTheBodys) {
    const std::string body = request("tools/list", enveloped(modern));
    for (const auto method : {std::optional<std::string_view>(),
                              {"TOOLS/LIST"},
                              {"tools/call"},
                              {""},
                              {"tools/list2"},
                              {"=?base64?dG9vbHMvbGlzdA==?="}}) {
        const std::string answer =
            expect_stateless_refused(body, fields(modern, method), rpc_code::header_mismatch);
        EXPECT_NE(answer.find(R"("field":"Mcp-Method")"), std::string::npos) << answer;
    }
}

TEST_F(EraHeaders, TheNameHeaderRepeatsWhatTheRequestIsAbout) {
    struct Row {
        const char* method;
        const char* member;
    };
    for (const Row row :
         {Row{"tools/call", "name"}, Row{"prompts/get", "name"}, Row{"resources/read", "uri"},
          Row{"tasks/get", "taskId"}, Row{"tasks/cancel", "taskId"}}) {
        const std::string body =
            request(row.method, enveloped(modern, ",\"" + std::string(row.member) + R"(":"abc")"));
        expect_accepted(body, fields(modern, row.method, "abc"), modern);
        expect_accepted(body, fields(modern, row.method, "=?base64?YWJj?="), modern);
        for (const auto name : {std::optional<std::string_view>(),
                                {""},
                                {"ABC"},
                                {"abcd"},
                                {"=?base64?YWJk?="},
                                {"=?base64?YWJj"},
                                {"YWJj?="},
                                {"=?base64?YWJ?="},
                                {"=?base64?Y!Jj?="}}) {
            const std::string answer = expect_stateless_refused(
                body, fields(modern, row.method, name), rpc_code::header_mismatch);
            EXPECT_NE(answer.find(R"("field":"Mcp-Name")"), std::string::npos) << answer;
        }
    }
}

TEST_F(EraHeaders, NamesOutsideAsciiComeInBase64) {
    const std::string body =
        request("resources/read", enveloped(modern, ",\"uri\":\"x://gr\xC3\xBC\xC3\x9F\""));
    expect_accepted(body, fields(modern, "resources/read", "=?base64?eDovL2dyw7zDnw==?="), modern);
}

TEST_F(EraHeaders, WithoutANameInTheBodyTheNameHeaderDoesNotMatter) {
    for (const char* member : {"", R"(,"name":1)", R"(,"name":null)", R"(,"uri":"x")"}) {
        expect_accepted(request("tools/call", enveloped(modern, member)),
                        fields(modern, "tools/call"), modern);
    }
    expect_accepted(request("tools/list", enveloped(modern, R"(,"name":"x")")),
                    fields(modern, "tools/list", "y"), modern);
}

TEST_F(EraHeaders, WhatIsEchoedIsCutAndEscaped) {
    const std::string long_name(1000, 'n');
    const std::string quotes = "a\"\\\x01\xFF";
    const std::string answer = expect_stateless_refused(
        request("tools/call", enveloped(modern, R"(,"name":")" + long_name + "\"")),
        fields(modern, "tools/call", quotes), rpc_code::header_mismatch);
    EXPECT_NE(answer.find(R"("header":"a\"\\\u0001)"
                          "\xEF\xBF\xBD\",\"body\":\"" +
                          std::string(echo_bytes_max, 'n') + "\"}"),
              std::string::npos)
        << answer;
    const std::string version = expect_stateless_refused(
        request("tools/call", enveloped(long_name)), fields({}), rpc_code::unsupported_version);
    EXPECT_LT(version.size(), 400U);
}

}  // namespace
}  // namespace fluxgate::rpc
