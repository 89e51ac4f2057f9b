#include "rpc/json_rpc.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/rpc/padded.h"

namespace fluxgate::rpc {
namespace {

class ReadMessage : public testing::Test {
protected:
    std::expected<RpcMessage, RpcError> read(std::string_view text) {
        const test::Padded padded(text);
        const auto document = reader_.read(padded.view(), arena_);
        EXPECT_TRUE(document.has_value()) << text;
        static const Json nothing;
        return read_message(document ? **document : nothing);
    }
    void expect_refused(std::string_view text, int code, std::string_view id) {
        const auto message = read(text);
        ASSERT_FALSE(message.has_value()) << text;
        EXPECT_EQ(message.error().code, code) << text;
        EXPECT_EQ(message.error().id, id) << text;
    }
    static std::string with_id(std::string_view id) {
        return R"({"jsonrpc":"2.0","method":"ping","id":)" + std::string(id) + "}";
    }

    loop::Arena arena_;
    JsonReader reader_{1 << 20};
};

TEST_F(ReadMessage, TellsRequestsNotificationsAndResponsesApart) {
    EXPECT_EQ(read(with_id("1"))->kind, RpcMessage::Kind::request);
    EXPECT_EQ(read(R"({"jsonrpc":"2.0","method":"x"})")->kind, RpcMessage::Kind::notification);
    EXPECT_EQ(read(R"({"jsonrpc":"2.0","id":1,"result":{}})")->kind, RpcMessage::Kind::response);
    EXPECT_EQ(read(R"({"jsonrpc":"2.0","id":null,"error":{}})")->kind, RpcMessage::Kind::response);
}

TEST_F(ReadMessage, KeepsTheIdByteForByte) {
    for (const char* id :
         {"1", "0", "-0", "-7", "1e2", "1E+2", "1.0", "9223372036854775807", "9223372036854775808",
          "18446744073709551615", "-9223372036854775808", R"("")", R"("abc")", R"("a\"b\u2028")",
          R"("\u0041\/")", R"("\\")", "\"gr\xC3\xBC\xC3\x9F\""}) {
        const auto message = read(with_id(id));
        ASSERT_TRUE(message.has_value()) << id;
        EXPECT_EQ(message->id, id);
    }
}

TEST_F(ReadMessage, RefusesIdsThatMcpDoesNotKnow) {
    for (const char* id : {"null", "true", "false", "{}", "[]", "[1]", "1.5", "1e-1",
                           "18446744073709551616", "-9223372036854775809", "1e400", "1e20"}) {
        expect_refused(with_id(id), rpc_code::invalid_request, "");
    }
}

TEST_F(ReadMessage, AllowsIdsOf256BytesAndRefuses257) {
    EXPECT_TRUE(read(with_id('"' + std::string(id_bytes_max, 'x') + '"')).has_value());
    expect_refused(with_id('"' + std::string(id_bytes_max + 1, 'x') + '"'), -32600, "");
    std::string escapes = "\"";  // six bytes each on the wire, one in the id
    for (size_t i = 0; i < id_bytes_max; ++i) {
        escapes += "\\u0001";
    }
    EXPECT_TRUE(read(with_id(escapes + '"')).has_value());
    expect_refused(with_id(escapes + "x\""), -32600, "");
}

TEST_F(ReadMessage, RefusesWhatIsNotAMessageAndKeepsTheIdThatItCouldRead) {
    for (const char* text : {"1", "null", "true", "\"x\"", "{}", R"({"jsonrpc":"2.0"})"}) {
        expect_refused(text, rpc_code::invalid_request, "");
    }
    expect_refused(R"({"id":1,"method":"ping"})", -32600, "1");
    expect_refused(R"({"jsonrpc":"1.0","id":2,"method":"ping"})", -32600, "2");
    expect_refused(R"({"jsonrpc":2.0,"id":3,"method":"ping"})", -32600, "3");
    expect_refused(R"({"jsonrpc":"2.0\u0000","id":4,"method":"ping"})", -32600, "4");
    expect_refused(R"({"jsonrpc":"2.0","id":5})", -32600, "5");
    expect_refused(R"({"jsonrpc":"2.0","id":6,"method":1})", -32600, "6");
    expect_refused(R"({"jsonrpc":"2.0","id":7,"method":null})", -32600, "7");
    expect_refused(R"({"jsonrpc":"2.0","id":8,"method":""})", -32600, "8");
    expect_refused(R"({"jsonrpc":"2.0","result":{}})", -32600, "");
    expect_refused(R"({"JSONRPC":"2.0","id":9,"method":"ping"})", -32600, "9");
}

TEST_F(ReadMessage, RefusesParamsThatAreNoObject) {
    for (const char* params : {"[]", "\"x\"", "1", "null", "true"}) {
        expect_refused(
            std::string(R"({"jsonrpc":"2.0","id":1,"method":"x","params":)") + params + "}",
            rpc_code::invalid_params, "1");
    }
}

std::string error_text(const RpcError& error, Revision revision) {
    loop::BlockChain out;
    write_error(out, error, protocol_of(revision));
    return out.to_string();
}

TEST(WriteError, SaysNullOrNothingWhereTheIdIsUnknown) {
    const RpcError error = to_rpc_error(ReadError::syntax);
    const char* with_null =
        R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}})";
    EXPECT_EQ(error_text(error, Revision::r2024_11_05), with_null);
    EXPECT_EQ(error_text(error, Revision::r2025_03_26), with_null);
    EXPECT_EQ(error_text(error, Revision::r2025_06_18), with_null);
    EXPECT_EQ(error_text(error, Revision::r2025_11_25),
              R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"}})");
}

TEST(WriteError, EscapesAndCutsWhatThePeerSent) {
    RpcError error{.code = -32601,
                   .message = "Method not found: ",
                   .subject = "a\"\n",
                   .detail = "why\"",
                   .id = "\"i\\n\""};
    EXPECT_EQ(error_text(error, Revision::r2025_11_25),
              R"({"jsonrpc":"2.0","id":"i\n","error":{"code":-32601,"message":)"
              R"("Method not found: a\"\n","data":"why\""}})");
    const std::string euros = std::string(echo_bytes_max - 1, 'x') + "\xE2\x82\xAC";
    error.subject = euros;
    EXPECT_NE(error_text(error, Revision::r2025_11_25).find("xxx\",\"data\""), std::string::npos);
}

TEST(ToRpcError, GivesEachReadErrorACode) {
    EXPECT_EQ(to_rpc_error(ReadError::syntax).code, rpc_code::parse_error);
    EXPECT_EQ(to_rpc_error(ReadError::too_deep).code, rpc_code::parse_error);
    EXPECT_EQ(to_rpc_error(ReadError::too_large).code, rpc_code::invalid_request);
    EXPECT_EQ(to_rpc_error(ReadError::too_many_members).code, rpc_code::invalid_request);
    EXPECT_EQ(to_rpc_error(ReadError::too_many_values).code, rpc_code::invalid_request);
    EXPECT_EQ(to_rpc_error(ReadError::duplicate_top).code, rpc_code::invalid_request);
    EXPECT_EQ(to_rpc_error(ReadError::duplicate_params).code, rpc_code::invalid_params);
}

}  // namespace
}  // namespace fluxgate::rpc
