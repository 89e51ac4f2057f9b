#include "rpc/cursor.h"

#include <gtest/gtest.h>

#include "tests/rpc/signed_fixture.h"

namespace fluxgate::rpc {
namespace {

using test::digest_of_subject;
using test::signer_key;

class Cursor : public testing::Test {
protected:
    [[nodiscard]] std::optional<std::string> read(std::string_view cursor) const {
        return read_cursor(signer_, "tools/list", alice_, cursor);
    }
    const Signer signer_{signer_key};
    const PrincipalDigest alice_ = digest_of_subject("alice");
    const std::string cursor_ = make_cursor(signer_, "tools/list", alice_, "query_table");
};

TEST_F(Cursor, NamesTheLastEntry) {
    EXPECT_EQ(read(cursor_), "query_table");
    for (const std::string& last : {std::string(), std::string("a"), std::string(1024, 'u'),
                                    std::string("db://public/Gr\xc3\xb6\xc3\x9f\x65\0x", 21)}) {
        EXPECT_EQ(read(make_cursor(signer_, "tools/list", alice_, last)), last);
    }
}

TEST_F(Cursor, AnyChangeIsRefused) {
    test::expect_every_change_refused(
        cursor_, [this](std::string_view cursor) { return !read(cursor).has_value(); });
}

TEST_F(Cursor, OfAnotherKeyIsRefused) {
    const Signer other{test::other_signer_key};
    EXPECT_EQ(read(make_cursor(other, "tools/list", alice_, "query_table")), std::nullopt);
}

TEST_F(Cursor, OfAnotherPrincipalIsRefused) {
    for (const PrincipalDigest& other :
         {digest_of_subject("bob"), digest_of(nullptr), PrincipalDigest{}}) {
        EXPECT_EQ(read(make_cursor(signer_, "tools/list", other, "query_table")), std::nullopt);
        EXPECT_EQ(read_cursor(signer_, "tools/list", other, cursor_), std::nullopt);
    }
}

TEST_F(Cursor, OfAnotherListIsRefused) {
    for (const std::string_view list :
         {"prompts/list", "resources/list", "tools/lis", "tools/listq", "tools/list\n", ""}) {
        EXPECT_EQ(read(make_cursor(signer_, list, alice_, "query_table")), std::nullopt) << list;
    }
}

TEST_F(Cursor, TheListAndTheEntryCannotBeShifted) {
    EXPECT_EQ(read_cursor(signer_, "a", alice_, make_cursor(signer_, "ab", alice_, "c")),
              std::nullopt);
    EXPECT_EQ(read_cursor(signer_, "ab", alice_, make_cursor(signer_, "a", alice_, "bc")),
              std::nullopt);
}

TEST_F(Cursor, AValueOfAnotherPurposeIsRefused) {
    const std::string payload = signer_.verify(Purpose::cursor, cursor_).value();
    for (const auto purpose :
         {Purpose::session, Purpose::request_state, Purpose::event_id, Purpose::sse_endpoint}) {
        EXPECT_EQ(read(signer_.sign(purpose, payload)), std::nullopt);
    }
}

TEST_F(Cursor, OfAnotherLayoutIsRefused) {
    const std::string payload = signer_.verify(Purpose::cursor, cursor_).value();
    EXPECT_EQ(read(signer_.sign(Purpose::cursor, "\x02" + payload.substr(1))), std::nullopt);
    for (size_t size = 0; size < payload.size() - std::string_view("query_table").size(); ++size) {
        EXPECT_EQ(read(signer_.sign(Purpose::cursor, payload.substr(0, size))), std::nullopt);
    }
}

TEST_F(Cursor, WhatIsNoCursorIsRefused) {
    for (const char* text : {"", "0", "100", "query_table", "bnVsbA==", "v1..", "{}"}) {
        EXPECT_EQ(read(text), std::nullopt) << text;
    }
}

TEST_F(Cursor, IsNotMadeOfANameThatIsTooLong) {
    EXPECT_EQ(make_cursor(signer_, "tools/list", alice_, std::string(8192, 'x')), "");
}

}  // namespace
}  // namespace fluxgate::rpc
