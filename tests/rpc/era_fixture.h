// Messages of both eras, and what the ladder (rpc/era) makes of them.
#pragma once

#include <gtest/gtest.h>

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "rpc/era.h"
#include "tests/rpc/read_json.h"

namespace fluxgate::test {

inline constexpr std::string_view modern = "2026-07-28";

inline std::string request(std::string_view method, std::string_view params,
                           std::string_view id = "1") {
    return R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":")" + std::string(method) +
           R"(","params":)" + std::string(params) + "}";
}
inline std::string notification(std::string_view params) {
    return R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":)" +
           std::string(params) + "}";
}
// A params object with an envelope of that version; `more` are further members, each behind a
// comma.
inline std::string enveloped(std::string_view version, std::string_view more = {},
                             std::string_view more_meta = {}) {
    return R"({"_meta":{"io.modelcontextprotocol/protocolVersion":")" + std::string(version) +
           R"(","io.modelcontextprotocol/clientCapabilities":{})" + std::string(more_meta) + "}" +
           std::string(more) + "}";
}

inline rpc::StandardHeaders fields(std::optional<std::string_view> version,
                                   std::optional<std::string_view> method = std::nullopt,
                                   std::optional<std::string_view> name = std::nullopt) {
    return {.protocol_version = version, .method = method, .name = name, .is_repeated = false};
}
inline rpc::StandardHeaders repeated(rpc::StandardHeaders headers) {
    headers.is_repeated = true;
    return headers;
}

// What the ladder says of one message and its head.
class EraFixture : public testing::Test {
protected:
    const rpc::Json& parse(std::string_view text) {
        const rpc::Json* document = read_json(reader_, text, arena_);
        EXPECT_NE(document, nullptr) << text;
        static const rpc::Json nothing;
        return document == nullptr ? nothing : *document;
    }
    std::expected<rpc::Classified, rpc::Refusal> on(std::string_view body,
                                                    const rpc::StandardHeaders& headers) {
        return rpc::classify(parse(body), headers, rpc::default_protocol(), arena_);
    }
    void expect_accepted(std::string_view body, const rpc::StandardHeaders& headers,
                         std::string_view revision) {
        const auto classified = on(body, headers);
        ASSERT_TRUE(classified.has_value()) << body << "\n" << classified.error().error.message;
        EXPECT_EQ(classified->protocol->name, revision) << body;
    }
    // Returns the whole error as it is written.
    std::string expect_refused(std::string_view body, const rpc::StandardHeaders& headers, int code,
                               std::string_view written_as, std::string_view id = "1") {
        const auto classified = on(body, headers);
        EXPECT_FALSE(classified.has_value()) << body;
        if (classified) return {};
        const rpc::Refusal& refusal = classified.error();
        EXPECT_EQ(refusal.status, 400) << body;
        EXPECT_EQ(refusal.error.code, code) << body;
        EXPECT_EQ(refusal.error.id, id) << body;
        EXPECT_EQ(refusal.protocol->name, written_as) << body;
        loop::BlockChain out;
        rpc::write_error(out, refusal.error, *refusal.protocol);
        return out.to_string();
    }
    std::string expect_stateless_refused(std::string_view body, const rpc::StandardHeaders& headers,
                                         int code) {
        return expect_refused(body, headers, code, modern);
    }

    loop::Arena arena_;
    rpc::JsonReader reader_{1 << 20};
};

}  // namespace fluxgate::test
