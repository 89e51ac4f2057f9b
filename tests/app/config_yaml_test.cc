#include "app/config_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fluxgate::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of(std::string_view text) {
    const auto root = parse_yaml(text);
    return root ? "" : root.error().text;
}

TEST(ConfigYaml, KeepsOrderLinesAndQuotedEmptyTexts) {
    const auto root = parse_yaml("b: 1\na:\n  - x\n  - ''\nc: ~\n");
    ASSERT_TRUE(root);
    EXPECT_THAT(root->keys, ElementsAre("b", "a", "c"));
    EXPECT_EQ(root->children[1].children[0].line, 3);
    EXPECT_EQ(root->children[1].children[1].kind, YamlNode::Kind::scalar);
    EXPECT_EQ(root->children[2].kind, YamlNode::Kind::null);
}

TEST(ConfigYaml, ExpandsAliasesAndMerges) {
    const auto root = parse_yaml("base: &b {x: 1, y: 2}\nother:\n  <<: *b\n  y: 3\n");
    ASSERT_TRUE(root);
    const YamlNode& other = root->children[1];
    EXPECT_THAT(other.keys, ElementsAre("y", "x"));
    EXPECT_EQ(other.children[0].text, "3");
}

TEST(ConfigYaml, RefusesABillionLaughs) {
    std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
    for (char name = 'b'; name < 'k'; ++name) {
        const std::string last = std::string("*") + static_cast<char>(name - 1);
        bomb += std::string(1, name) + ": &" + name + " [";
        for (int i = 0; i < 10; ++i)
            bomb += (i == 0 ? "" : ", ") + last;
        bomb += "]\n";
    }
    EXPECT_THAT(error_of(bomb), HasSubstr("more than 20000 values"));
}

TEST(ConfigYaml, RefusesAnAliasInsideOfItself) {
    EXPECT_THAT(error_of("a: &a [*a]\n"), HasSubstr("inside of what it means"));
}

TEST(ConfigYaml, RefusesAnAliasOfNothing) {
    EXPECT_THAT(error_of("a: *b\n"), HasSubstr("not YAML"));
}

TEST(ConfigYaml, RefusesWhatIsTooDeep) {
    EXPECT_THAT(error_of("a: " + std::string(33, '[') + std::string(33, ']')),
                HasSubstr("deeper than 32"));
    EXPECT_THAT(error_of("a: " + std::string(500'000, '[')), testing::Ne(""));
}

TEST(ConfigYaml, RefusesTooManyValues) {
    std::string list = "a:\n";
    for (size_t i = 0; i < yaml_nodes_max; ++i)
        list += "- x\n";
    EXPECT_THAT(error_of(list), HasSubstr("more than 20000 values"));
}

TEST(ConfigYaml, RefusesAFileOverTheLimit) {
    EXPECT_EQ(error_of("a: 1\n#" + std::string(yaml_bytes_max, 'x')), "is larger than 1 MiB");
}

TEST(ConfigYaml, RefusesASecondDocument) {
    EXPECT_THAT(error_of("a: 1\n---\nb: 2\n"), HasSubstr("second document"));
}

TEST(ConfigYaml, TakesASingleDocumentWithItsMarkers) {
    EXPECT_TRUE(parse_yaml("---\na: 1\n...\n"));
}

TEST(ConfigYaml, RefusesKeysThatAreNoTexts) {
    EXPECT_THAT(error_of("{[a]: 1}"), HasSubstr("a key that is no text"));
    EXPECT_THAT(error_of("? {a: b}\n: 1\n"), HasSubstr("a key that is no text"));
}

TEST(ConfigYaml, RefusesBinaryFiles) {
    EXPECT_EQ(error_of(std::string_view("\xff\xfe"
                                        "a\0:\0",
                                        6)),
              "is not a UTF-8 text file");
}

TEST(ConfigYaml, SurvivesEveryTruncationOfAFile) {
    const std::string_view text =
        "mcp: &m\n  enabled: true\n  list: [a, 'b', \"c\\n\"]\ngateway:\n  <<: *m\n  x: |\n    "
        "text\n";
    for (size_t bytes = 0; bytes <= text.size(); ++bytes) {
        const auto root = parse_yaml(text.substr(0, bytes));
        if (!root) EXPECT_FALSE(root.error().text.empty());
    }
}

}  // namespace
}  // namespace fluxgate::app
