// Which arrays are a batch of 2025-03-26.
#include <gtest/gtest.h>

#include <string>

#include "tests/rpc/era_fixture.h"

namespace fluxgate::rpc {
namespace {

using test::enveloped;
using test::fields;
using test::modern;
using test::notification;
using test::repeated;
using test::request;

class BatchEra : public test::EraFixture {
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

}  // namespace
}  // namespace fluxgate::rpc
