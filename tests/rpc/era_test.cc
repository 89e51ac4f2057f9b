#include "rpc/era.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/rpc/padded.h"
#include "tests/support/alloc_counter.h"

namespace fluxgate::rpc {
namespace {

constexpr std::string_view modern = "2026-07-28";

std::string request(std::string_view method, std::string_view params, std::string_view id = "1") {
    return R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":")" + std::string(method) +
           R"(","params":)" + std::string(params) + "}";
}
std::string notification(std::string_view params) {
    return R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":)" +
           std::string(params) + "}";
}
// A params object with an envelope of that version; `more` are further members, each behind a
// comma.
std::string enveloped(std::string_view version, std::string_view more = {},
                      std::string_view more_meta = {}) {
    return R"({"_meta":{"io.modelcontextprotocol/protocolVersion":")" + std::string(version) +
           R"(","io.modelcontextprotocol/clientCapabilities":{})" + std::string(more_meta) + "}" +
           std::string(more) + "}";
}

StandardHeaders fields(std::optional<std::string_view> version,
                       std::optional<std::string_view> method = std::nullopt,
                       std::optional<std::string_view> name = std::nullopt) {
    return {.protocol_version = version, .method = method, .name = name, .is_repeated = false};
}
StandardHeaders repeated(StandardHeaders headers) {
    headers.is_repeated = true;
    return headers;
}

class Era : public testing::Test {
protected:
    const Json& parse(std::string_view text) {
        const test::Padded padded(text);
        const auto document = reader_.read(padded.view(), arena_);
        EXPECT_TRUE(document.has_value()) << text;
        static const Json nothing;
        return document ? **document : nothing;
    }
    std::expected<Classified, Refusal> on(std::string_view body, const StandardHeaders& headers) {
        return classify(parse(body), headers, default_protocol(), arena_);
    }
    void expect_accepted(std::string_view body, const StandardHeaders& headers,
                         std::string_view revision) {
        const auto classified = on(body, headers);
        ASSERT_TRUE(classified.has_value()) << body << "\n" << classified.error().error.message;
        EXPECT_EQ(classified->protocol->name, revision) << body;
    }
    // Returns the whole error as it is written.
    std::string expect_refused(std::string_view body, const StandardHeaders& headers, int code,
                               std::string_view written_as, std::string_view id = "1") {
        const auto classified = on(body, headers);
        EXPECT_FALSE(classified.has_value()) << body;
        if (classified) return {};
        const Refusal& refusal = classified.error();
        EXPECT_EQ(refusal.status, 400) << body;
        EXPECT_EQ(refusal.error.code, code) << body;
        EXPECT_EQ(refusal.error.id, id) << body;
        EXPECT_EQ(refusal.protocol->name, written_as) << body;
        loop::BlockChain out;
        write_error(out, refusal.error, *refusal.protocol);
        return out.to_string();
    }
    std::string expect_stateless_refused(std::string_view body, const StandardHeaders& headers,
                                         int code) {
        return expect_refused(body, headers, code, modern);
    }

    loop::Arena arena_;
    JsonReader reader_{1 << 20};
};

// ---- which era ----

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

// ---- JSON-RPC's shape ----

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

// ---- the envelope ----

TEST_F(Era, AStatelessHeaderWithoutEnvelopeNamesTheMissingKeys) {
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

TEST_F(Era, AVersionThatIsNoStringIsInvalidWithAnyHeader) {
    for (const char* version : {"1", "null", "{}", "[\"2026-07-28\"]", "true"}) {
        const std::string body =
            request("tools/list", R"({"_meta":{"io.modelcontextprotocol/protocolVersion":)" +
                                      std::string(version) + "}}");
        for (const auto& headers : {fields({}), fields("2025-11-25"), fields(modern)}) {
            expect_stateless_refused(body, headers, rpc_code::invalid_params);
        }
    }
}

TEST_F(Era, AnEnvelopeOfAnotherVersionIsToldWhichAreServed) {
    for (const char* version : {"2025-11-25", "2025-03-26", "v999.0.0", "", "2026-07-28 "}) {
        for (const auto& headers : {fields({}), fields(version, "tools/list")}) {
            const std::string answer = expect_stateless_refused(
                request("tools/list", enveloped(version)), headers, rpc_code::unsupported_version);
            EXPECT_NE(answer.find(R"("data":{"supported":["2026-07-28"],"requested":")" +
                                  std::string(version) + "\"}"),
                      std::string::npos)
                << answer;
        }
    }
}

TEST_F(Era, AHeaderThatContradictsAnUnknownVersionIsAMismatchFirst) {
    expect_stateless_refused(request("server/discover", enveloped("v999.0.0")),
                             fields(modern, "server/discover"), rpc_code::header_mismatch);
}

TEST_F(Era, CapabilitiesAreAnObject) {
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

TEST_F(Era, AnEnvelopeIsReadInWhole) {
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

TEST_F(Era, ALegacyRequestHasOnlyItsProgressToken) {
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

TEST_F(Era, AnInvalidProgressTokenIsIgnoredInTheLegacyEraOnly) {
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

TEST_F(Era, AnUnknownLogLevelIsInvalid) {
    for (const char* level : {"\"loud\"", "\"\"", "\"Debug\"", "1", "null"}) {
        expect_stateless_refused(
            request("tools/list",
                    enveloped(modern, "",
                              R"(,"io.modelcontextprotocol/logLevel":)" + std::string(level))),
            fields(modern, "tools/list"), -32602);
    }
}

// ---- the headers of a stateless request ----

TEST_F(Era, TheVersionHeaderMustBeThereAndBeTheBodys) {
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

TEST_F(Era, TheMethodHeaderMustBeThereAndBeTheBodys) {
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

TEST_F(Era, TheNameHeaderRepeatsWhatTheRequestIsAbout) {
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

TEST_F(Era, NamesOutsideAsciiComeInBase64) {
    const std::string body =
        request("resources/read", enveloped(modern, ",\"uri\":\"x://gr\xC3\xBC\xC3\x9F\""));
    expect_accepted(body, fields(modern, "resources/read", "=?base64?eDovL2dyw7zDnw==?="), modern);
}

TEST_F(Era, WithoutANameInTheBodyTheNameHeaderDoesNotMatter) {
    for (const char* member : {"", R"(,"name":1)", R"(,"name":null)", R"(,"uri":"x")"}) {
        expect_accepted(request("tools/call", enveloped(modern, member)),
                        fields(modern, "tools/call"), modern);
    }
    expect_accepted(request("tools/list", enveloped(modern, R"(,"name":"x")")),
                    fields(modern, "tools/list", "y"), modern);
}

TEST_F(Era, WhatIsEchoedIsCutAndEscaped) {
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

// ---- batches ----

class BatchEra : public Era {
protected:
    void expect_batch(std::string_view body, const StandardHeaders& headers,
                      std::string_view revision) {
        const auto protocol = classify_batch(parse(body), headers, default_protocol(), arena_);
        ASSERT_TRUE(protocol.has_value()) << body;
        EXPECT_EQ((*protocol)->name, revision) << body;
    }
    void expect_no_batch(std::string_view body, const StandardHeaders& headers, int code,
                         std::string_view written_as) {
        const auto protocol = classify_batch(parse(body), headers, default_protocol(), arena_);
        ASSERT_FALSE(protocol.has_value()) << body;
        EXPECT_EQ(protocol.error().status, 400) << body;
        EXPECT_EQ(protocol.error().error.code, code) << body;
        EXPECT_EQ(protocol.error().error.id, "") << body;
        EXPECT_EQ(protocol.error().protocol->name, written_as) << body;
    }
    static std::string array_of(size_t count, std::string_view element) {
        std::string text = "[";
        for (size_t i = 0; i < count; ++i) {
            if (i > 0) text += ',';
            text += element;
        }
        return text + "]";
    }
    const std::string ping_ = request("ping", "{}");
};

TEST_F(BatchEra, OnlyRevision20250326HasThem) {
    expect_batch(array_of(2, ping_), fields({}), "2025-03-26");
    expect_batch(array_of(2, ping_), fields("2025-03-26"), "2025-03-26");
    for (const char* version : {"2024-11-05", "2025-06-18", "2025-11-25", "2026-07-28"}) {
        expect_no_batch(array_of(2, ping_), fields(version), -32600, version);
    }
    expect_no_batch(array_of(2, ping_), fields("v999"), -32000, "2025-03-26");
    expect_no_batch(array_of(2, ping_), repeated(fields({})), -32000, "2025-03-26");
    expect_no_batch(array_of(2, ping_), repeated(fields(modern)), -32020, modern);
}

TEST_F(BatchEra, OneStatelessElementSpoilsIt) {
    const std::string stateless = request("tools/list", enveloped(modern));
    expect_no_batch("[" + stateless + "]", fields({}), -32600, modern);
    expect_no_batch("[" + ping_ + "," + stateless + "]", fields("2025-03-26"), -32600, modern);
    expect_no_batch("[1,[],null," + notification(enveloped(modern)) + "]", fields({}), -32600,
                    modern);
    expect_no_batch("[" + request("ping", enveloped("2025-11-25")) + "]", fields({}), -32600,
                    modern);
}

TEST_F(BatchEra, HasOneToFiftyMessages) {
    expect_no_batch("[]", fields({}), -32600, "2025-03-26");
    expect_batch(array_of(1, ping_), fields({}), "2025-03-26");
    expect_batch(array_of(batch_messages_max, ping_), fields({}), "2025-03-26");
    expect_no_batch(array_of(batch_messages_max + 1, ping_), fields({}), -32600, "2025-03-26");
}

TEST_F(BatchEra, HasNoInitialize) {
    expect_no_batch("[" + ping_ + "," + request("initialize", "{}") + "]", fields({}), -32600,
                    "2025-03-26");
    expect_no_batch(R"([{"jsonrpc":"2.0","method":"initialize"}])", fields({}), -32600,
                    "2025-03-26");
}

TEST_F(BatchEra, WhatItsElementsAreIsNotChecked) {
    expect_batch("[1,null,[],{}]", fields({}), "2025-03-26");
}

// ---- cost ----

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
