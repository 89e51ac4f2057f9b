// The envelope in _meta of a request of 2026-07-28, and what a legacy request may have there.
#include <gtest/gtest.h>

#include <string>

#include "tests/rpc/era_fixture.h"

namespace fluxgate::rpc {
namespace {

using EraEnvelope = test::EraFixture;
using test::enveloped;
using test::fields;
using test::modern;
using test::request;

TEST_F(EraEnvelope, AStatelessHeaderWithoutEnvelopeNamesTheMissingKeys) {
    for (const char* params :
         {"{}", R"({"_meta":{}})", R"({"_meta":null})", R"({"_meta":{"progressToken":1}})"}) {
        const std::string answer = expect_stateless_refused(
            request("tools/list", params), fields(modern, "tools/list"), rpc_code::invalid_params);
        EXPECT_NE(answer.find("io.modelcontextprotocol/protocolVersion"), std::string::npos);
        EXPECT_NE(answer.find("io.modelcontextprotocol/clientCapabilities"), std::string::npos);
    }
    expect_stateless_refused(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})", fields(modern),
                             -32602);
    const std::string answer = expect_stateless_refused(
        request("tools/list", R"({"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}})"),
        fields(modern, "tools/list"), -32602);
    EXPECT_NE(answer.find("lacks io.modelcontextprotocol/protocolVersion"), std::string::npos);
    EXPECT_EQ(answer.find("clientCapabilities"), std::string::npos);
}

TEST_F(EraEnvelope, AVersionThatIsNoStringIsInvalidWithAnyHeader) {
    for (const char* version : {"1", "null", "{}", "[\"2026-07-28\"]", "true"}) {
        const std::string body =
            request("tools/list", R"({"_meta":{"io.modelcontextprotocol/protocolVersion":)" +
                                      std::string(version) + "}}");
        for (const auto& headers : {fields({}), fields("2025-11-25"), fields(modern)}) {
            expect_stateless_refused(body, headers, rpc_code::invalid_params);
        }
    }
}

TEST_F(EraEnvelope, AnEnvelopeOfAnotherVersionIsToldWhichAreServed) {
    for (const char* version : {"2025-11-25", "2025-03-26", "v999.0.0", "", "2026-07-28 "}) {
        for (const auto& headers : {fields({}), fields(version, "tools/list")}) {
            const std::string answer = expect_stateless_refused(
                request("tools/list", enveloped(version)), headers, rpc_code::unsupported_version);
            EXPECT_NE(answer.find(R"("data":{"supported":["2026-07-28"],"requested":")" +
                                  std::string(version) + "\"}"),
                      std::string::npos)
                << answer;
            const bool is_legacy = find_protocol(version) != nullptr;
            EXPECT_EQ(answer.find("begins with initialize") != std::string::npos, is_legacy)
                << answer;
        }
    }
}

TEST_F(EraEnvelope, AHeaderThatContradictsAnUnknownVersionIsAMismatchFirst) {
    expect_stateless_refused(request("server/discover", enveloped("v999.0.0")),
                             fields(modern, "server/discover"), rpc_code::header_mismatch);
}

TEST_F(EraEnvelope, CapabilitiesAreAnObject) {
    const std::string begin = R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28")";
    const std::string answer = expect_stateless_refused(request("tools/list", begin + "}}"),
                                                        fields(modern, "tools/list"), -32602);
    EXPECT_NE(answer.find("lacks io.modelcontextprotocol/clientCapabilities"), std::string::npos);
    for (const char* value : {"null", "[]", "\"{}\"", "1", "true"}) {
        expect_stateless_refused(
            request("tools/list",
                    begin + R"(,"io.modelcontextprotocol/clientCapabilities":)" + value + "}}"),
            fields(modern, "tools/list"), -32602);
    }
}

TEST_F(EraEnvelope, AnEnvelopeIsReadInWhole) {
    const std::string params =
        R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
        R"("io.modelcontextprotocol/clientInfo":{"name":"x"},)"
        R"("io.modelcontextprotocol/clientCapabilities":{"sampling":{},"elicitation":{}},)"
        R"("io.modelcontextprotocol/logLevel":"warning","progressToken":"p\u0041"}})";
    const auto classified = on(request("tools/list", params), fields(modern, "tools/list"));
    ASSERT_TRUE(classified.has_value());
    const Envelope& envelope = classified->envelope;
    EXPECT_TRUE(envelope.capabilities.has(ClientCapability::sampling));
    EXPECT_TRUE(envelope.capabilities.has(ClientCapability::elicitation_form));
    EXPECT_FALSE(envelope.capabilities.has(ClientCapability::elicitation_url));
    EXPECT_FALSE(envelope.capabilities.has(ClientCapability::roots));
    EXPECT_EQ(envelope.log_level, LogLevel::warning);
    EXPECT_EQ(envelope.progress_token, R"("p\u0041")");
    EXPECT_EQ(classified->message.method, "tools/list");
    EXPECT_EQ(classified->message.id, "1");
}

TEST_F(EraEnvelope, ALegacyRequestHasOnlyItsProgressToken) {
    const auto classified =
        on(request("tools/call",
                   R"({"_meta":{"progressToken":7,"io.modelcontextprotocol/logLevel":"debug",)"
                   R"("io.modelcontextprotocol/clientCapabilities":{"roots":{}}}})"),
           fields("2025-11-25"));
    ASSERT_TRUE(classified.has_value());
    EXPECT_EQ(classified->envelope.progress_token, "7");
    EXPECT_FALSE(classified->envelope.log_level.has_value());
    EXPECT_EQ(classified->envelope.capabilities.bits(), 0);
}

TEST_F(EraEnvelope, AnInvalidProgressTokenIsIgnoredInTheLegacyEraOnly) {
    for (const char* token : {"null", "true", "1.5", "{}", "[]"}) {
        const std::string meta = R"(,"progressToken":)" + std::string(token);
        expect_stateless_refused(request("tools/list", enveloped(modern, "", meta)),
                                 fields(modern, "tools/list"), -32602);
        const auto legacy =
            on(request("tools/list", R"({"_meta":{"x":1)" + meta + "}}"), fields("2025-11-25"));
        ASSERT_TRUE(legacy.has_value()) << token;
        EXPECT_EQ(legacy->envelope.progress_token, "") << token;
    }
}

TEST_F(EraEnvelope, AnUnknownLogLevelIsInvalid) {
    for (const char* level : {"\"loud\"", "\"\"", "\"Debug\"", "1", "null"}) {
        expect_stateless_refused(
            request("tools/list",
                    enveloped(modern, "",
                              R"(,"io.modelcontextprotocol/logLevel":)" + std::string(level))),
            fields(modern, "tools/list"), -32602);
    }
}

}  // namespace
}  // namespace fluxgate::rpc
