#include "app/config.h"

#include <set>

#include "app/config_keys.h"
#include "tests/app/config_fixture.h"

namespace fluxgate::app {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ConfigLoad : public ConfigFixture {};

TEST_F(ConfigLoad, HasTheDefaultsOfTheSeedWithoutAnything) {
    const auto config = load_config({});
    ASSERT_TRUE(config);
    EXPECT_FALSE(config->mcp.enabled);
    EXPECT_EQ(config->mcp.base_path, "/mcp");
    EXPECT_EQ(config->mcp.session_timeout, 24h);
    EXPECT_EQ(config->mcp.max_message_size, 10'485'760u);
    EXPECT_EQ(config->mcp.rate_limit_per_min, 100u);
    EXPECT_THAT(config->mcp.allowed_tools, IsEmpty());
    EXPECT_EQ(config->database.port, 5432);
    EXPECT_EQ(config->gateway.server.address, "127.0.0.1:8080");
    EXPECT_THAT(config->origins, IsEmpty());
}

TEST_F(ConfigLoad, ReadsEveryKindOfValueFromTheFile) {
    const auto config = load(R"(
mcp:
  enabled: yes
  session_timeout: 1h30m
  max_message_size: 1048576
  allowed_tools: [query_table, "insert_record"]
  allowed_resources: "fluxbase://schema/tables, fluxbase://x"
database:
  host: /var/run/postgresql
  port: 6432
  password: "s3cret:#%"
gateway:
  database:
    fast_timeout: 100ms
)");
    ASSERT_TRUE(config) << config.error()[0];
    EXPECT_TRUE(config->mcp.enabled);
    EXPECT_EQ(config->mcp.session_timeout, 90min);
    EXPECT_EQ(config->mcp.max_message_size, 1'048'576u);
    EXPECT_THAT(config->mcp.allowed_tools, ElementsAre("query_table", "insert_record"));
    EXPECT_THAT(config->mcp.allowed_resources,
                ElementsAre("fluxbase://schema/tables", "fluxbase://x"));
    EXPECT_EQ(config->database.host, "/var/run/postgresql");
    EXPECT_EQ(config->database.port, 6432);
    EXPECT_EQ(config->database.password.reveal(), "s3cret:#%");
    EXPECT_EQ(config->gateway.database.fast_timeout, 100ms);
}

TEST_F(ConfigLoad, LetsTheEnvironmentWinOverTheFile) {
    const auto config = load("mcp:\n  rate_limit_per_min: 5\n  base_path: /ai\n",
                             {{"FLUXBASE_MCP_RATE_LIMIT_PER_MIN", "7"},
                              {"FLUXBASE_MCP_ALLOWED_TOOLS", " query_table, think ,"},
                              {"FLUXBASE_GATEWAY_DATABASE_USER_LOGIN_USER", "somebody"}});
    ASSERT_TRUE(config) << config.error()[0];
    EXPECT_EQ(config->mcp.rate_limit_per_min, 7u);
    EXPECT_EQ(config->mcp.base_path, "/ai");
    EXPECT_THAT(config->mcp.allowed_tools, ElementsAre("query_table", "think"));
    EXPECT_EQ(config->gateway.database.user_login.user, "somebody");
    EXPECT_EQ(config->origins.at("mcp.rate_limit_per_min").place,
              "FLUXBASE_MCP_RATE_LIMIT_PER_MIN");
    EXPECT_THAT(config->origins.at("mcp.base_path").place, HasSubstr("fluxbase.yaml:3"));
}

TEST_F(ConfigLoad, LetsTheCommandLineWinOverTheEnvironment) {
    LoadRequest request;
    request.environment = {{"FLUXBASE_GATEWAY_SERVER_LOOPS", "3"},
                           {"FLUXBASE_GATEWAY_SERVER_ADDRESS", "[::1]:1000"}};
    request.loops = 2;
    request.port = 9090;
    const auto config = load_config(request);
    ASSERT_TRUE(config);
    EXPECT_EQ(config->gateway.server.loops, 2u);
    EXPECT_EQ(config->gateway.server.address, "[::1]:9090");
}

TEST_F(ConfigLoad, TakesAnEmptyVariableForNone) {
    const auto config = load("mcp: {base_path: /ai}", {{"FLUXBASE_MCP_BASE_PATH", ""}});
    ASSERT_TRUE(config);
    EXPECT_EQ(config->mcp.base_path, "/ai");
}

TEST_F(ConfigLoad, TakesTheFirstFileOfTheSearch) {
    LoadRequest request;
    request.search = {directory_ / "absent.yaml", write("b.yaml", "mcp: {base_path: /b}"),
                      write("c.yaml", "mcp: {base_path: /c}")};
    const auto config = load_config(request);
    ASSERT_TRUE(config);
    EXPECT_EQ(config->mcp.base_path, "/b");
    EXPECT_EQ(config->file, directory_ / "b.yaml");
}

TEST_F(ConfigLoad, DoesNotSearchFurtherWhenTheFirstFileIsBroken) {
    LoadRequest request;
    request.search = {write("b.yaml", "mcp: [\n"), write("c.yaml", "mcp: {base_path: /c}")};
    EXPECT_FALSE(load_config(request));
}

TEST_F(ConfigLoad, SearchesWhereFluxbaseDoes) {
    EXPECT_THAT(default_search(),
                ElementsAre("./fluxbase.yaml", "./fluxbase.yml", "./config/fluxbase.yaml",
                            "./config/fluxbase.yml", "/etc/fluxbase/fluxbase.yaml",
                            "/etc/fluxbase/fluxbase.yml"));
}

TEST_F(ConfigLoad, AcceptsFluxbasesOtherSectionsAndKeys) {
    const auto config = load(R"(
debug: true
encryption_key: "0123"
cors: {allowed_origins: "http://localhost:5173"}
server: {address: ":8080", read_timeout: 300s, body_limits: {enabled: true}}
database: {min_connections: 10, health_check_period: 1m}
auth: {jwt_secret: x, oauth_providers: [{name: google, scopes: [a, b]}]}
mcp: {tools_dir: /srv/tools, auto_load_on_boot: false}
)");
    ASSERT_TRUE(config) << config.error()[0];
    EXPECT_EQ(config->server_address, ":8080");
}

TEST_F(ConfigLoad, TakesKeysInAnyCaseAsFluxbaseDoes) {
    const auto config = load("MCP:\n  Base_Path: /ai\n");
    ASSERT_TRUE(config) << config.error()[0];
    EXPECT_EQ(config->mcp.base_path, "/ai");
}

TEST_F(ConfigLoad, TakesASectionWithoutContentForNone) {
    const auto config = load("mcp:\ngateway:\n  server:\n    address:\n  log: ~\n");
    ASSERT_TRUE(config) << config.error()[0];
    EXPECT_EQ(config->gateway.server.address, "127.0.0.1:8080");
}

TEST_F(ConfigLoad, TakesAnEmptyFile) {
    EXPECT_TRUE(load("# nothing\n"));
}

TEST_F(ConfigLoad, LeavesUserClientKeysToTheDatabaseUnlessToldOtherwise) {
    EXPECT_EQ(load_config({})->allow_user_client_keys, std::nullopt);
    const auto config = load("", {{"FLUXBASE_AUTH_ALLOW_USER_CLIENT_KEYS", "false"}});
    ASSERT_TRUE(config);
    EXPECT_EQ(config->allow_user_client_keys, false);
}

TEST_F(ConfigLoad, NotesAPasswordInAFileThatAllMayRead) {
    LoadRequest request;
    request.file = write("open.yaml", "database: {password: x}", 0644);
    const auto config = load_config(request);
    ASSERT_TRUE(config);
    EXPECT_THAT(config->notes, ElementsAre(HasSubstr("can be read by every user")));
    request.file = write("harmless.yaml", "mcp: {enabled: true}", 0644);
    EXPECT_THAT(load_config(request)->notes, IsEmpty());
}

TEST_F(ConfigLoad, NotesANearMissInFluxbasesOwnSections) {
    const auto config = load("database:\n  hosst: db\n");
    ASSERT_TRUE(config);
    EXPECT_THAT(config->notes,
                ElementsAre(HasSubstr(
                    "database.hosst: not a key of fluxgate; did you mean database.host?")));
}

TEST(ConfigKeys, HaveUniqueVariables) {
    std::set<std::string> names;
    for (const Key& key : config_keys())
        EXPECT_TRUE(names.insert(environment_name(key.path)).second);
    EXPECT_GT(names.size(), 60u);
}

TEST(ConfigKeys, NeverShowASecret) {
    Config config;
    config.database.password = loop::Secret("hunter2");
    EXPECT_EQ(render_value(*find_key("database.password"), config), "(set)");
}

}  // namespace
}  // namespace fluxgate::app
