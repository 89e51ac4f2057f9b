// Exit codes and what goes where, without a database.
#include "app/commands.h"

#include <sstream>

#include "app/admin_login.h"
#include "tests/app/config_fixture.h"

namespace fluxgate::app {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Commands : public ConfigFixture {
protected:
    int run(std::vector<std::string_view> words, const std::string& yaml) {
        const std::string file = write("fluxbase.yaml", yaml).string();
        words.push_back("--config");
        words.push_back(file);
        const auto invocation = parse_command_line(words);
        EXPECT_TRUE(invocation) << invocation.error();
        std::ostringstream out, err;
        const int code = run_command(*invocation, {}, {out, err});
        out_ = out.str();
        err_ = err.str();
        return code;
    }

    std::string out_, err_;
};

TEST_F(Commands, CheckConfigAcceptsARightOne) {
    EXPECT_EQ(run({"check-config"}, "mcp: {enabled: true}"), exit_success);
    EXPECT_THAT(out_, HasSubstr("fluxbase.yaml: right\n"));
    EXPECT_EQ(err_, "");
}

TEST_F(Commands, CheckConfigNotesThatNothingWillBeServed) {
    EXPECT_EQ(run({"check-config"}, ""), exit_success);
    EXPECT_THAT(err_, HasSubstr("note: mcp.enabled is false"));
}

TEST_F(Commands, CheckConfigSaysAllThatIsWrong) {
    EXPECT_EQ(run({"check-config"}, "mcp: {a: 1, b: 2}"), exit_configuration);
    EXPECT_EQ(std::ranges::count(err_, '\n'), 2);
    EXPECT_EQ(out_, "");
}

TEST_F(Commands, CheckConfigRefusesWhatServeWouldRefuse) {
    EXPECT_EQ(run({"check-config"}, "gateway: {server: {address: ':80'}}"), exit_configuration);
    EXPECT_THAT(err_, HasSubstr("allow_plain_http"));
}

TEST_F(Commands, CheckConfigShowsOriginsAndNoSecrets) {
    EXPECT_EQ(run({"check-config", "--show"},
                  "database: {password: hunter2}\nmcp: {rate_limit_per_min: 7}\n"),
              exit_success);
    EXPECT_THAT(out_, HasSubstr("database.password = (set)  # "));
    EXPECT_THAT(out_, HasSubstr("fluxbase.yaml:2\n"));
    EXPECT_THAT(out_, HasSubstr("mcp.session_timeout = 24h  # default\n"));
    EXPECT_THAT(out_, Not(HasSubstr("hunter2")));
}

TEST_F(Commands, PrintSqlNeedsNoDatabase) {
    EXPECT_EQ(run({"bootstrap", "--print-sql"}, "database: {host: /nowhere}"), exit_success);
    EXPECT_THAT(out_, HasSubstr("CREATE ROLE"));
}

TEST_F(Commands, BootstrapWithoutADatabaseIsAFailureWithTheAddress) {
    EXPECT_EQ(run({"bootstrap"}, "database: {host: /nowhere, port: 1234}"), exit_failure);
    EXPECT_THAT(err_, HasSubstr("1234"));
}

TEST_F(Commands, ServeOptionsAreChecked) {
    for (const char* port : {"65536", "http", "-1", ""}) {
        const std::string option = std::string("--port=") + port;
        const std::vector<std::string_view> words{"serve", option};
        const auto invocation = parse_command_line(words);
        if (!invocation) continue;  // the empty one
        std::ostringstream out, err;
        EXPECT_EQ(load_for_serving(*invocation, {}, {out, err}).error(), exit_usage);
        EXPECT_THAT(err.str(), StartsWith("fluxgate: --port: "));
    }
}

TEST(AdminLogin, PrefersTheUrlThenTheConfigurationThenLibpq) {
    Config config;
    const Environment libpq{{"PGHOST", "elsewhere"}};
    EXPECT_EQ(admin_options(config, "postgresql://a@b/c", libpq).url, "postgresql://a@b/c");
    EXPECT_EQ(admin_options(config, {}, libpq).host, "");
    EXPECT_EQ(admin_options(config, {}, {}).host, "localhost");
    EXPECT_EQ(admin_options(config, {}, {}).user, "postgres");
    config.origins.emplace("database.host", Origin{});
    EXPECT_EQ(admin_options(config, {}, libpq).host, "localhost");
    config.database.admin_user = "root";
    config.database.admin_password = loop::Secret("p");
    EXPECT_EQ(admin_options(config, {}, libpq).user, "root");
    EXPECT_EQ(admin_options(config, {}, libpq).password.reveal(), "p");
}

}  // namespace
}  // namespace fluxgate::app
