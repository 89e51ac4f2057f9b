#include "app/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fluxgate::app {
namespace {

using testing::HasSubstr;
using testing::Not;

std::expected<Invocation, std::string> parse(std::vector<std::string_view> words) {
    return parse_command_line(words);
}

std::string error_of(std::vector<std::string_view> words) {
    const auto invocation = parse_command_line(words);
    EXPECT_FALSE(invocation);
    return invocation ? "" : invocation.error();
}

TEST(Cli, ServesWithoutACommand) {
    EXPECT_EQ(parse({})->command->id, CommandId::serve);
    const auto invocation = parse({"--port", "9000"});
    ASSERT_TRUE(invocation);
    EXPECT_EQ(invocation->command->id, CommandId::serve);
    EXPECT_EQ(invocation->get("--port"), "9000");
}

TEST(Cli, TakesValuesWithABlankOrAnEqualsSign) {
    EXPECT_EQ(parse({"serve", "--config=a=b.yaml"})->get("--config"), "a=b.yaml");
    EXPECT_EQ(parse({"serve", "--config", "-"})->get("--config"), "-");
}

TEST(Cli, KnowsEveryCommand) {
    for (const CommandSpec& command : commands()) {
        std::vector<std::string_view> words;
        const size_t space = command.name.find(' ');
        words.push_back(command.name.substr(0, space));
        if (space != std::string_view::npos) words.push_back(command.name.substr(space + 1));
        words.push_back("--help");
        const auto invocation = parse(words);
        ASSERT_TRUE(invocation) << command.name;
        EXPECT_EQ(invocation->command, &command);
        EXPECT_TRUE(invocation->wants_help);
        EXPECT_THAT(help_text(&command), HasSubstr("Examples:"));
        EXPECT_THAT(help_text(nullptr), HasSubstr(std::string(command.name)));
    }
}

TEST(Cli, ShowsHelpInEverySpelling) {
    EXPECT_TRUE(parse({"--help"})->wants_help);
    EXPECT_TRUE(parse({"-h"})->wants_help);
    EXPECT_TRUE(parse({"help"})->wants_help);
    EXPECT_EQ(parse({"help", "bootstrap"})->command->id, CommandId::bootstrap);
    EXPECT_TRUE(parse({"servicekeys", "--help"})->wants_help);
    EXPECT_TRUE(parse({"clientkeys", "create", "--name", "x", "-h"})->wants_help);
    EXPECT_EQ(parse({"--version"})->command->id, CommandId::version);
}

TEST(Cli, ExplainsAllCommandsOfAGroup) {
    using Words = std::vector<std::string_view>;
    for (const Words& words : {Words{"clientkeys", "--help"}, Words{"clientkeys", "-h"},
                               Words{"help", "clientkeys"}, Words{"--help", "clientkeys"}}) {
        const auto invocation = parse(words);
        ASSERT_TRUE(invocation) << words[0];
        EXPECT_TRUE(invocation->wants_help);
        const std::string help = help_text(*invocation);
        for (const char* option : {"--name NAME", "--user USER", "--scopes LIST", "--expires WHEN"})
            EXPECT_THAT(help, HasSubstr(option));
        EXPECT_THAT(help, HasSubstr("Usage: fluxgate clientkeys revoke KEY"));
        EXPECT_THAT(help, HasSubstr("fluxgate clientkeys create --name laptop"));
        EXPECT_THAT(help, Not(HasSubstr("servicekeys")));
    }
    EXPECT_EQ(help_text(*parse({"help"})), help_text(nullptr));
    EXPECT_EQ(help_text(*parse({"help", "clientkeys", "list"})),
              help_text(parse({"clientkeys", "list", "--help"})->command));
}

TEST(Cli, NamesTheNearestCommandAndOption) {
    EXPECT_THAT(error_of({"sevre"}), HasSubstr("did you mean serve?"));
    EXPECT_THAT(error_of({"servicekey", "list"}), HasSubstr("did you mean servicekeys?"));
    EXPECT_THAT(error_of({"clientkeys", "creat"}), HasSubstr("did you mean clientkeys create?"));
    EXPECT_THAT(error_of({"serve", "--prot", "1"}), HasSubstr("did you mean --port?"));
    EXPECT_THAT(error_of({"frobnicate"}), HasSubstr("unknown command 'frobnicate'\n"));
}

TEST(Cli, RefusesWhatIsMissing) {
    EXPECT_EQ(error_of({"servicekeys"}), "servicekeys needs one of: create, list, revoke");
    EXPECT_EQ(error_of({"servicekeys", "create"}), "servicekeys create needs --name NAME");
    EXPECT_EQ(error_of({"clientkeys", "create", "--name", "x"}),
              "clientkeys create needs --scopes LIST");
    EXPECT_THAT(error_of({"clientkeys", "revoke"}), HasSubstr("needs KEY"));
    EXPECT_EQ(error_of({"serve", "--port"}), "--port needs a value: --port N");
    EXPECT_EQ(error_of({"serve", "--config", "--port", "1"}),
              "--config needs a value: --config FILE");
    EXPECT_EQ(error_of({"serve", "--config="}), "--config must not be empty");
}

TEST(Cli, RefusesWhatIsTooMuch) {
    EXPECT_EQ(error_of({"serve", "now"}), "serve: unexpected argument 'now'");
    EXPECT_EQ(error_of({"serve", "--port", "1", "--port", "2"}), "--port is given twice");
    EXPECT_EQ(error_of({"check-config", "--show=yes"}), "--show takes no value");
    EXPECT_THAT(error_of({"clientkeys", "revoke", "a", "b"}), HasSubstr("unexpected argument 'b'"));
    EXPECT_THAT(error_of({"servicekeys", "create", "--name", "x", "--user", "y"}),
                HasSubstr("unknown option '--user'"));
    EXPECT_THAT(error_of({"-p"}), HasSubstr("unknown option '-p'"));
}

TEST(Cli, DoesNotRepeatControlCharacters) {
    EXPECT_THAT(error_of({"\x1b[2J"}), HasSubstr("'?[2J'"));
}

TEST(Cli, ChecksNumbers) {
    EXPECT_EQ(parse_number("--port", "8080", 0, 65535), 8080u);
    for (const char* text : {"", "x", "1x", "-1", "65536", " 1", "99999999999"})
        EXPECT_THAT(parse_number("--port", text, 0, 65535).error(),
                    HasSubstr("is not a number from 0 to 65535"));
}

}  // namespace
}  // namespace fluxgate::app
