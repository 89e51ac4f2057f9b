#include "rpc/request_state.h"

#include <gtest/gtest.h>

#include "rpc/big_endian.h"
#include "rpc/json_reader.h"
#include "tests/rpc/read_json.h"
#include "tests/rpc/signed_fixture.h"

namespace fluxgate::rpc {
namespace {

using test::digest_of_subject;
using test::signer_key;

constexpr int64_t now_s = 1'795'000'000;

class RequestState : public testing::Test {
protected:
    RequestState() {
        binding_.principal = digest_of_subject("alice");
        binding_.method = "tools/call";
        binding_.name = "delete_record";
        binding_.arguments = parse(R"({"table":"notes","filter":{"id":"eq.1"},"n":[1,2]})");
        text_ = make(binding_);
    }
    const Json* parse(std::string_view text) {
        return test::read_json_member(reader_, text, arena_);
    }
    [[nodiscard]] std::string make(const RequestBinding& binding) const {
        return make_request_state(signer_, binding, "step 2", now_s);
    }
    [[nodiscard]] std::optional<std::string> read(std::string_view text,
                                                  int64_t at_s = now_s) const {
        return read_request_state(signer_, binding_, text, at_s);
    }
    // Whether a state that was made for `one` is taken with `other`, and the other way round.
    bool are_same(std::string_view one, std::string_view other) {
        RequestBinding left = binding_;
        RequestBinding right = binding_;
        left.arguments = parse(one);
        right.arguments = parse(other);
        EXPECT_TRUE(left.arguments != nullptr && right.arguments != nullptr) << one << other;
        const bool is_taken = read_request_state(signer_, right, make(left), now_s).has_value();
        EXPECT_EQ(read_request_state(signer_, left, make(right), now_s).has_value(), is_taken);
        return is_taken;
    }
    [[nodiscard]] std::optional<std::string> read_payload(std::string_view payload) const {
        return read(signer_.sign(Purpose::request_state, payload));
    }

    const Signer signer_{signer_key};
    loop::Arena arena_;
    JsonReader reader_{1 << 20};
    RequestBinding binding_;
    std::string text_;
};

TEST_F(RequestState, ComesBackUnchanged) {
    EXPECT_EQ(read(text_), "step 2");
    for (const std::string& state :
         {std::string(), std::string("\0\xff{\"a\":1}", 9), std::string(4096, 's')}) {
        EXPECT_EQ(read(make_request_state(signer_, binding_, state, now_s)), state);
    }
}

TEST_F(RequestState, AnyChangeIsRefused) {
    test::expect_every_change_refused(
        text_, [this](std::string_view text) { return !read(text).has_value(); });
}

TEST_F(RequestState, OfAnotherKeyIsRefused) {
    const Signer other{test::other_signer_key};
    EXPECT_EQ(read(make_request_state(other, binding_, "step 2", now_s)), std::nullopt);
}

TEST_F(RequestState, AValueOfAnotherPurposeIsRefused) {
    const std::string payload = signer_.verify(Purpose::request_state, text_).value();
    EXPECT_EQ(read_payload(payload), "step 2");
    for (const auto purpose :
         {Purpose::session, Purpose::cursor, Purpose::event_id, Purpose::sse_endpoint}) {
        EXPECT_EQ(read(signer_.sign(purpose, payload)), std::nullopt);
    }
}

TEST_F(RequestState, OfAnotherLayoutIsRefused) {
    const std::string payload = signer_.verify(Purpose::request_state, text_).value();
    EXPECT_EQ(read_payload("\x02" + payload.substr(1)), std::nullopt);
    for (size_t size = 0; size < payload.size() - std::string_view("step 2").size(); ++size) {
        EXPECT_EQ(read_payload(std::string_view(payload).substr(0, size)), std::nullopt);
    }
}

TEST_F(RequestState, OfAnotherPrincipalIsRefused) {
    for (const PrincipalDigest& other :
         {digest_of_subject("bob"), digest_of(nullptr), PrincipalDigest{}}) {
        binding_.principal = other;
        EXPECT_EQ(read(text_), std::nullopt);
    }
}

TEST_F(RequestState, OfAnotherMethodOrNameIsRefused) {
    const RequestBinding own = binding_;
    for (const auto& [method, name] : std::initializer_list<std::pair<const char*, const char*>>{
             {"prompts/get", "delete_record"},
             {"tools/call", "delete_recor"},
             {"tools/call", "delete_records"},
             {"tools/call", ""},
             {"", "delete_record"},
             {"tools/calld", "elete_record"},
             {"tools/cal", "ldelete_record"}}) {
        binding_ = own;
        binding_.method = method;
        binding_.name = name;
        EXPECT_EQ(read(text_), std::nullopt) << method << " " << name;
    }
}

TEST_F(RequestState, ExpiresToTheSecond) {
    EXPECT_EQ(read(text_, now_s + request_state_lifetime_s - 1), "step 2");
    EXPECT_EQ(read(text_, now_s + request_state_lifetime_s), std::nullopt);
    EXPECT_EQ(read(text_, now_s + 1'000'000'000), std::nullopt);
}

TEST_F(RequestState, FromTheFutureIsRefusedBeyondTheSkewOfClocks) {
    EXPECT_EQ(read(text_, now_s - clock_skew_s_max), "step 2");
    EXPECT_EQ(read(text_, now_s - clock_skew_s_max - 1), std::nullopt);
    EXPECT_EQ(read(text_, 0), std::nullopt);
}

TEST_F(RequestState, AnAbsurdTimeIsRefused) {
    for (const uint64_t time_s :
         {uint64_t{0}, uint64_t{1} << 63, ~uint64_t{0}, ~uint64_t{0} >> 1}) {
        std::string payload = signer_.verify(Purpose::request_state, text_).value();
        payload.replace(1, 8, BigEndian(time_s).view());
        EXPECT_EQ(read_payload(payload), std::nullopt) << time_s;
    }
}

TEST_F(RequestState, IsNotMadeOfATooLongOne) {
    EXPECT_NE(make_request_state(signer_, binding_, std::string(4096, 's'), now_s), "");
    EXPECT_EQ(make_request_state(signer_, binding_, std::string(4097, 's'), now_s), "");
}

TEST_F(RequestState, MembersInAnotherOrderAreTheSame) {
    EXPECT_TRUE(are_same(R"({"a":1,"b":2,"c":3})", R"({"c":3,"a":1,"b":2})"));
    EXPECT_TRUE(are_same(R"({"x":{"a":{"p":1,"q":[{"y":1,"z":2}]},"b":2},"w":0})",
                         R"({"w":0,"x":{"b":2,"a":{"q":[{"z":2,"y":1}],"p":1}}})"));
    EXPECT_TRUE(are_same(R"({"":1,"a":{},"ab":[]})", R"({"ab":[],"a":{},"":1})"));
}

TEST_F(RequestState, BlanksAndEscapesDoNotCount) {
    EXPECT_TRUE(
        are_same(R"({"a":"A/ü","b":[1,2]})", R"( { "b" : [1 , 2], "a":"\u0041\/\u00fc" })"));
}

TEST_F(RequestState, NoArgumentsAreTheEmptyOnes) {
    binding_.arguments = nullptr;
    const std::string text = make(binding_);
    EXPECT_EQ(read(text), "step 2");
    binding_.arguments = parse("{}");
    EXPECT_EQ(read(text), "step 2");
    for (const char* other : {"null", "[]", R"({"a":null})", R"("")"}) {
        binding_.arguments = parse(other);
        EXPECT_EQ(read(text), std::nullopt) << other;
    }
}

TEST_F(RequestState, OfOtherArgumentsIsRefused) {
    const std::initializer_list<const char*> all = {"{}",
                                                    "[]",
                                                    "null",
                                                    "true",
                                                    "false",
                                                    "0",
                                                    "-0",
                                                    "0.0",
                                                    "1",
                                                    "1.0",
                                                    "1e0",
                                                    "10",
                                                    R"("")",
                                                    R"("1")",
                                                    R"("null")",
                                                    R"("true")",
                                                    "[null]",
                                                    "[[]]",
                                                    "[{}]",
                                                    "[[],[]]",
                                                    "[[[]]]",
                                                    "[1,2]",
                                                    "[2,1]",
                                                    "[12]",
                                                    R"(["1","2"])",
                                                    R"(["12"])",
                                                    R"(["1,2"])",
                                                    R"(["1",["2"]])",
                                                    R"([["1"],"2"])",
                                                    R"({"a":1})",
                                                    R"({"a":2})",
                                                    R"({"a":"1"})",
                                                    R"({"b":1})",
                                                    R"({"A":1})",
                                                    R"({"a":null})",
                                                    R"({"a":[]})",
                                                    R"({"a":{}})",
                                                    R"({"a":1,"b":2})",
                                                    R"({"a":2,"b":1})",
                                                    R"({"a":{"b":2}})",
                                                    R"({"a":{"b":{"c":1}}})",
                                                    R"({"a":{"b":{}},"c":1})",
                                                    R"({"a":{"b":{},"c":1}})",
                                                    R"({"ab":"c"})",
                                                    R"({"a":"bc"})",
                                                    R"(["a","bc"])",
                                                    R"(["a",1])",
                                                    R"({"x":[{"a":1},{"b":2}]})",
                                                    R"({"x":[{"b":2},{"a":1}]})",
                                                    R"({"x":[{"a":1,"b":2}]})",
                                                    "[\"a\\u0000b\"]",
                                                    R"(["a"])"};
    for (const char* one : all) {
        for (const char* other : all) {
            EXPECT_EQ(are_same(one, other), one == other) << one << " " << other;
        }
    }
}

// The reader lets this pass below the arguments, where the first one counts.
TEST_F(RequestState, TheOrderOfMembersOfOneNameCounts) {
    EXPECT_FALSE(are_same(R"({"x":{"a":1,"a":2}})", R"({"x":{"a":2,"a":1}})"));
    EXPECT_FALSE(are_same(R"({"x":{"a":1,"a":2}})", R"({"x":{"a":1}})"));
    EXPECT_TRUE(are_same(R"({"x":{"a":1,"b":0,"a":2}})", R"({"x":{"b":0,"a":1,"a":2}})"));
}

TEST_F(RequestState, DigestsTheDeepestAndTheWidestArguments) {
    std::string deep = "1";
    for (size_t i = 0; i < json_depth_max - 1; ++i) {
        deep = (i % 2 == 0 ? "{\"k\":" : "[") + deep + (i % 2 == 0 ? "}" : "]");
    }
    EXPECT_TRUE(are_same(deep, deep));
    std::string up = "{";
    std::string down = "{";
    for (size_t i = 0; i < json_members_max; ++i) {
        const std::string comma = i == 0 ? "" : ",";
        const auto member = [](size_t n) {
            return "\"k" + std::to_string(n) + "\":" + std::to_string(n);
        };
        up += comma + member(i);
        down += comma + member(json_members_max - 1 - i);
    }
    EXPECT_TRUE(are_same(up + "}", down + "}"));
}

}  // namespace
}  // namespace fluxgate::rpc
