// docs/configuration.md and deploy/fluxbase.example.yaml say what the code does.
#include <map>
#include <set>

#include "app/config_keys.h"
#include "app/file_io.h"
#include "tests/app/config_fixture.h"

namespace fluxgate::app {
namespace {

class ConfigDoc : public ConfigFixture {};

struct Row {
    std::string default_value, variable;
};

std::string without_backticks(std::string text) {
    std::erase(text, '`');
    const size_t first = text.find_first_not_of(' ');
    if (first == std::string::npos) return "";
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// Rows of the form | `key` | default | `VARIABLE` | meaning |
std::map<std::string, Row> rows_of_the_page() {
    const auto page = read_small_file(FLUXGATE_SOURCE "/docs/configuration.md", 1 << 20);
    std::map<std::string, Row> rows;
    if (!page) return rows;
    std::istringstream lines(page->bytes);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("| `")) continue;
        std::vector<std::string> cells;
        for (size_t at = 1; at < line.size();) {
            const size_t bar = line.find('|', at);
            cells.push_back(without_backticks(line.substr(at, bar - at)));
            at = bar == std::string::npos ? line.size() : bar + 1;
        }
        if (cells.size() >= 4 && cells[2].starts_with("FLUXBASE_")) {
            EXPECT_TRUE(rows.emplace(cells[0], Row{cells[1], cells[2]}).second) << cells[0];
            EXPECT_GT(cells[3].size(), 10u) << cells[0] << " has no meaning";
        }
    }
    return rows;
}

TEST_F(ConfigDoc, NamesEveryKeyOfTheCodeWithItsDefaultAndVariable) {
    const auto rows = rows_of_the_page();
    const Config defaults;
    for (const Key& key : config_keys()) {
        const auto row = rows.find(std::string(key.path));
        ASSERT_NE(row, rows.end()) << key.path << " is not in docs/configuration.md";
        EXPECT_EQ(row->second.variable, environment_name(key.path));
        if (!std::holds_alternative<FieldOf<loop::Secret>>(key.field))
            EXPECT_EQ(row->second.default_value, render_value(key, defaults)) << key.path;
    }
}

TEST_F(ConfigDoc, NamesNoKeyThatTheCodeDoesNotHave) {
    for (const auto& [path, row] : rows_of_the_page())
        EXPECT_NE(find_key(path), nullptr) << path << " is in docs/configuration.md only";
}

TEST_F(ConfigDoc, HasAnExampleThatLoadsAndChangesNoLimit) {
    LoadRequest request;
    request.file = FLUXGATE_SOURCE "/deploy/fluxbase.example.yaml";
    request.read_password_files = false;
    const auto config = load_config(request);
    ASSERT_TRUE(config) << config.error()[0];
    EXPECT_TRUE(config->mcp.enabled);
    const Config defaults;
    // What the example must set for itself; everything else shows the default.
    const std::set<std::string_view> own{"mcp.enabled",
                                         "gateway.database.user_login.password_file",
                                         "gateway.database.service_login.password_file",
                                         "gateway.database.auth_login.password_file",
                                         "gateway.keys.signing_key_file",
                                         "public_base_url"};
    for (const Key& key : config_keys())
        if (!own.contains(key.path) && !std::holds_alternative<FieldOf<loop::Secret>>(key.field))
            EXPECT_EQ(render_value(key, *config), render_value(key, defaults)) << key.path;
}

}  // namespace
}  // namespace fluxgate::app
