// Each mistake with the message that it gets. What is not refused here is in config_test.cc.
#include "tests/app/config_fixture.h"

namespace fluxgate::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class ConfigError : public ConfigFixture {
protected:
    // The one error of `yaml`.
    std::string error_of(const std::string& yaml, Environment environment = {}) {
        const auto errors = errors_of(yaml, std::move(environment));
        EXPECT_EQ(errors.size(), 1u) << testing::PrintToString(errors);
        return errors.empty() ? "" : errors[0];
    }
};

TEST_F(ConfigError, NameTheNearestKey) {
    EXPECT_EQ(error_of("mcp:\n  enabled: true\n  rate_limit_per_mim: 5\n"),
              "fluxbase.yaml:3: mcp.rate_limit_per_mim: unknown key; did you mean "
              "mcp.rate_limit_per_min?");
    EXPECT_EQ(error_of("gateway:\n  sever:\n    address: :1\n"),
              "fluxbase.yaml:3: gateway.sever: unknown key; did you mean gateway.server?");
}

TEST_F(ConfigError, NameTheRightSectionOfAKeyInTheWrongOne) {
    EXPECT_EQ(error_of("gateway:\n  loops: 2\n"),
              "fluxbase.yaml:2: gateway.loops: unknown key; did you mean gateway.server.loops?");
}

TEST_F(ConfigError, NameNothingWhereNothingIsNear) {
    EXPECT_EQ(error_of("mcp:\n  zzzzzzzzzz: 2\n"), "fluxbase.yaml:2: mcp.zzzzzzzzzz: unknown key");
}

TEST_F(ConfigError, RefuseAMisspelledSection) {
    EXPECT_EQ(error_of("gatway:\n  log: {level: info}\n"),
              "fluxbase.yaml:2: gatway: unknown section; did you mean gateway?");
    EXPECT_EQ(error_of("mpc: {enabled: true}\n"),
              "fluxbase.yaml:1: mpc: unknown section; did you mean mcp?");
}

TEST_F(ConfigError, RefuseDottedKeys) {
    EXPECT_THAT(error_of("mcp.enabled: true\n"), HasSubstr("a dotted key does not count"));
}

TEST_F(ConfigError, SayWhatABooleanIs) {
    EXPECT_EQ(error_of("mcp:\n  enabled: maybe\n"),
              "fluxbase.yaml:2: mcp.enabled: 'maybe' is not true or false");
}

TEST_F(ConfigError, SayWhatANumberMayBe) {
    EXPECT_EQ(error_of("mcp: {rate_limit_per_min: many}"),
              "fluxbase.yaml:1: mcp.rate_limit_per_min: 'many' is not a whole number; it must be "
              "from 0 to 60000000");
    EXPECT_EQ(
        error_of("mcp: {rate_limit_per_min: -1}"),
        "fluxbase.yaml:1: mcp.rate_limit_per_min: '-1' is not a whole number; it must be from 0 "
        "to 60000000");
    EXPECT_EQ(error_of("database: {port: 70000}"),
              "fluxbase.yaml:1: database.port: 70000 is out of range; it must be from 1 to 65535");
    EXPECT_THAT(error_of("database: {port: 99999999999999999999999999}"),
                HasSubstr("is out of range"));
    EXPECT_THAT(error_of("database: {port: 5432.0}"), HasSubstr("is not a whole number"));
    EXPECT_THAT(error_of("database: {port: 0x1538}"), HasSubstr("is not a whole number"));
    EXPECT_EQ(
        error_of("mcp: {max_message_size: 10MB}"),
        "fluxbase.yaml:1: mcp.max_message_size: '10MB' is not a whole number; it must be from 1024 "
        "to 1073741824, in bytes and without a unit");
}

TEST_F(ConfigError, WantDurationsWithAUnit) {
    EXPECT_EQ(error_of("mcp: {session_timeout: 3600}"),
              "fluxbase.yaml:1: mcp.session_timeout: '3600' is not a duration; write it with a "
              "unit, such "
              "as 500ms, 90s, 15m or 1h30m");
    EXPECT_EQ(error_of("gateway: {database: {fast_timeout: 2h}}"),
              "fluxbase.yaml:1: gateway.database.fast_timeout: 2h is out of range; it must be from "
              "10ms to 1m");
}

TEST_F(ConfigError, SayWhichWordsThereAre) {
    EXPECT_EQ(
        error_of("gateway: {log: {level: loud}}"),
        "fluxbase.yaml:1: gateway.log.level: 'loud' will not do: it must be debug, info, warn "
        "or error");
    EXPECT_THAT(error_of("database: {ssl_mode: on}"), HasSubstr("must be disable, allow, prefer"));
}

TEST_F(ConfigError, WantAnAddressWithAPort) {
    for (const char* address :
         {"localhost", "127.0.0.1", "example.com:80", "127.0.0.1:99999", "::1:80",
          "127.0.0.1:", "[::1]", "1.2.3:80", "[127.0.0.1]:80", "*:80"})
        EXPECT_THAT(error_of("gateway: {server: {address: '" + std::string(address) + "'}}"),
                    HasSubstr("must be ADDRESS:PORT"))
            << address;
}

TEST_F(ConfigError, WantAPlainBasePath) {
    for (const char* path :
         {"mcp", "/", "/mcp/", "//mcp", "/a//b", "/m cp", "/../x", "/a?b", "/%6d"})
        EXPECT_THAT(error_of("mcp: {base_path: '" + std::string(path) + "'}"),
                    HasSubstr("must be a path like /mcp"))
            << path;
    EXPECT_THAT(error_of("mcp: {base_path: /livez}"), HasSubstr("must not be /livez or /readyz"));
}

TEST_F(ConfigError, WantOriginsAndHostsWithoutAPath) {
    for (const char* origin : {"app.example.com", "https://", "https://a/b", "https://a/", "*",
                               "null", "ftp://a", "https://u@a", "https://a:99999"})
        EXPECT_THAT(
            error_of("gateway: {server: {allowed_origins: ['" + std::string(origin) + "']}}"),
            HasSubstr("must be an origin"))
            << origin;
    EXPECT_THAT(error_of("gateway: {server: {allowed_hosts: ['https://a']}}"),
                HasSubstr("must be a host"));
}

TEST_F(ConfigError, RefuseAListForAWordAndAMapForAValue) {
    EXPECT_EQ(error_of("mcp:\n  base_path: [a]\n"),
              "fluxbase.yaml:2: mcp.base_path: is a list; it must be one value");
    EXPECT_EQ(error_of("mcp:\n  base_path:\n    a: b\n"),
              "fluxbase.yaml:3: mcp.base_path: is a map; it must be a value");
    EXPECT_EQ(error_of("mcp: true\n"), "fluxbase.yaml:1: mcp: must be a map of keys");
    EXPECT_EQ(error_of("mcp: {allowed_tools: [[a]]}"),
              "fluxbase.yaml:1: mcp.allowed_tools: must be a list of texts");
}

TEST_F(ConfigError, RefuseControlCharacters) {
    EXPECT_THAT(error_of("database: {host: \"a\\nb\"}"),
                HasSubstr("'a?b' holds a control character"));
    EXPECT_THAT(error_of("database: {password: \"a\\0b\"}"), HasSubstr("holds a NUL"));
}

TEST_F(ConfigError, NeverRepeatASecret) {
    for (const std::string& error : errors_of("database: {password: [hunter2]}\nmcp: {x: y}",
                                              {{"FLUXBASE_DATABASE_PORT", "p"}}))
        EXPECT_THAT(error, Not(HasSubstr("hunter2")));
}

TEST_F(ConfigError, NameTheVariable) {
    EXPECT_EQ(error_of("", {{"FLUXBASE_MCP_ENABLED", "perhaps"}}),
              "FLUXBASE_MCP_ENABLED: mcp.enabled: 'perhaps' is not true or false");
    EXPECT_EQ(error_of("", {{"FLUXBASE_GATEWAY_SERVER_LOOP", "2"}}),
              "FLUXBASE_GATEWAY_SERVER_LOOP: unknown variable; did you mean "
              "FLUXBASE_GATEWAY_SERVER_LOOPS?");
    EXPECT_THAT(errors_of("", {{"FLUXBASE_STORAGE_PROVIDER", "s3"}, {"HOME", "/"}}), IsEmpty());
}

TEST_F(ConfigError, ComeAllAtOnce) {
    EXPECT_THAT(
        errors_of(
            "mcp:\n  enabeld: true\n  rate_limit_per_min: -1\ngateway:\n  log:\n    level: loud\n",
            {{"FLUXBASE_DATABASE_PORT", "none"}}),
        ElementsAre(StartsWith("fluxbase.yaml:2: mcp.enabeld"),
                    StartsWith("fluxbase.yaml:3: mcp.rate_limit_per_min"),
                    StartsWith("fluxbase.yaml:6: gateway.log.level"),
                    StartsWith("FLUXBASE_DATABASE_PORT: database.port")));
}

TEST_F(ConfigError, PlaceWhatIsNotYaml) {
    EXPECT_THAT(error_of("mcp:\n  enabled: [true\n"), StartsWith("fluxbase.yaml:3: not YAML: "));
    EXPECT_THAT(error_of("- a\n- b\n"), HasSubstr("must be a map of keys at its top"));
    EXPECT_EQ(error_of("mcp:\n  enabled: true\n  Enabled: false\n"),
              "fluxbase.yaml:3: 'enabled' stands here a second time; it is in line 2 too");
}

TEST_F(ConfigError, AreReportedForAFileThatIsNotThere) {
    LoadRequest request;
    request.file = directory_ / "nowhere.yaml";
    const auto config = load_config(request);
    ASSERT_FALSE(config);
    EXPECT_THAT(config.error(), ElementsAre(HasSubstr("nowhere.yaml: does not exist")));
}

TEST_F(ConfigError, AreReportedForAFolderInTheFilesPlace) {
    LoadRequest request;
    request.file = directory_;
    EXPECT_FALSE(load_config(request));
}

}  // namespace
}  // namespace fluxgate::app
