// The fixture tools that ask the client, round by round.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/app/conformance_fixture.h"

namespace fluxgate::app {
namespace {

class ConformanceQuestions : public test::ConformanceFixture {};

TEST_F(ConformanceQuestions, AskForANameUntilThereIsAnAnswer) {
    const std::string name = "test_input_required_result_elicitation";
    const std::string question = "user_name=elicitation/create []";
    EXPECT_EQ(asked(name), question);
    for (const char* wrong :
         {R"({"wrong_key":{"action":"accept","content":{"name":"A"}}})", R"({"user_name":12345})",
          R"({"user_name":{}})", R"({"user_name":{"action":"accept"}})",
          R"({"user_name":{"action":"perhaps","content":{"name":"A"}}})",
          R"({"user_name":{"action":1,"content":{"name":"A"}}})",
          R"({"user_name":{"action":"accept","content":[]}})", R"([])"}) {
        EXPECT_EQ(asked(name, {.inputs = wrong}), question) << wrong;
    }
    EXPECT_EQ(text_of(name, {.inputs = R"({"user_name":{"action":"accept","content":)"
                                       R"({"name":"Alice"}},"other":{"action":"accept"}})"}),
              "Hello, Alice!");
    EXPECT_EQ(text_of(name, {.inputs = R"({"user_name":{"action":"decline"}})"}),
              "Hello, whoever you are!");
}

TEST_F(ConformanceQuestions, AskNothingThatTheClientHasNotDeclared) {
    const std::pair<const char*, const char*> cases[] = {
        {"test_sampling", R"({"prompt":"p"})"},
        {"test_elicitation", R"({"message":"m"})"},
        {"test_elicitation_sep1034_defaults", ""},
        {"test_elicitation_sep1330_enums", ""},
        {"test_input_required_result_elicitation", ""},
        {"test_input_required_result_list_roots", ""},
        {"test_input_required_result_multi_round", ""},
        {"test_input_required_result_request_state", ""},
        {"test_input_required_result_sampling", ""},
        {"test_input_required_result_tampered_state", ""},
        {"test_streaming_elicitation", ""},
    };
    for (const auto& [name, arguments] : cases) {
        const rpc::ToolResult result = call(name, arguments, {.capabilities = 0});
        EXPECT_EQ(result.ask, nullptr) << name;
        EXPECT_TRUE(result.is_error) << name;
        EXPECT_TRUE(result.text.to_string().contains("did not declare")) << name;
    }
    for (const char* name : {"test_input_required_result_capabilities",
                             "test_input_required_result_multiple_inputs"}) {
        const rpc::ToolResult result = call(name, "", {.capabilities = 0});
        EXPECT_EQ(result.ask, nullptr) << name;
        EXPECT_FALSE(result.is_error) << name;
    }
    constexpr auto sampling = static_cast<uint8_t>(rpc::ClientCapability::sampling);
    EXPECT_EQ(asked("test_input_required_result_capabilities", {.capabilities = sampling}),
              "greeting=sampling/createMessage []");
}

TEST_F(ConformanceQuestions, AskTheModelAndTheRoots) {
    EXPECT_EQ(asked("test_sampling", {}, R"({"prompt":"say \"hi\""})"),
              "answer=sampling/createMessage []");
    const rpc::ToolResult result = call("test_sampling", R"({"prompt":"say \"hi\""})", {});
    EXPECT_EQ(
        result.ask->requests[0].params,
        R"({"messages":[{"role":"user","content":{"type":"text","text":"say \"hi\""}}],"maxTokens":100})");
    EXPECT_EQ(text_of("test_sampling",
                      {.inputs = R"({"answer":{"content":{"type":"text","text":"hi"}}})"},
                      R"({"prompt":"p"})"),
              "LLM response: hi");
    EXPECT_EQ(text_of("test_sampling",
                      {.inputs = R"({"answer":{"content":[{"type":"text","text":"hi"}]}})"},
                      R"({"prompt":"p"})"),
              "LLM response: hi");
    EXPECT_EQ(
        asked("test_sampling", {.inputs = R"({"answer":{"content":[]}})"}, R"({"prompt":"p"})"),
        "answer=sampling/createMessage []");
    EXPECT_TRUE(call("test_sampling").is_error);  // no prompt
    EXPECT_EQ(asked("test_input_required_result_sampling"),
              "capital_question=sampling/createMessage []");
    EXPECT_EQ(asked("test_input_required_result_list_roots"), "client_roots=roots/list []");
    EXPECT_EQ(asked("test_input_required_result_list_roots",
                    {.inputs = R"({"client_roots":{"roots":"file:///a"}})"}),
              "client_roots=roots/list []");
    EXPECT_EQ(
        text_of("test_input_required_result_list_roots",
                {.inputs = R"({"client_roots":{"roots":[{"uri":"file:///a"},7,{"uri":1}]}})"}),
        "Roots: file:///a");
}

TEST_F(ConformanceQuestions, AskWithForms) {
    EXPECT_TRUE(call("test_elicitation").is_error);  // no message
    EXPECT_EQ(asked("test_elicitation", {}, R"({"message":"m"})"), "contact=elicitation/create []");
    EXPECT_EQ(text_of("test_elicitation",
                      {.inputs = R"({"contact":{"action":"accept","content":{"username":"u","n":1,)"
                                 R"("b":true,"l":["x","y"],"o":{}}}})"},
                      R"({"message":"m"})"),
              R"(User response: action=accept, content={\"username\":\"u\",\"n\":1,\"b\":true,)"
              R"(\"l\":[\"x\",\"y\"],\"o\":null})");
    EXPECT_EQ(text_of("test_elicitation", {.inputs = R"({"contact":{"action":"cancel"}})"},
                      R"({"message":"m"})"),
              "User response: action=cancel, content={}");
    for (const char* name :
         {"test_elicitation_sep1034_defaults", "test_elicitation_sep1330_enums"}) {
        const rpc::ToolResult result = call(name);
        ASSERT_NE(result.ask, nullptr);
        const rpc::Json* params = parse(result.ask->requests[0].params);
        ASSERT_NE(params, nullptr);
        EXPECT_EQ(params->find("requestedSchema")->find("properties")->count, 5U) << name;
    }
}

TEST_F(ConformanceQuestions, TakeTheirStateBack) {
    for (const char* name : {"test_input_required_result_request_state",
                             "test_input_required_result_tampered_state"}) {
        const std::string question = "confirm=elicitation/create [confirm]";
        const std::string yes = R"({"confirm":{"action":"accept","content":{"ok":true}}})";
        EXPECT_EQ(asked(name), question);
        EXPECT_EQ(asked(name, {.inputs = yes}), question);  // without the state
        EXPECT_EQ(asked(name, {.inputs = yes, .state = "other"}), question);
        EXPECT_TRUE(text_of(name, {.inputs = yes, .state = "confirm"}).starts_with("state-ok"));
    }
}

TEST_F(ConformanceQuestions, KeepInTheirStateWhatWasAnsweredBefore) {
    const std::string name = "test_input_required_result_multi_round";
    const std::string first = R"({"step1":{"action":"accept","content":{"name":"Alice"}}})";
    const std::string second = R"({"step2":{"action":"accept","content":{"color":"blue"}}})";
    EXPECT_EQ(asked(name), "step1=elicitation/create [step1]");
    EXPECT_EQ(asked(name, {.inputs = first}), "step1=elicitation/create [step1]");
    EXPECT_EQ(asked(name, {.inputs = second, .state = "step1"}),
              "step1=elicitation/create [step1]");
    EXPECT_EQ(asked(name, {.inputs = first, .state = "step1"}),
              "step2=elicitation/create [step2:Alice]");
    EXPECT_EQ(asked(name, {.inputs = first, .state = "step2:Alice"}),
              "step2=elicitation/create [step2:Alice]");
    EXPECT_EQ(text_of(name, {.inputs = second, .state = "step2:Alice"}),
              "Hello, Alice! Your favorite color is blue.");
}

TEST_F(ConformanceQuestions, AskSeveralThingsAtOnce) {
    const std::string name = "test_input_required_result_multiple_inputs";
    const std::string question =
        "user_name=elicitation/create greeting=sampling/createMessage client_roots=roots/list "
        "[three]";
    EXPECT_EQ(asked(name), question);
    EXPECT_EQ(asked(name, {.inputs = R"({"client_roots":{"roots":[]}})"}), question);
    EXPECT_EQ(text_of(name, {.inputs = R"({"client_roots":{"roots":[]},)"
                                       R"("user_name":{"action":"decline"},)"
                                       R"("greeting":{"content":{"type":"text","text":"hi"}}})"}),
              "Answered: 3 questions.");
}

}  // namespace
}  // namespace fluxgate::app
